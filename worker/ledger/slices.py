"""The slices of a run: who held a worker for it, for how long, and why each ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

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
