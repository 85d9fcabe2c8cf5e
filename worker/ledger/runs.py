"""Runs: requested, begun, brought forward, ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.vocabulary import ENDED, MAY_BECOME, SENDING_STEPS, RunState, Trigger
from worker.catalog import profile_faults
from worker.catalog.profile import Profile
from worker.errors import RunHeld
from worker.ledger import events, turns
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Run:
    """A run as a slice takes it up."""

    id: int
    connector_id: int
    state: RunState
    trigger: Trigger
    listed: bool
    refresh: bool
    step: str | None
    cursor: dict[str, Any] | None
    profile: Profile | None
    bugs: int


def request(session: Session, tenant_id: int, connector_id: int, *, refresh: bool, by: str | None = None) -> int:
    """The id of the run that will serve this request of `by`; further requests fold into the one that waits."""
    return int(
        session.scalar(
            text("""
            INSERT INTO run (tenant_id, connector_id, state, trigger, refresh, requested_by)
            VALUES (:tenant, :connector, 'queued', :trigger, :refresh, :by)
            ON CONFLICT (connector_id) WHERE state = 'queued'
            DO UPDATE SET refresh = run.refresh OR excluded.refresh, listed = true,
                   requested_by = coalesce(run.requested_by, excluded.requested_by),
                   trigger = CASE WHEN run.refresh THEN run.trigger ELSE excluded.trigger END
            RETURNING id
            """),
            {
                "tenant": tenant_id,
                "connector": connector_id,
                "refresh": refresh,
                "trigger": Trigger.REFRESH if refresh else Trigger.REQUEST,
                "by": by,
            },
        )
    )


def queued(session: Session, connector_id: int) -> int | None:
    """The id of the run that waits for its first turn, into which a request is folded."""
    found = session.scalar(
        text("SELECT id FROM run WHERE connector_id = :id AND state = 'queued'"), {"id": connector_id}
    )
    return None if found is None else int(found)


def begin_check(session: Session, tenant_id: int, connector_id: int) -> int:
    """A scheduled check: a run that is in no register until the source turns out to have changes."""
    return int(
        session.scalar(
            text(
                "INSERT INTO run (tenant_id, connector_id, state, trigger, listed)"
                " VALUES (:tenant, :connector, 'queued', 'check', false) RETURNING id"
            ),
            {"tenant": tenant_id, "connector": connector_id},
        )
    )


def begin_scheduled(session: Session, tenant_id: int, connector_id: int) -> int:
    """A run that the connector's schedule asks for; it is in the register, whatever comes of it."""
    return int(
        session.scalar(
            text(
                "INSERT INTO run (tenant_id, connector_id, state, trigger)"
                " VALUES (:tenant, :connector, 'queued', :trigger) RETURNING id"
            ),
            {"tenant": tenant_id, "connector": connector_id, "trigger": Trigger.SCHEDULE.value},
        )
    )


COLUMNS = "id, connector_id, state, trigger, listed, refresh, step, cursor, CAST(profile AS text), bugs"
"""SQL: what `of_row` is given."""
CURRENT = (
    f"SELECT {COLUMNS} FROM run WHERE connector_id = :id AND NOT (state = ANY(:ended))"  # noqa: S608 constant
    " ORDER BY state = 'queued', id LIMIT 1"
)
"""SQL: the run to go on with; `ended` are ENDED_STATES."""
ENDED_STATES = [state.value for state in ENDED]


def current(session: Session, connector_id: int) -> Run | None:
    """The run to go on with: the one under way, else the one that waits."""
    row = session.execute(text(CURRENT), {"id": connector_id, "ended": ENDED_STATES}).one_or_none()
    return None if row is None else of_row(row)


def current_or_check(session: Session, tenant_id: int, connector_id: int) -> Run:
    """The run to go on with, else a new check: nobody asked for it, and nobody hears of it unless there are changes."""
    run = current(session, connector_id) or load(session, begin_check(session, tenant_id, connector_id))
    assert run is not None
    return run


def load(session: Session, run_id: int) -> Run | None:
    """The run of this id, if the session's tenant has it."""
    row = session.execute(text(f"SELECT {COLUMNS} FROM run WHERE id = :id"), {"id": run_id}).one_or_none()  # noqa: S608
    return None if row is None else of_row(row)


