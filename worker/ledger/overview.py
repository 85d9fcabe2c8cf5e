"""All tenants and connectors at a glance, for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class TenantLine:
    """A tenant with its share of the workers."""

    id: int
    name: str
    weight: float
    max_slots: int | None
    connectors: int


_TENANTS = (
    "SELECT t.tenant_id, t.name, t.weight, t.max_slots, count(u.connector_id) FROM tenant_turn t"
    " LEFT JOIN turn u USING (tenant_id)"
)


def tenants(session: Session, *, after: str | None = None, limit: int | None = None) -> list[TenantLine]:
    """All tenants by name, or so many of those behind a name; as scheduler."""
    rows = session.execute(
        text(
            f"{_TENANTS} WHERE CAST(:after AS text) IS NULL OR t.name > :after"
            " GROUP BY t.tenant_id ORDER BY t.name LIMIT CAST(:limit AS bigint)"
        ),
        {"after": after, "limit": limit},
    )
    return [TenantLine(*row) for row in rows]


def tenant(session: Session, tenant_id: int) -> TenantLine | None:
    """The tenant; as scheduler."""
    row = session.execute(
        text(f"{_TENANTS} WHERE t.tenant_id = :id GROUP BY t.tenant_id"), {"id": tenant_id}
    ).one_or_none()
    return None if row is None else TenantLine(*row)


@dataclass(frozen=True, slots=True)
class ConnectorLine:
    """A connector with how it fared last."""

    id: int
    store_hash: str
    enabled: bool
    disabled_reason: str | None
    last_checked_at: datetime | None
    run_id: int | None
    run_state: str | None


_CONNECTORS = """
    SELECT c.id, c.store_hash, c.enabled, c.disabled_reason, c.last_checked_at, r.id, r.state FROM connector c
    LEFT JOIN LATERAL (
      SELECT id, state FROM run WHERE connector_id = c.id AND listed ORDER BY id DESC LIMIT 1) r ON true
"""


def connectors(session: Session, connector_id: int | None = None) -> dict[int, ConnectorLine]:
    """The connectors of the session's tenant by id (or this one), each with its last run in the register."""
    rows = session.execute(text(f"{_CONNECTORS} WHERE CAST(:id AS bigint) IS NULL OR c.id = :id"), {"id": connector_id})
    return {row[0]: ConnectorLine(*row) for row in rows}


def connectors_of(session: Session, ids: Sequence[int]) -> dict[int, ConnectorLine]:
    """Those of these connectors that are the session's tenant's."""
    rows = session.execute(text(f"{_CONNECTORS} WHERE c.id = ANY(:ids)"), {"ids": list(ids)})
    return {row[0]: ConnectorLine(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class TurnNow:
    """A connector's turn as somebody who waits for it sees it."""

    state: str
    is_held_back: bool
    """It waits for a date, or for its store or source to have rested: no worker could take it up now."""
    anybody_runs: bool


def turn(session: Session, connector_id: int) -> TurnNow | None:
    """The connector's turn now; as scheduler."""
    row = session.execute(
        text("""
        SELECT u.state,
          (u.state = 'parked' AND u.not_before > now()) OR greatest(s.not_before, u.source_not_before) > now(),
          EXISTS (SELECT FROM turn a WHERE a.state = 'running' AND a.deadline > now())
        FROM turn u LEFT JOIN store_turn s USING (store_hash) WHERE u.connector_id = :id
        """),
        {"id": connector_id},
    ).one_or_none()
    return None if row is None else TurnNow(*row)


@dataclass(frozen=True, slots=True)
class Standing:
    """A turn as the operator sees it."""

    tenant: str
    connector: str
    tenant_id: int
    connector_id: int
    state: str
    tag: float | None
    not_before: datetime | None
    worker: str | None
    attempts: int
    rests_until: datetime | None = None
    """before that, nobody calls its store or its source, which have failed"""


_STANDINGS = (
    "SELECT t.name, u.name, u.tenant_id, u.connector_id, u.state, u.tag,"
    " CASE WHEN isfinite(u.not_before) THEN u.not_before END, u.worker, u.attempts,"
    " CASE WHEN greatest(s.not_before, u.source_not_before) > now()"
    " THEN greatest(s.not_before, u.source_not_before) END"
    " FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN store_turn s USING (store_hash)"
)


def standings(session: Session, *, tenant_id: int | None = None, connector_id: int | None = None) -> list[Standing]:
    """The turns of all connectors, of a tenant's or of one, in the order of tenants and names; as scheduler."""
    rows = session.execute(
        text(
            f"{_STANDINGS} WHERE (CAST(:tenant AS bigint) IS NULL OR u.tenant_id = :tenant)"
            " AND (CAST(:connector AS bigint) IS NULL OR u.connector_id = :connector)"
            " ORDER BY t.name, u.name"
        ),
        {"tenant": tenant_id, "connector": connector_id},
    )
    return [Standing(*row) for row in rows]


def standings_after(session: Session, connector_id: int, *, limit: int) -> list[Standing]:
    """The turns of so many connectors with a greater id than this, in the order of ids; as scheduler."""
    rows = session.execute(
        text(f"{_STANDINGS} WHERE u.connector_id > :after ORDER BY u.connector_id LIMIT :limit"),
        {"after": connector_id, "limit": limit},
    )
    return [Standing(*row) for row in rows]
