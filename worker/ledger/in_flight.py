"""Which turns are under way, and which wait, across tenants.

As scheduler, but for `runs_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary import ENDED, SENDING_STEPS, Phase, SliceEnd
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Running:
    """A slice under way."""

    tenant: str
    connector: str
    tenant_id: int
    connector_id: int
    store_hash: str
    epoch: int
    worker: str | None
    started_at: datetime
    seconds: float
    """So long it has its worker."""
    lease_left: float
    """Seconds until its lease is over; below nought where its worker has not been heard of for a lease."""


@dataclass(frozen=True, slots=True)
class Waits:
    """A turn that no worker has."""

    tenant: str
    connector: str
    tenant_id: int
    connector_id: int
    state: str
    waited: float | None
    """Seconds since it became ready."""
    last_end: SliceEnd | None
    """Why its last slice ended."""


def running(session: Session, *, tenant_id: int | None = None) -> list[Running]:
    """The slices under way, the longest first."""
    rows = session.execute(
        text("""
        SELECT t.name, u.name, u.tenant_id, u.connector_id, u.store_hash, u.epoch, u.worker, u.started_at,
          extract(epoch FROM now() - u.started_at)::float8, extract(epoch FROM u.deadline - now())::float8
        FROM turn u JOIN tenant_turn t USING (tenant_id)
        WHERE u.state = 'running' AND (CAST(:tenant AS bigint) IS NULL OR u.tenant_id = :tenant)
        ORDER BY u.started_at, u.connector_id
        """),
        {"tenant": tenant_id},
    )
    return [Running(*row) for row in rows]


_IDLE = (
    "u.state = 'parked' AND (coalesce(l.ended_why, 'work_done') = 'work_done'"
    " OR l.ended_why = 'stopped' AND NOT isfinite(u.not_before))"
)
"""Nothing is under way: its last slice had done all that there was, or somebody holds it, and it needs no worker."""

_WAITING = """
    FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN LATERAL (
      SELECT ended_why FROM slice_log WHERE connector_id = u.connector_id AND ended_at IS NOT NULL
      ORDER BY epoch DESC LIMIT 1) l ON true
    WHERE u.state <> 'running' AND (CAST(:tenant AS bigint) IS NULL OR u.tenant_id = :tenant)
"""


def waiting(session: Session, *, tenant_id: int | None = None, with_idle: bool = False, limit: int) -> list[Waits]:
    """So many turns that wait: broken ones first, then in the order of their service, the idle ones last."""
    only = "" if with_idle else f" AND NOT ({_IDLE})"
    rows = session.execute(
        text(
            "SELECT t.name, u.name, u.tenant_id, u.connector_id, u.state,"  # noqa: S608 constants
            " CASE WHEN u.state IN ('ready', 'dispatched') THEN extract(epoch FROM now() - u.ready_at)::float8 END,"
            f" l.ended_why {_WAITING}{only}"
            f" ORDER BY array_position(ARRAY['broken', 'dispatched', 'ready', 'parked'], u.state), {_IDLE},"
            " u.tag, u.not_before, u.ready_at, u.connector_id LIMIT :limit"
        ),
        {"tenant": tenant_id, "limit": limit},
    )
    return [
        Waits(row[0], row[1], row[2], row[3], row[4], row[5], None if row[6] is None else SliceEnd(row[6]))
        for row in rows
    ]


def how_many(session: Session, *, tenant_id: int | None = None) -> tuple[int, int]:
    """(turns that wait, turns that are idle)."""
    row = session.execute(
        text(f"SELECT count(*) FILTER (WHERE NOT ({_IDLE})), count(*) FILTER (WHERE {_IDLE}) {_WAITING}"),
        {"tenant": tenant_id},
    ).one()
    return int(row[0]), int(row[1])


@dataclass(frozen=True, slots=True)
class RunNow:
    """The run that a connector is at."""

    run_id: int
    step: str | None
    has_begun: bool

    @property
    def phase(self) -> Phase | None:
        """The phase that it is in; None before its start."""
        if not self.has_begun:
            return None
        return Phase.SYNCHRONIZATION if self.step in SENDING_STEPS else Phase.PREPARATION


def runs_of(session: Session, connector_ids: Sequence[int]) -> dict[int, RunNow]:
    """The run under way of each of these connectors, or the one that waits; in their tenant's name."""
    rows = session.execute(
        text("""
        SELECT DISTINCT ON (connector_id) connector_id, id, step, started_at IS NOT NULL FROM run
        WHERE connector_id = ANY(:ids) AND NOT (state = ANY(:ended)) ORDER BY connector_id, state = 'queued', id
        """),
        {"ids": list(connector_ids), "ended": [state.value for state in ENDED]},
    )
    return {row[0]: RunNow(*row[1:]) for row in rows}