def of_row(row: Sequence[Any]) -> Run:
    """The run of such a row; ProfileUnusable where its profile is none."""
    id_, connector_id, state, trigger, listed, refresh, step, cursor, profile, bugs = row
    snapshot = None if profile is None else profile_faults.stored(profile)
    return Run(id_, connector_id, RunState(state), Trigger(trigger), listed, refresh, step, cursor, snapshot, bugs)


def begin(session: Session, run_id: int, profile: Profile) -> None:
    """The run has its first turn: it works on this snapshot of the profile."""
    advance(session, run_id, RunState.PREPARING)
    session.execute(
        text("UPDATE run SET started_at = now(), profile = CAST(:profile AS jsonb) WHERE id = :id"),
        {"id": run_id, "profile": profile.model_dump_json()},
    )


def become(session: Session, run_id: int, state: RunState) -> None:
    """Bring the run into this state; ValueError where it may not follow (models/vocabulary.py).

    Where it ends by that, whoever wants to be told is told.
    """
    before = [earlier.value for earlier, following in MAY_BECOME.items() if state in following]
    ended = ", ended_at = now()" if state in ENDED else ""
    moved = session.execute(
        text(f"UPDATE run SET state = :state{ended} WHERE id = :id AND state = ANY(:before) RETURNING id"),  # noqa: S608
        {"id": run_id, "state": state.value, "before": before},
    ).first()
    if moved is None:
        now = session.scalar(text("SELECT state FROM run WHERE id = :id"), {"id": run_id})
        if now != state.value:
            raise ValueError(f"run {run_id} is {now} and may not become {state}")
    elif state in ENDED:
        events.run_ended(session, run_id)


def advance(session: Session, run_id: int, state: RunState) -> None:
    """Bring the run that a slice is at into this state; RunHeld where somebody has paused or cancelled it meanwhile."""
    _go_on(session, run_id)
    become(session, run_id, state)


def _go_on(session: Session, run_id: int) -> None:
    """Hold the run until the commit: nobody stops it in between, or somebody has."""
    now = session.scalar(text("SELECT state FROM run WHERE id = :id FOR UPDATE"), {"id": run_id})
    if now in (RunState.PAUSED, RunState.CANCELLED):
        raise RunHeld


def pause(session: Session, connector_id: int, run_id: int) -> None:
    """The run stands still until somebody resumes or cancels it; a slice under way stops."""
    # The turn before the run, as a slice locks them when it saves: nobody waits in a circle.
    turns.ask_to_stop(session, connector_id)
    become(session, run_id, RunState.PAUSED)


def resume(session: Session, run_id: int) -> RunState:
    """The paused run goes on where it was; the state in which that is.

    One that had not begun is cancelled where another one waits by now: that one serves its request too.
    """
    row = session.execute(
        text("""
        SELECT r.tenant_id, r.connector_id, r.refresh, r.trigger, started_at IS NULL AS is_new, step, EXISTS (
          SELECT FROM run_counter c WHERE c.run_id = r.id AND c.figure = ANY('{created,updated,disabled}')) AS has_sent,
          (SELECT id FROM run q WHERE q.connector_id = r.connector_id AND q.state = 'queued') AS follower
        FROM run r WHERE id = :id
        """),
        {"id": run_id},
    ).one()
    if row.is_new and row.follower is not None:
        if row.trigger != Trigger.CHECK:
            request(session, row.tenant_id, row.connector_id, refresh=row.refresh)
        state = RunState.CANCELLED
    elif row.is_new:
        state = RunState.QUEUED
    elif row.step not in SENDING_STEPS:
        state = RunState.PREPARING
    else:
        state = RunState.SYNCHRONIZING if row.has_sent else RunState.PREPARED
    become(session, run_id, state)
    return state


def cancel(session: Session, connector_id: int, run_id: int) -> None:
    """The run ends here; a slice under way stops, what it has sent is recorded, what it has not is still due."""
    # The turn before the run, as a slice locks them when it saves: nobody waits in a circle.
    turns.ask_to_stop(session, connector_id)
    become(session, run_id, RunState.CANCELLED)


