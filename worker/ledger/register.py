"""The activity register: what runs did, where they stand, and why.

Read-only. A run that is not `listed` (a check that found nothing, or has not
found anything yet) is in no register. Figures are given as
kind -> storefront's name ("-" where the kind is not told apart) -> figure -> count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.base import NO_STOREFRONT
from models.vocabulary import ENDED, SENDING_STEPS, ItemKind, Outcome, Phase, RunState, Trigger
from worker.ledger.session import Session
from worker.ledger.statement import text

Counters = Mapping[str, Mapping[str, Mapping[str, int]]]
_Figures = dict[str, dict[str, dict[str, int]]]

NO_NAME = "-"
"""The storefront of kinds that are not told apart by storefront."""
RUNS = 19
"""As many runs as the original's register shows."""
SAMPLES = 3
"""Items shown of each group of errors."""

_PLURAL = {
    ItemKind.CATEGORY: ("category", "categories"),
    ItemKind.PRODUCT: ("product", "products"),
    ItemKind.VARIANT: ("variant", "variants"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A run as the register shows it; `waited` and `seconds` go on until it has begun and ended."""

    id: int
    connector_id: int
    state: RunState
    trigger: str
    requested_by: str | None
    refresh: bool
    step: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    waited: float
    """Seconds from the request to the start."""
    seconds: float | None
    """Seconds from the start to the end."""
    slices: int
    calls: int
    source_calls: int
    counters: Counters

    @property
    def has_ended(self) -> bool:
        """Whether the run stays as it is."""
        return self.state in ENDED

    @property
    def taken_away(self) -> int:
        """How many items its plan disables or blanks: what an approval is about."""
        planned = ("to_disable", "to_hide", "to_blank")
        return sum(of.get(one, 0) for by in self.counters.values() for of in by.values() for one in planned)

    @property
    def phase(self) -> Phase | None:
        """The phase that it is in; None before its start and after its end."""
        if self.has_ended or self.started_at is None:
            return None
        return Phase.SYNCHRONIZATION if self.step in SENDING_STEPS else Phase.PREPARATION


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person should know about a run."""

    level: str
    code: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a group of errors."""

    kind: str
    source_id: int
    storefront: str
    message: str | None


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Items that have the same trouble for the same reason."""

    code: str
    outcome: str
    count: int
    samples: tuple[Sample, ...]

    @property
    def more(self) -> int:
        """How many there are beyond the samples."""
        return self.count - len(self.samples)


_ENTRY = """
    SELECT id, connector_id, state, trigger, requested_by, refresh, step, requested_at, started_at, ended_at,
      CAST(extract(epoch FROM coalesce(started_at, ended_at, now()) - requested_at) AS float8) AS waited,
      CAST(extract(epoch FROM coalesce(ended_at, now()) - started_at) AS float8) AS seconds,
      slices, calls, source_calls FROM run
"""


def runs(
    session: Session,
    connector_id: int,
    limit: int = RUNS,
    *,
    before: int | None = None,
    state: RunState | None = None,
    trigger: Trigger | None = None,
) -> list[Entry]:
    """The connector's last runs, the newest first, by state and trigger; `before`: only those older than this one."""
    rows = session.execute(
        text(
            f"{_ENTRY} WHERE connector_id = :connector AND listed AND (CAST(:before AS bigint) IS NULL OR id < :before)"
            " AND (CAST(:state AS text) IS NULL OR state = :state)"
            " AND (CAST(:trigger AS text) IS NULL OR trigger = :trigger) ORDER BY id DESC LIMIT :limit"
        ),
        {
            "connector": connector_id,
            "limit": limit,
            "before": before,
            "state": state and state.value,
            "trigger": trigger and trigger.value,
        },
    ).all()
    return _entries(session, rows)


def these(session: Session, ids: Sequence[int]) -> list[Entry]:
    """The runs of these ids that the session's tenant has in its register, the newest first; of one connector."""
    rows = session.execute(text(f"{_ENTRY} WHERE id = ANY(:ids) AND listed ORDER BY id DESC"), {"ids": list(ids)}).all()
    return _entries(session, rows)


def run(session: Session, run_id: int) -> Entry | None:
    """The run; None where the session's tenant has no such one in its register."""
    rows = session.execute(text(f"{_ENTRY} WHERE id = :id AND listed"), {"id": run_id}).all()
    return next(iter(_entries(session, rows)), None)


def _entries(session: Session, rows: Sequence[Any]) -> list[Entry]:
    if not rows:
        return []
    figures = _figures(session, rows[0].connector_id, [row.id for row in rows])
    return [
        Entry(
            row.id,
            row.connector_id,
            RunState(row.state),
            row.trigger,
            row.requested_by,
            row.refresh,
            row.step,
            row.requested_at,
            row.started_at,
            row.ended_at,
            max(0.0, row.waited),
            row.seconds,
            row.slices,
            row.calls,
            row.source_calls,
            figures.get(row.id, {}),
        )
        for row in rows
    ]


def counters(session: Session, run_id: int) -> Counters:
    """The run's figures: the outcomes, and `known`, `to_create`, `to_disable`, ..."""
    found = run(session, run_id)
    return {} if found is None else found.counters


def _figures(session: Session, connector_id: int, run_ids: Sequence[int]) -> dict[int, _Figures]:
    names = storefront_names(session, connector_id)
    rows = session.execute(
        text(
            "SELECT run_id, kind, storefront_id, figure, count FROM run_counter WHERE run_id = ANY(:ids) AND count <> 0"
            " ORDER BY run_id, kind, storefront_id, figure"
        ),
        {"ids": list(run_ids)},
    )
    found: dict[int, _Figures] = {}
    for run_id, kind, storefront_id, figure, count in rows:
        name = names.get(storefront_id, str(storefront_id))
        found.setdefault(run_id, {}).setdefault(kind, {}).setdefault(name, {})[figure] = count
    return found


def storefront_names(session: Session, connector_id: int) -> dict[int, str]:
    """Storefront id -> its name, with the id behind it where two have the same name."""
    rows = session.execute(
        text(
            "SELECT storefront_id, CASE WHEN count(*) OVER (PARTITION BY name) > 1 OR name = :none"
            " THEN name || ' (' || storefront_id || ')' ELSE name END FROM storefront WHERE connector_id = :id"
        ),
        {"id": connector_id, "none": NO_NAME},
    )
    return {NO_STOREFRONT: NO_NAME, **{row[0]: row[1] for row in rows}}


def messages(session: Session, run_id: int) -> list[Message]:
    """What is to be known about the run as a whole, the oldest first."""
    rows = session.execute(
        text("SELECT level, code, text, at FROM run_message WHERE run_id = :id ORDER BY id"), {"id": run_id}
    )
    return [Message(*row) for row in rows]


def error_groups(session: Session, connector_id: int, run_id: int) -> list[ErrorGroup]:
    """Items with trouble by code, the largest group first.

    An item keeps its last status only: a run shows what later runs have not told anew. The last run that
    has closed its books shows the trouble that stands from earlier ones too, as its counters do.
    """
    rows = session.execute(
        text("""
        WITH closed AS (
          SELECT max(id) = :run AS is_last FROM run
          WHERE connector_id = :connector AND listed AND state IN ('completed', 'completed_with_errors')
        ), trouble AS (
          SELECT coalesce(code, outcome) AS code, outcome, kind, source_id, storefront_id, message,
                 count(*) OVER w AS count,
                 row_number() OVER (w ORDER BY kind, source_id, storefront_id) AS place
          FROM item_status WHERE connector_id = (SELECT :connector) AND outcome = ANY(:trouble)
            AND (run_id = :run OR (run_id < :run AND (SELECT is_last FROM closed)))
          WINDOW w AS (PARTITION BY outcome, coalesce(code, outcome))
        )
        SELECT code, outcome, count, kind, source_id, storefront_id, message FROM trouble
        WHERE place <= :samples ORDER BY count DESC, code, outcome, place
        """),
        {
            "connector": connector_id,
            "run": run_id,
            "samples": SAMPLES,
            "trouble": [Outcome.REJECTED.value, Outcome.FAILED.value, Outcome.BLOCKED.value],
        },
    )
    return grouped(rows, storefront_names(session, connector_id))


def grouped(rows: Iterable[Any], names: Mapping[int, str]) -> list[ErrorGroup]:
    """The groups of (code, outcome, count, kind, source id, storefront id, message), in their order."""
    samples: dict[tuple[str, str, int], list[Sample]] = {}
    for code, outcome, count, kind, source_id, storefront_id, message in rows:
        name = names.get(storefront_id, str(storefront_id))
        samples.setdefault((code, outcome, count), []).append(Sample(kind, source_id, name, message))
    return [ErrorGroup(*group, tuple(some)) for group, some in samples.items()]


def headline(entry: Entry) -> str:
    """The run in one plain sentence: "39 categories, 175 products created; 6 products failed"."""
    match entry.state:
        case RunState.QUEUED:
            return "waits for its turn"
        case RunState.PREPARING:
            return f"prepares: {(entry.step or 'read_source').replace('_', ' ')}"
        case RunState.PREPARED:
            planned = _told(entry, ("to_create", "to_update", "to_disable"))
            return "prepared, nothing sent yet" + (f": {planned}" if planned else "; there is nothing to send")
        case RunState.UNCHANGED:
            return "nothing has changed at the source"
        case RunState.AWAITING_APPROVAL:
            planned = _told(entry, ("to_disable", "to_hide", "to_blank"))
            return "waits for somebody's approval" + (f": {planned}" if planned else "")
        case _:
            told = _told(entry, [outcome.value for outcome in Outcome if outcome is not Outcome.UNCHANGED])
    ended = entry.state in (RunState.COMPLETED, RunState.COMPLETED_WITH_ERRORS)
    return told or ("all is as it was" if ended else "nothing sent")


def _told(entry: Entry, figures: Sequence[str]) -> str:
    """The figures in words, those of one word together; what is nought is left out."""
    said = []
    for figure in figures:
        sums = {kind: sum(of.get(figure, 0) for of in entry.counters.get(kind.value, {}).values()) for kind in ItemKind}
        counts = counted(sums)
        if counts:
            said.append(f"{counts} {figure.replace('_', ' ')}")
    return "; ".join(said)


def counted(numbers: Mapping[ItemKind, int]) -> str:
    """How many of each kind there are, in words: "1 category, 175 products"; what is nought is left out."""
    return ", ".join(f"{n:,} {_PLURAL[kind][n != 1]}" for kind, n in numbers.items() if n)
