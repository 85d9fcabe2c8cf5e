"""The log of slices: who held a worker, for which run and how long, and why each ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class SliceLine:
    """One slice of a run."""

    epoch: int
    ready_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    ended_why: str | None
    step: str | None
    calls: int
    settled: int


def of_run(
    session: Session, connector_id: int, run_id: int, *, before: int | None = None, limit: int = 100
) -> list[SliceLine]:
    """The run's slices, the newest first; `before`: only those older than the one with this epoch."""
    rows = session.execute(
        text(
            "SELECT epoch, ready_at, started_at, ended_at, ended_why, step, calls, settled FROM slice_log"
            " WHERE connector_id = :connector AND run_id = :run"
            " AND (CAST(:before AS bigint) IS NULL OR epoch < :before) ORDER BY epoch DESC LIMIT :limit"
        ),
        {"connector": connector_id, "run": run_id, "before": before, "limit": limit},
    )
    return [SliceLine(*row) for row in rows]


def works_on(session: Session, run_id: int, connector_id: int, epoch: int) -> None:
    """The slice works on this run."""
    session.execute(
        text(
            "WITH counted AS (UPDATE run SET slices = slices + 1 WHERE id = :run)"
            " UPDATE slice_log SET run_id = :run WHERE connector_id = :connector AND epoch = :epoch"
        ),
        {"run": run_id, "connector": connector_id, "epoch": epoch},
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """What the log says of a slice that has ended."""

    why: str
    step: str | None
    calls: int
    settled: int


def ended(session: Session, connector_id: int, epoch: int, end: Ended) -> None:
    """A slice has ended that had lost its turn; it ended then, and by that. The others' is told by `turns.release`."""
    session.execute(
        text(
            "UPDATE slice_log SET ended_at = coalesce(ended_at, now()), ended_why = coalesce(ended_why, :why),"
            " step = :step, calls = :calls, settled = :settled WHERE connector_id = :id AND epoch = :epoch"
        ),
        {"id": connector_id, "epoch": epoch} | asdict(end),
    )