def allowed(session: Session, run_id: int) -> int | None:
    """How many items somebody has approved that this run disables or blanks; None = nobody was asked."""
    found = session.scalar(text("SELECT allowed FROM run WHERE id = :id"), {"id": run_id})
    return None if found is None else int(found)


def approve(session: Session, run_id: int) -> int:
    """The run that the brake held begins anew with as much allowed as it has planned; how many items that is."""
    become(session, run_id, RunState.PREPARING)
    return int(
        session.scalar(
            text("""
            UPDATE run SET step = NULL, cursor = NULL, allowed = (
              SELECT coalesce(sum(count), 0) FROM run_counter
              WHERE run_id = :id AND figure IN ('to_disable', 'to_hide', 'to_blank'))
            WHERE id = :id RETURNING allowed
            """),
            {"id": run_id},
        )
        or 0
    )


def keep_cursor(session: Session, run_id: int, step: str, cursor: Mapping[str, Any] | None) -> None:
    """Where the run goes on: the step, and where inside it; and when it came to that step."""
    session.execute(
        text("""
        UPDATE run SET step = :step, cursor = CAST(:cursor AS jsonb),
          steps = CASE WHEN steps -> -1 ->> 'step' = :step THEN steps ELSE steps || jsonb_build_object(
            'step', CAST(:step AS text), 'at', extract(epoch FROM now()), 'calls', calls, 'source_calls', source_calls)
          END
        WHERE id = :id
        """),
        {"id": run_id, "step": step, "cursor": None if cursor is None else json.dumps(cursor)},
    )


def list_it(session: Session, run_id: int) -> None:
    """The run stands in the register from now on."""
    session.execute(text("UPDATE run SET listed = true WHERE id = :id"), {"id": run_id})


def forget(session: Session, run_id: int) -> None:
    """A check that found nothing leaves no run behind; RunHeld where somebody has paused or cancelled it meanwhile."""
    _go_on(session, run_id)
    session.execute(text("UPDATE slice_log SET run_id = NULL WHERE run_id = :id"), {"id": run_id})
    session.execute(text("DELETE FROM run WHERE id = :id AND NOT listed"), {"id": run_id})


def count(session: Session, run_id: int, *, calls: int, source_calls: int) -> None:
    """Add calls to the run's totals."""
    session.execute(
        text("UPDATE run SET calls = calls + :calls, source_calls = source_calls + :source WHERE id = :id"),
        {"id": run_id, "calls": calls, "source": source_calls},
    )


def count_bug(session: Session, run_id: int) -> int:
    """One more slice ended by an unknown exception; how many in a row."""
    return int(
        session.scalar(text("UPDATE run SET bugs = bugs + 1 WHERE id = :id RETURNING bugs"), {"id": run_id}) or 0
    )


def forgive_bugs(session: Session, run_id: int) -> None:
    """A slice ended well: bugs are counted in a row only."""
    session.execute(text("UPDATE run SET bugs = 0 WHERE id = :id AND bugs > 0"), {"id": run_id})


def say(session: Session, tenant_id: int, run_id: int, *, level: str, code: str, message: str) -> None:
    """Add a message to the run; the same one only once."""
    session.execute(
        text(
            "INSERT INTO run_message (tenant_id, run_id, level, code, text)"
            " SELECT :tenant, :run, :level, :code, :text WHERE NOT EXISTS"
            " (SELECT FROM run_message WHERE run_id = :run AND code = :code AND text = :text)"
        ),
        {"tenant": tenant_id, "run": run_id, "level": level, "code": code, "text": message},
    )


def keep_saying(session: Session, tenant_id: int, run_id: int, *, level: str, code: str, message: str) -> None:
    """Say how it stands with something that lasts: the run's last message of this code is brought up to date."""
    told = session.execute(
        text(
            "UPDATE run_message SET level = :level, text = :text, at = now() WHERE id ="
            " (SELECT max(id) FROM run_message WHERE run_id = :run AND code = :code) RETURNING id"
        ),
        {"run": run_id, "level": level, "code": code, "text": message},
    )
    if told.first() is None:
        say(session, tenant_id, run_id, level=level, code=code, message=message)
