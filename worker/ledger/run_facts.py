"""What a run tells beside its figures: its steps, who blocks whom, and which trouble is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from models.vocabulary import Trigger
from worker.ledger.register import SAMPLES, ErrorGroup, grouped, storefront_names
from worker.ledger.session import Session
from worker.ledger.statement import text

MOST_LOOKED_AT = 1_000
"""Items of a group of errors that are looked at one by one for whether their trouble is new."""
BLOCKERS = 20
"""Items that block others, of which a page tells."""


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that a run has come to."""

    step: str
    seconds: float
    """On the clock, waiting between slices included; goes on while it lasts."""
    calls: int
    source_calls: int


def steps(session: Session, run_id: int) -> dict[str, StepTaken]:
    """Step -> what it took; one that was taken twice (the brake held the run in between) counts both times."""
    row = session.execute(
        text(
            "SELECT steps, calls, source_calls, CAST(extract(epoch FROM coalesce(ended_at, now())) AS float8) AS until,"
            " CAST(extract(epoch FROM started_at) AS float8) AS since FROM run WHERE id = :id"
        ),
        {"id": run_id},
    ).one_or_none()
    if row is None or not row.steps:
        return {}
    # The first step began with the run; it is written down with what it saves first.
    first = row.steps[0] | {"at": row.since or row.steps[0]["at"], "calls": 0, "source_calls": 0}
    end = {"at": row.until, "calls": row.calls, "source_calls": row.source_calls}
    found: dict[str, StepTaken] = {}
    for begun, over in pairwise([first, *row.steps[1:], end]):
        before = found.get(begun["step"], StepTaken(begun["step"], 0.0, 0, 0))
        found[begun["step"]] = StepTaken(
            begun["step"],
            before.seconds + max(0.0, float(over["at"]) - float(begun["at"])),
            before.calls + over["calls"] - begun["calls"],
            before.source_calls + over["source_calls"] - begun["source_calls"],
        )
    return found


@dataclass(frozen=True, slots=True)
class Blocker:
    """An item that keeps others from being sent."""

    kind: str
    source_id: int
    outcome: str | None
    code: str | None
    message: str | None
    count: int
    """Places (an item on a storefront) that are blocked by it."""


def blockers(session: Session, connector_id: int, run_id: int) -> list[Blocker]:
    """The items that block others, as far as the run's trouble stands; who blocks most comes first."""
    rows = session.execute(
        text(r"""
        WITH blocked AS (
          SELECT CASE s.kind WHEN 'variant' THEN 'product' ELSE 'category' END AS by_kind,
            CASE s.kind WHEN 'variant' THEN (SELECT parent_id FROM source_item i
                WHERE i.connector_id = (SELECT :connector) AND i.kind = 'variant' AND i.source_id = s.source_id)
              ELSE CAST(substring(s.message FROM 'category (\d{1,18})\M') AS bigint) END AS by_id
          FROM item_status s WHERE s.connector_id = (SELECT :connector) AND s.outcome = 'blocked' AND s.run_id <= :run
        ), most AS (
          SELECT by_kind, by_id, count(*) AS count FROM blocked WHERE by_id > 0
          GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT :most
        )
        SELECT m.by_kind, m.by_id, s.outcome, s.code, s.message, m.count FROM most m
        LEFT JOIN LATERAL (SELECT outcome, code, message FROM item_status s
          WHERE s.connector_id = (SELECT :connector) AND s.kind = m.by_kind AND s.source_id = m.by_id
          ORDER BY s.outcome IN ('rejected', 'failed', 'blocked') DESC, storefront_id LIMIT 1) s ON true
        ORDER BY m.count DESC, m.by_kind, m.by_id
        """),
        {"connector": connector_id, "run": run_id, "most": BLOCKERS},
    )
    return [Blocker(*row) for row in rows]


def groups_then(session: Session, connector_id: int, run_id: int) -> list[ErrorGroup]:
    """Items with trouble by code as the run told it, whatever later runs have told anew."""
    rows = session.execute(
        text("""
        WITH trouble AS (
          SELECT coalesce(code, outcome) AS code, outcome, kind, source_id, storefront_id, message,
                 count(*) OVER w AS count,
                 row_number() OVER (w ORDER BY kind, source_id, storefront_id) AS place
          FROM item_history WHERE connector_id = (SELECT :connector) AND run_id = :run
            AND outcome IN ('rejected', 'failed', 'blocked')
          WINDOW w AS (PARTITION BY outcome, coalesce(code, outcome))
        )
        SELECT code, outcome, count, kind, source_id, storefront_id, message FROM trouble
        WHERE place <= :samples ORDER BY count DESC, code, outcome, place
        """),
        {"connector": connector_id, "run": run_id, "samples": SAMPLES},
    )
    return grouped(rows, storefront_names(session, connector_id))


