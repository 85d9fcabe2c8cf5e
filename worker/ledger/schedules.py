"""What is kept of schedules: the tenant's time zone, and the date of a connector's next scheduled run.

The date lies in the past from the moment at which it comes until a run begins: that run serves it, however many dates
have passed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.ledger.session import Session
from worker.ledger.statement import text

UTC = "UTC"
"""The time zone of a tenant of whom nothing else is said."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a connector's next date is reckoned from, by Postgres's clock."""

    now: datetime
    time_zone: str
    next_date: datetime | None
    """When the schedule asks for the next run; null = it has no schedule, or was not reckoned yet."""
    last_start: datetime | None
    """When the last scheduled run began."""


def standing(session: Session, connector_id: int) -> Standing:
    """How it stands with a connector's schedule."""
    row = session.execute(
        text("""
        SELECT now(), t.time_zone, c.next_date,
          (SELECT started_at FROM run WHERE connector_id = c.id AND trigger = 'schedule' AND started_at IS NOT NULL
           ORDER BY id DESC LIMIT 1)
        FROM connector c JOIN tenant t ON t.id = c.tenant_id WHERE c.id = :id
        """),
        {"id": connector_id},
    ).one()
    return Standing(*row)


def keep_date(session: Session, connector_id: int, date: datetime | None) -> None:
    """The schedule asks for the next run then; None = there is no schedule."""
    session.execute(
        text("UPDATE connector SET next_date = :date WHERE id = :id AND next_date IS DISTINCT FROM :date"),
        {"id": connector_id, "date": date},
    )


def schedule_of(session: Session, connector_id: int) -> dict[str, Any] | None:
    """The schedule of the profile that is stored, as it stands there; the profile itself may be of another version."""
    found: dict[str, Any] | None = session.scalar(
        text("SELECT profile -> 'schedule' FROM connector WHERE id = :id"), {"id": connector_id}
    )
    return found


def park_until(session: Session, connector_id: int, date: datetime, *, rest: float) -> None:
    """A turn that waits for nothing but its time waits until this date.

    Not so one whose run is under way, held or switched off. Where its last run was stopped by trouble, it rests for so
    many seconds first.
    """
    session.execute(
        text("""
        UPDATE turn u SET not_before = greatest(:date, (
          SELECT ended_at + make_interval(secs => :rest) FROM (
            SELECT state, ended_at FROM run WHERE connector_id = :id AND listed ORDER BY id DESC LIMIT 1) last
          WHERE state = 'failed'))
        WHERE u.connector_id = :id AND u.state = 'parked' AND isfinite(u.not_before)
          AND (SELECT enabled FROM connector WHERE id = :id)
          AND NOT EXISTS (SELECT FROM run WHERE connector_id = :id AND ended_at IS NULL)
        """),
        {"id": connector_id, "date": date, "rest": rest},
    )


def drop_waiting_check(session: Session, connector_id: int, *, until: datetime) -> bool:
    """A check that no slice works at is dropped: with a schedule there are none. Whether there was one.

    Its turn rests as long as it was to, since its source or its store has failed, and then until this date.
    """
    dropped = session.execute(
        text("""
        WITH waits AS (
          SELECT r.id FROM run r JOIN turn u USING (connector_id) WHERE r.connector_id = :id AND u.state = 'parked'
            AND isfinite(u.not_before) AND r.trigger = 'check' AND NOT r.listed AND r.state IN ('queued', 'preparing')
            AND coalesce(r.step, 'read_source') = 'read_source'
        ), logged AS (
          UPDATE slice_log l SET run_id = NULL FROM waits WHERE l.run_id = waits.id
        ), dropped AS (
          DELETE FROM run r USING waits WHERE r.id = waits.id RETURNING r.connector_id
        )
        UPDATE turn u SET not_before = greatest(u.not_before, :until) FROM dropped
        WHERE u.connector_id = dropped.connector_id RETURNING 1
        """),
        {"id": connector_id, "until": until},
    )
    return dropped.first() is not None


def time_zone(session: Session) -> str:
    """The time zone of the session's tenant."""
    return str(session.scalar(text("SELECT time_zone FROM tenant")))


def set_time_zone(session: Session, tenant_id: int, zone: str) -> None:
    """From now on the tenant's cron expressions are read in this zone."""
    session.execute(text("UPDATE tenant SET time_zone = :zone WHERE id = :id"), {"id": tenant_id, "zone": zone})


def with_cron(session: Session) -> list[int]:
    """The connectors of the session's tenant whose schedule is a cron expression."""
    return list(session.scalars(text("SELECT id FROM connector WHERE profile -> 'schedule' ? 'cron' ORDER BY id")))
