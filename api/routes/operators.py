"""Operators: tenants, the operators' keys, and the overview of all."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from api.callers import Operator
from api.here import Here
from api.paging import After, Limit, place, written
from api.problems import told
from api.routes.keys import KeyId, shown, told_once
from api.shapes import operators as shapes
from api.shapes.connectors import LastRun
from models.vocabulary import RunState, Scope, TurnState
from worker.commands import keys, tenants
from worker.commands.desk import Desk
from worker.ledger import overview, schedules
from worker.ledger.overview import ConnectorLine, Standing, TenantLine
from worker.ledger.session import as_scheduler, as_tenant

router = APIRouter(prefix="/v1", tags=["operators"], responses=told(400, 401, 403, 413, 422, 429, 503))

TenantId = Annotated[int, Path(ge=1, lt=2**63, description="The tenant's id", examples=[3])]


@router.get("/tenants", summary="List the tenants")
def listed(here: Here, by: Operator, limit: Limit = 100, after: After = None) -> shapes.TenantPage:
    """Give the tenants by name, each with its weight, its plan's limit and how many connectors it has."""
    del by
    begin = place(after, str)
    with as_scheduler(here.engine) as session:
        found = overview.tenants(session, after=None if begin is None else str(begin[0]), limit=limit + 1)
    page = found[:limit]
    return shapes.TenantPage(
        tenants=[_tenant(one, _zone(here, one.id)) for one in page],
        next=written(page[-1].name) if len(found) > limit else None,
    )


@router.post("/tenants", status_code=201, summary="Add a tenant", responses=told(409))
def add(here: Here, by: Operator, given: shapes.NewTenant, response: Response) -> shapes.Tenant:
    """Add a tenant. Give it a key of its own by `POST /v1/keys` with `X-Tenant`."""
    del by
    tenant_id = tenants.add(
        here, name=given.name, weight=given.weight, max_slots=given.max_slots, time_zone=given.time_zone
    )
    response.headers["Location"] = f"/v1/tenants/{tenant_id}"
    return _tenant(*tenants.one(here, tenant_id))


@router.get("/tenants/{tenant_id}", summary="Read a tenant", responses=told(404))
def one(here: Here, by: Operator, tenant_id: TenantId) -> shapes.Tenant:
    """Give one tenant with its share of the workers."""
    del by
    return _tenant(*tenants.one(here, tenant_id))


@router.patch("/tenants/{tenant_id}", summary="Change a tenant", responses=told(404))
def change(here: Here, by: Operator, tenant_id: TenantId, given: shapes.TenantChanges) -> shapes.Tenant:
    """Change its weight, its plan's limit or its time zone; what is not given stays. Slices under way go on."""
    del by
    said = given.model_fields_set
    most = given.max_slots if given.max_slots is not None else tenants.NO_LIMIT
    return _tenant(
        *tenants.change(
            here,
            tenant_id,
            weight=given.weight if "weight" in said else None,
            max_slots=most if "max_slots" in said else None,
            time_zone=given.time_zone if "time_zone" in said else None,
        )
    )


def _tenant(line: TenantLine, time_zone: str) -> shapes.Tenant:
    return shapes.Tenant(
        id=line.id,
        name=line.name,
        weight=line.weight,
        max_slots=line.max_slots,
        time_zone=time_zone,
        connectors=line.connectors,
    )


def _zone(here: Desk, tenant_id: int) -> str:
    with as_tenant(here.engine, tenant_id) as session:
        return schedules.time_zone(session)


@router.get("/operator-keys", summary="List the operators' keys")
def operators_keys(here: Here, by: Operator) -> shapes.Keys:
    """Give the operators' keys, the oldest first; what they are written as is not kept."""
    del by
    return shapes.Keys(keys=[shown(one) for one in keys.listed(here, None)])


@router.post("/operator-keys", status_code=201, summary="Add an operator's key")
def add_operators_key(here: Here, by: Operator, given: shapes.NewOperatorKey) -> shapes.ShownKey:
    """Add a key that opens everything. Its token is told this once."""
    del by
    return told_once(keys.add(here, None, name=given.name, scope=Scope.OPERATOR, expires_in=given.expires_in))


@router.post("/operator-keys/{key_id}/rotate", status_code=201, summary="Rotate an operator's key", responses=told(404))
def rotate_operators_key(
    here: Here, by: Operator, key_id: KeyId, given: Annotated[shapes.Rotation | None, Body()] = None
) -> shapes.ShownKey:
    """Make a new key of the same name and end; the old one opens besides for `overlap` more seconds.

    A day unless told.
    """
    del by
    return told_once(keys.rotate(here, None, key_id, overlap=(given or shapes.Rotation()).overlap))


@router.delete("/operator-keys/{key_id}", status_code=204, summary="Revoke an operator's key", responses=told(404))
def revoke_operators_key(here: Here, by: Operator, key_id: KeyId) -> None:
    """Let the key open nothing from now on."""
    del by
    keys.revoke(here, None, key_id)


@router.get("/overview", summary="See all connectors")
def all_connectors(here: Here, by: Operator, limit: Limit = 100, after: After = None) -> shapes.OverviewPage:
    """Give the connectors of all tenants, in the order of their ids, each with its turn and its last run."""
    del by
    begin = place(after, int)
    with as_scheduler(here.engine) as session:
        found = overview.standings_after(session, 0 if begin is None else int(begin[0]), limit=limit + 1)
    page = found[:limit]
    known = _known(here, page)
    return shapes.OverviewPage(
        connectors=[_line(one, known[one.connector_id]) for one in page if one.connector_id in known],
        next=written(page[-1].connector_id) if len(found) > limit else None,
    )


def _known(here: Desk, page: list[Standing]) -> dict[int, ConnectorLine]:
    """What belongs to a tenant is read in its own name, also for operators."""
    found: dict[int, ConnectorLine] = {}
    for tenant_id, of_tenant in groupby(sorted(page, key=lambda one: one.tenant_id), key=lambda one: one.tenant_id):
        with as_tenant(here.engine, tenant_id) as session:
            found |= overview.connectors_of(session, [one.connector_id for one in of_tenant])
    return found


def _line(turn: Standing, line: ConnectorLine) -> shapes.OverviewLine:
    return shapes.OverviewLine(
        tenant=turn.tenant,
        tenant_id=turn.tenant_id,
        connector=turn.connector,
        id=turn.connector_id,
        store_hash=line.store_hash,
        enabled=line.enabled,
        disabled_reason=line.disabled_reason,
        turn=TurnState(turn.state),
        next_at=turn.not_before if turn.state == TurnState.PARKED else None,
        rests_until=turn.rests_until,
        worker=turn.worker,
        attempts=turn.attempts,
        last_checked=line.last_checked_at,
        last_run=None
        if line.run_id is None or line.run_state is None
        else LastRun(id=line.run_id, state=RunState(line.run_state)),
    )