@dataclass(frozen=True, slots=True)
class News:
    """How many items of a group of errors have come to it in this run."""

    new: int
    looked_at: int


def news(session: Session, connector_id: int, run_id: int, groups: Sequence[tuple[str, str]]) -> Mapping[Any, News]:
    """(code, outcome) -> how many of its items had another or no trouble when a run touched them before.

    Nothing is new in the first run.
    """
    found = dict[Any, News]()
    is_first = text("SELECT NOT EXISTS (SELECT FROM run WHERE connector_id = :id AND listed AND id < :run)")
    if session.scalar(is_first, {"id": connector_id, "run": run_id}):
        return found
    for code, outcome in groups:
        row = session.execute(
            text("""
            WITH looked AS (
              SELECT kind, source_id, storefront_id, run_id FROM item_status
              WHERE connector_id = (SELECT :connector) AND outcome = :outcome AND coalesce(code, outcome) = :code
                AND run_id <= :run ORDER BY kind, source_id LIMIT :most
            )
            SELECT count(*) FILTER (WHERE l.run_id = :run AND h.code IS DISTINCT FROM :code), count(*) FROM looked l
            LEFT JOIN LATERAL (
              SELECT coalesce(h.code, h.outcome) AS code FROM item_history h
              WHERE h.connector_id = (SELECT :connector) AND h.kind = l.kind AND h.source_id = l.source_id
                AND h.storefront_id = l.storefront_id AND h.run_id < l.run_id ORDER BY h.run_id DESC LIMIT 1) h ON true
            """),
            {"connector": connector_id, "run": run_id, "code": code, "outcome": outcome, "most": MOST_LOOKED_AT},
        ).one()
        found[code, outcome] = News(row[0], row[1])
    return found


@dataclass(frozen=True, slots=True)
class Last:
    """How a connector fared: what stands in the head of its pages."""

    good_at: datetime | None
    """When a run last ended well."""
    good_run: int | None
    run_id: int | None
    """The newest run of the register."""
    run_state: str | None
    run_ended_at: datetime | None
    is_under_way: bool


def last(session: Session, connector_id: int) -> Last:
    """The connector's last runs, the checks that found nothing left out."""
    row = session.execute(
        text("""
        SELECT g.ended_at, g.id, n.id, n.state, n.ended_at, n.id IS NOT NULL AND n.ended_at IS NULL
        FROM (SELECT 1) one
        LEFT JOIN LATERAL (SELECT id, state, ended_at FROM run WHERE connector_id = :id AND listed
          ORDER BY ended_at IS NOT NULL, state = 'queued', id DESC LIMIT 1) n ON true
        LEFT JOIN LATERAL (SELECT id, ended_at FROM run WHERE connector_id = :id AND listed
          AND state IN ('completed', 'completed_with_errors', 'unchanged') ORDER BY id DESC LIMIT 1) g ON true
        """),
        {"id": connector_id},
    ).one()
    return Last(*row)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which runs of the register are shown; None = all."""

    state: str | None = None
    trigger: Trigger | None = None
    changed_something: bool = False


def sought(
    session: Session, connector_id: int, wanted: Sought, *, before: int | None = None, limit: int = 19
) -> list[int]:
    """The ids of the runs that are shown, the newest first."""
    rows = session.scalars(
        text("""
        SELECT id FROM run r WHERE connector_id = :connector AND listed
          AND (CAST(:before AS bigint) IS NULL OR id < :before) AND (CAST(:state AS text) IS NULL OR state = :state)
          AND (CAST(:trigger AS text) IS NULL OR trigger = :trigger)
          AND (NOT :changed OR EXISTS (SELECT FROM run_counter c WHERE c.run_id = r.id AND c.count > 0
            AND c.figure IN ('created', 'updated', 'disabled')))
        ORDER BY id DESC LIMIT :limit
        """),
        {
            "connector": connector_id,
            "before": before,
            "state": wanted.state,
            "trigger": wanted.trigger,
            "changed": wanted.changed_something,
            "limit": limit,
        },
    )
    return list(rows)
