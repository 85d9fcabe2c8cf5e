"""Which worker processes there are, how many slots each has, and which of them are told to drain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.ledger.session import Session
from worker.ledger.statement import text

GONE_AFTER_SECONDS = 30.0
"""A process that has not been seen for so long was killed: its slots count until it was seen last."""
IS_THERE = f"ended_at IS NULL AND seen_at > now() - make_interval(secs => {GONE_AFTER_SECONDS})"
"""SQL: the row of worker_process is of a process that is there."""
TAKES_UP = f"{IS_THERE} AND drain_asked_at IS NULL"
"""SQL: it takes up what is new."""
FIRST_SECONDS = 5.0
"""A process may have taken up its first slice so long before it has said that it is there."""
SHOWN_SECONDS = 600.0
"""What has ended, or is gone without a word, is shown for so long."""
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
    slots, running = session.execute(_SLOTS, {"seconds": GONE_AFTER_SECONDS}).one()
    return None if slots is None else max(0, int(slots) - running)


_SLOTS = text("SELECT slots, running FROM at_the_door(:seconds)")


def is_to_drain(session: Session, worker: str, started_at: datetime) -> bool:
    """Whether somebody has told this process to drain. As scheduler."""
    told = text(
        "SELECT drain_asked_at IS NOT NULL FROM worker_process WHERE worker = :worker AND started_at = :started"
    )
    return bool(session.scalar(told, {"worker": worker, "started": started_at}))


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A worker process as the operator sees it."""

    worker: str
    started_at: datetime
    slots: int
    busy: int
    """Slices of its that hold a turn."""
    is_draining: bool
    """It is told to drain, or has begun to: it takes nothing new."""
    has_begun_to_end: bool
    is_gone: bool
    """It was not seen for so long that it was killed, or cannot reach the database; or it has ended."""
    seen_at: datetime

    @property
    def state(self) -> str:
        """How it is with it, in a word."""
        if self.is_gone:
            return "gone"
        return "draining" if self.is_draining else "there"


def lines(session: Session) -> list[ProcessLine]:
    """The processes that are there, and those that went a moment ago, by name and age. As scheduler.

    One that drains counts as gone when it has given its turns back: its end follows within a moment.
    """
    rows = session.execute(
        text(f"""
        SELECT p.worker, p.started_at, p.slots, count(u.connector_id),
          p.ended_at IS NOT NULL OR p.drain_asked_at IS NOT NULL, p.ended_at IS NOT NULL,
          CASE WHEN p.ended_at IS NULL THEN NOT ({IS_THERE}) ELSE count(u.connector_id) = 0 END,
          p.seen_at
        FROM worker_process p
        LEFT JOIN turn u ON u.state = 'running' AND u.deadline > now() AND u.worker = p.worker AND p.started_at = (
          SELECT max(started_at) FROM worker_process q WHERE q.worker = u.worker
            AND q.started_at <= u.started_at + make_interval(secs => :first))
        WHERE p.seen_at > now() - make_interval(secs => :shown)
        GROUP BY p.worker, p.started_at ORDER BY p.worker, p.started_at
        """),  # noqa: S608 constants
        {"shown": SHOWN_SECONDS, "first": FIRST_SECONDS},
    )
    return [ProcessLine(*row) for row in rows]


def ask_to_drain(session: Session, processes: Sequence[tuple[str, datetime]]) -> None:
    """These processes (name, since when) are to take nothing new, and to end: they hear of it in a second or two."""
    for worker, started_at in processes:
        session.execute(
            text(
                "UPDATE worker_process SET drain_asked_at = coalesce(drain_asked_at, now())"
                " WHERE worker = :worker AND started_at = :started"
            ),
            {"worker": worker, "started": started_at},
        )
