"""Connectors: create, read, change, switch on and off, validate, remove."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import JSONResponse

from api.callers import Reader, Tenants, Writer
from api.here import Here
from api.once import IdempotencyKey, once
from api.paging import After, Limit, place, written
from api.problems import ProblemError, told
from api.shapes.connectors import (
    CONNECTOR,
    PROFILE,
    Connector,
    Connectors,
    JournalEntry,
    JournalPage,
    LastRun,
    Made,
    NewCredentials,
    Problems,
    Reason,
)
from models.vocabulary import RunState, TurnState
from worker.catalog.profile import ConnectorFile, Profile
from worker.commands import connectors as commands
from worker.commands import validation
from worker.commands.desk import Desk
from worker.ledger import journal, overview
from worker.ledger.session import Session, as_scheduler, as_tenant

router = APIRouter(prefix="/v1/connectors", tags=["connectors"], responses=told(400, 401, 403, 413, 422, 429, 503))

ConnectorId = Annotated[int, Path(ge=1, lt=2**63, description="The connector's id", examples=[7])]


@router.get("", summary="List the connectors")
def connectors(here: Here, by: Reader) -> Connectors:
    """Give the tenant's connectors by name, each with its turn and its last run."""
    return Connectors(connectors=sorted(_lines(here, by), key=lambda one: one.name))


@router.post("", status_code=201, summary="Add a connector", response_model=Made, responses=told(409))
def add(
    here: Here,
    by: Writer,
    given: Annotated[ConnectorFile, Body(openapi_examples=CONNECTOR)],
    web: Request,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Add a connector: its name, its credentials, and its profile. It is checked for the first time within seconds.

    The same request with the same `Idempotency-Key` gets the same answer again for a day; credentials are not compared.
    """
    # Nothing that is made of a secret is kept beside the answer.
    asked = given.model_dump(mode="json", exclude={"source": {"secret", "import_secret"}, "store": {"access_token"}})
    this = once(here, by, web, idempotency_key, asked, status=201)

    def act() -> dict[str, Any]:
        def keep(session: Session, connector_id: int) -> None:
            this.keep(session, {"id": connector_id})

        return {"id": commands.add(here, by.tenant_id, given, who=by.who, keep=keep)}

    answer, body = this.carry_out_with_body(act)
    answer.headers["Location"] = f"/v1/connectors/{body['id']}"
    return answer


@router.get("/{connector_id}", summary="Read a connector", responses=told(404))
def connector(here: Here, by: Reader, connector_id: ConnectorId) -> Connector:
    """Give one connector with its turn and its last run."""
    return _line(here, by, connector_id)


@router.delete("/{connector_id}", status_code=204, summary="Remove a connector", responses=told(404))
def remove(here: Here, by: Writer, connector_id: ConnectorId) -> None:
    """Remove a connector with its runs, statuses and links, whatever it is doing; the store keeps all that it has."""
    commands.remove(here, by.tenant_id, connector_id)


@router.get("/{connector_id}/profile", summary="Read the profile", responses=told(404, 409))
def profile(here: Here, by: Reader, connector_id: ConnectorId) -> Profile:
    """Give the profile in use; credentials are no part of it."""
    return commands.profile(here, by.tenant_id, connector_id)


@router.put("/{connector_id}/profile", summary="Replace the profile", responses=told(404))
def put_profile(
    here: Here, by: Writer, connector_id: ConnectorId, given: Annotated[Profile, Body(openapi_examples=PROFILE)]
) -> Profile:
    """Replace the profile; the next run works with it, and the journal tells what has changed."""
    commands.change_profile(here, by.tenant_id, connector_id, given, who=by.who)
    return given


@router.put("/{connector_id}/credentials", status_code=204, summary="Replace credentials", responses=told(404, 409))
def put_credentials(here: Here, by: Writer, connector_id: ConnectorId, given: NewCredentials) -> None:
    """Replace the credentials of the source, the store, or both. They are sealed, and never given again."""
    commands.change_credentials(here, by.tenant_id, connector_id, given.source, given.store, who=by.who)


@router.post("/{connector_id}/enable", summary="Switch a connector on", responses=told(404, 409))
def enable(here: Here, by: Writer, connector_id: ConnectorId) -> Connector:
    """Switch the connector on again; it is checked at once."""
    commands.enable(here, by.tenant_id, connector_id, who=by.who)
    return _line(here, by, connector_id)


@router.post("/{connector_id}/disable", summary="Switch a connector off", responses=told(404, 409))
def disable(here: Here, by: Writer, connector_id: ConnectorId, given: Annotated[Reason, Body()]) -> Connector:
    """Switch the connector off: what its slice is doing it finishes, then it has no turn until it is switched on."""
    commands.disable(here, by.tenant_id, connector_id, reason=given.reason, who=by.who)
    return _line(here, by, connector_id)


@router.post("/{connector_id}/validate", summary="Check credentials, scopes, storefronts, mapping", responses=told(404))
def validate(here: Here, by: Reader, connector_id: ConnectorId, web: Request) -> Problems:
    """Ask the source and the store, and say all that must be put right. Nothing is written."""
    with web.app.state.asking.one(by.tenant_id):
        return Problems(problems=list(validation.problems(here, by.tenant_id, connector_id)))


@router.get("/{connector_id}/journal", summary="Read who did what", responses=told(404))
def journal_(here: Here, by: Reader, connector_id: ConnectorId, limit: Limit = 50, after: After = None) -> JournalPage:
    """Give what was done to the connector, the newest first: changes of its profile and credentials, runs held up."""
    begin = place(after, int)
    with as_tenant(here.engine, by.tenant_id) as session:
        commands.known(session, connector_id)
        found = journal.entries(session, connector_id, limit=limit + 1, before=None if begin is None else int(begin[0]))
    page = found[:limit]
    return JournalPage(
        entries=[
            JournalEntry(id=one.id, at=one.at, who=one.who, what=one.what.value, details=dict(one.details))
            for one in page
        ],
        next=written(page[-1].id) if len(found) > limit else None,
    )


def _line(here: Desk, by: Tenants, connector_id: int) -> Connector:
    for one in _lines(here, by, connector_id):
        return one
    raise ProblemError(404, "unknown", f"there is no connector {connector_id}.")


def _lines(here: Desk, by: Tenants, connector_id: int | None = None) -> list[Connector]:
    """The tenant's connectors: what belongs to it read in its name, the turns as scheduler."""
    with as_tenant(here.engine, by.tenant_id) as session:
        known = overview.connectors(session, connector_id)
    with as_scheduler(here.engine) as session:
        standings = overview.standings(session, tenant_id=by.tenant_id, connector_id=connector_id)
    return [
        Connector(
            id=one.connector_id,
            name=one.connector,
            store_hash=line.store_hash,
            enabled=line.enabled,
            disabled_reason=line.disabled_reason,
            turn=TurnState(one.state),
            next_at=one.not_before if one.state == TurnState.PARKED else None,
            rests_until=one.rests_until,
            last_checked=line.last_checked_at,
            last_run=None
            if line.run_id is None or line.run_state is None
            else LastRun(id=line.run_id, state=RunState(line.run_state)),
        )
        for one in standings
        if (line := known.get(one.connector_id)) is not None
    ]
