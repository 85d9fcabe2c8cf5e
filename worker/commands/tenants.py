"""Tenants added and changed, and what their plan gives them."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import connectors, overview, plans
from worker.ledger.overview import TenantLine
from worker.ledger.session import as_scheduler, as_tenant

NOBODY = 0
"""No tenant has this id; acting as nobody, no row is seen."""
NO_LIMIT = 0
"""In the place of a plan's limit: as many connectors at once as there are slots."""


def is_name(name: str) -> bool:
    """Whether a tenant can be called so: the name stands in task ids, as tenant.connector.epoch."""
    return bool(name.strip()) and name.isprintable() and "." not in name


def add(desk: Desk, *, name: str, weight: float = 1.0, max_slots: int | None = None) -> int:
    """Add a tenant; its id. Refusal where there is one of that name."""
    with as_tenant(desk.engine, NOBODY) as session:
        tenant_id = connectors.next_tenant_id(session)
    try:
        with as_tenant(desk.engine, tenant_id) as session:
            connectors.add_tenant(session, tenant_id, name=name, weight=weight, max_slots=max_slots)
    except IntegrityError as trouble:
        raise Refusal(Why.TAKEN, f"there is a tenant '{name}' already.") from trouble
    return tenant_id


def change(desk: Desk, tenant_id: int, *, weight: float | None = None, max_slots: int | None = None) -> TenantLine:
    """Change its weight, or its plan's limit (NO_LIMIT lifts it); None leaves it. Slices under way go on."""
    with as_scheduler(desk.engine) as session:
        found = overview.tenant(session, tenant_id)
        if found is None:
            raise Refusal(Why.UNKNOWN, f"there is no tenant {tenant_id}.")
        if weight is not None:
            plans.set_weight(session, tenant_id, weight)
        if max_slots is not None:
            plans.set_max_slots(session, tenant_id, None if max_slots == NO_LIMIT else max_slots)
        now = overview.tenant(session, tenant_id)
    assert now is not None
    return now


def one(desk: Desk, tenant_id: int) -> TenantLine:
    """The tenant with its share of the workers; Refusal where there is none."""
    with as_scheduler(desk.engine) as session:
        found = overview.tenant(session, tenant_id)
    if found is None:
        raise Refusal(Why.UNKNOWN, f"there is no tenant {tenant_id}.")
    return found
