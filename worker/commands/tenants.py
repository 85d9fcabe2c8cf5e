"""Tenants added and changed, and what their plan gives them."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import connectors, overview, plans, schedules
from worker.ledger.overview import TenantLine
from worker.ledger.session import NOBODY, as_scheduler, as_tenant
from worker.scheduling import calendar

NO_LIMIT = 0
"""In the place of a plan's limit: as many connectors at once as there are slots."""


def is_name(name: str) -> bool:
    """Whether a tenant can be called so: the name stands in task ids, as tenant.connector.epoch."""
    return bool(name.strip()) and name.isprintable() and "." not in name


def add(
    desk: Desk, *, name: str, weight: float = 1.0, max_slots: int | None = None, time_zone: str = schedules.UTC
) -> int:
    """Add a tenant; its id. Refusal where there is one of that name."""
    with as_tenant(desk.engine, NOBODY) as session:
        tenant_id = connectors.next_tenant_id(session)
    try:
        with as_tenant(desk.engine, tenant_id) as session:
            connectors.add_tenant(session, tenant_id, name=name, weight=weight, max_slots=max_slots)
            schedules.set_time_zone(session, tenant_id, time_zone)
    except IntegrityError as trouble:
        raise Refusal(Why.TAKEN, f"there is a tenant '{name}' already.") from trouble
    return tenant_id


def change(
    desk: Desk,
    tenant_id: int,
    *,
    weight: float | None = None,
    max_slots: int | None = None,
    time_zone: str | None = None,
) -> tuple[TenantLine, str]:
    """Change its weight, its plan's limit (NO_LIMIT lifts it), its time zone; None leaves it. Slices under way go on.

    The tenant as it is now, and its time zone, in which the schedules of its connectors are read.
    """
    with as_scheduler(desk.engine) as session:
        found = overview.tenant(session, tenant_id)
        if found is None:
            raise Refusal(Why.UNKNOWN, f"there is no tenant {tenant_id}.")
        if weight is not None:
            plans.set_weight(session, tenant_id, weight)
        if max_slots is not None:
            plans.set_max_slots(session, tenant_id, None if max_slots == NO_LIMIT else max_slots)
    if time_zone is not None:
        with as_tenant(desk.engine, tenant_id) as session:
            calendar.change_time_zone(session, tenant_id, time_zone)
    return one(desk, tenant_id)


def one(desk: Desk, tenant_id: int) -> tuple[TenantLine, str]:
    """The tenant with its share of the workers, and its time zone; Refusal where there is none."""
    with as_scheduler(desk.engine) as session:
        found = overview.tenant(session, tenant_id)
    if found is None:
        raise Refusal(Why.UNKNOWN, f"there is no tenant {tenant_id}.")
    with as_tenant(desk.engine, tenant_id) as session:
        return found, schedules.time_zone(session)
