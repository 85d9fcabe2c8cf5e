"""Which worker processes there are, and how many slots each has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

GONE_AFTER_SECONDS = 30.0
"""A process that has not been seen for so long was killed: its slots count until it was seen last."""
KEPT_SECONDS = 172_800.0
"""What has been gone for so long is forgotten: no window of the figures of fairness reaches back that far."""


def begin(session: Session, worker: str, *, slots: int) -> datetime:
    """A process is there from now on; the time by which it is known, next to its name. As scheduler."""
    session.execute(
        text("DELETE FROM worker_process WHERE seen_at < now() - make_interval(secs => :kept)"), {"kept": KEPT_SECONDS}
    )
    started_at: datetime = session.execute(
        text(
            "INSERT INTO worker_process (worker, started_at, seen_at, slots) VALUES (:worker, now(), now(), :slots)"
            " RETURNING started_at"
        ),
        {"worker": worker, "slots": slots},
    ).scalar_one()
    return started_at


def seen(session: Session, worker: str, started_at: datetime, *, ends: bool = False) -> bool:
    """It is still there, or takes nothing new from now on (`ends`); False where it is not known. As scheduler."""
    known = session.execute(
        text(
            "UPDATE worker_process SET seen_at = now(), ended_at = CASE WHEN :ends THEN now() END"
            " WHERE worker = :worker AND started_at = :started RETURNING 1"
        ),
        {"worker": worker, "started": started_at, "ends": ends},
    )
    return known.first() is not None


def free_slots(session: Session) -> int | None:
    """The slots that no slice holds, of the processes that are there; None where none has said so. As scheduler.

    A slice whose process takes nothing new any more, or is gone, holds none of theirs; another process of the same name
    is another one.
    """
    there: int | None
    held: int
    there, held = session.execute(
        text("""
        WITH there AS (
          SELECT worker, slots, started_at FROM worker_process
          WHERE ended_at IS NULL AND seen_at > now() - make_interval(secs => :gone)
        )
        SELECT (SELECT sum(slots) FROM there),
          (SELECT count(*) FROM turn u WHERE u.state = 'running' AND EXISTS (
             SELECT FROM there WHERE there.worker = u.worker AND there.started_at <= u.started_at))
        """),
        {"gone": GONE_AFTER_SECONDS},
    ).one()
    return None if there is None else max(0, int(there) - held)
