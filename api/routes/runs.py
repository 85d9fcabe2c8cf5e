"""Runs: requested, followed, held up and let go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import JSONResponse

from api.callers import Reader, Writer
from api.here import Here
from api.once import IdempotencyKey, once
from api.paging import After, Limit, place, written
from api.problems import ProblemError, told
from api.routes.connectors import ConnectorId
from api.shapes import runs as shapes
from models.vocabulary import Action, ItemKind, RunState, Trigger
from worker.catalog import causes
from worker.commands import connectors as known
from worker.commands import runs as commands
from worker.commands.items import shown
from worker.commands.runs import Requested
from worker.ledger import planned_items, register
from worker.ledger.register import Entry
from worker.ledger.session import Session, as_tenant

router = APIRouter(
    prefix="/v1/connectors/{connector_id}", tags=["runs"], responses=told(400, 401, 403, 404, 413, 422, 429, 503)
)

RunId = Annotated[int, Path(ge=1, lt=2**63, description="The run's id", examples=[512])]
Meant = Annotated[shapes.Meant | None, Body()]


@router.post("/runs", status_code=202, summary="Request a run", response_model=shapes.Accepted, responses=told(409))
def request(
    here: Here,
    by: Writer,
    connector_id: ConnectorId,
    web: Request,
    given: Annotated[shapes.Request | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Request a run. One that waits already serves this request too; one under way is followed by exactly one more.

    The same request with the same `Idempotency-Key` gets the same answer again for a day.
    """
    asked = given or shapes.Request()
    this = once(here, by, web, idempotency_key, asked.model_dump(), status=202)

    def act() -> dict[str, object]:
        def keep(session: Session, answer: Requested) -> None:
            this.keep(session, _accepted(answer))

        return _accepted(
            commands.request(here, by.tenant_id, connector_id, refresh=asked.refresh, who=by.who, keep=keep)
        )

    return this.carry_out(act)


@router.post(
    "/retry", status_code=202, summary="Send failed items again", response_model=shapes.Accepted, responses=told(409)
)
def retry(
    here: Here,
    by: Writer,
    connector_id: ConnectorId,
    web: Request,
    given: Annotated[shapes.Retry | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Send the items again that failed, though nobody changed them, and no others."""
    asked = given or shapes.Retry()
    this = once(here, by, web, idempotency_key, asked.model_dump(), status=202)

    def act() -> dict[str, object]:
        def keep(session: Session, answer: Requested) -> None:
            this.keep(session, _accepted(answer))

        return _accepted(commands.retry(here, by.tenant_id, connector_id, code=asked.code, who=by.who, keep=keep))

    return this.carry_out(act)


def _accepted(answer: Requested) -> dict[str, object]:
    return {"run": answer.run_id, "folded": answer.folded, "follows": answer.follows}


@router.post("/pause", summary="Hold the run under way", responses=told(409))
def pause(here: Here, by: Writer, connector_id: ConnectorId, given: Meant = None) -> shapes.Held:
    """Hold the run: no new call a second later; what is under way comes back and is recorded."""
    return _held(commands.pause(here, by.tenant_id, connector_id, who=by.who, run=_meant(given)))


@router.post("/resume", summary="Let the paused run go on", responses=told(409))
def resume(here: Here, by: Writer, connector_id: ConnectorId, given: Meant = None) -> shapes.Held:
    """Let the paused run go on where it was; *cancelled* where it gives way to one that waits."""
    return _held(commands.resume(here, by.tenant_id, connector_id, who=by.who, run=_meant(given)))


@router.post("/cancel", summary="End the run under way", responses=told(409))
def cancel(here: Here, by: Writer, connector_id: ConnectorId, given: Meant = None) -> shapes.Held:
    """End the run here: no new call a second later; what it has not sent is due for the next one."""
    return _held(commands.cancel(here, by.tenant_id, connector_id, who=by.who, run=_meant(given)))


@router.post("/approve", summary="Let the run pass that the brake holds", responses=told(409))
def approve(here: Here, by: Writer, connector_id: ConnectorId, given: Meant = None) -> shapes.Held:
    """Let it pass: it reads and plans again, and may disable or blank as many items as it has planned."""
    return _held(commands.approve(here, by.tenant_id, connector_id, who=by.who, run=_meant(given))[0])


def _meant(given: shapes.Meant | None) -> int | None:
    return None if given is None else given.run


def _held(held: commands.Held) -> shapes.Held:
    return shapes.Held(run=held.run_id, state=held.state)


@router.get("/runs", summary="List the runs")
def runs(
    here: Here,
    by: Reader,
    connector_id: ConnectorId,
    limit: Limit = register.RUNS,
    after: After = None,
    state: Annotated[RunState | None, Query(description="Only those in this state")] = None,
    trigger: Annotated[Trigger | None, Query(description="Only those that were asked for in this way")] = None,
) -> shapes.RunPage:
    """Give the Activity Register, the newest run first. A check that found nothing is no run of it."""
    begin = place(after, int)
    with as_tenant(here.engine, by.tenant_id) as session:
        known.known(session, connector_id)
        before = None if begin is None else int(begin[0])
        found = register.runs(session, connector_id, limit + 1, before=before, state=state, trigger=trigger)
    page = found[:limit]
    return shapes.RunPage(runs=[_run(one) for one in page], next=written(page[-1].id) if len(found) > limit else None)


@router.get("/runs/{run_id}", summary="Read a run")
def run(here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId) -> shapes.Run:
    """Give one run with its counters."""
    with as_tenant(here.engine, by.tenant_id) as session:
        return _run(entry(session, connector_id, run_id))


@router.get("/runs/{run_id}/messages", summary="Read a run's messages")
def messages(here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId) -> shapes.RunMessages:
    """Give what a person should know about the run as a whole."""
    with as_tenant(here.engine, by.tenant_id) as session:
        found = register.messages(session, entry(session, connector_id, run_id).id)
    return shapes.RunMessages(
        messages=[shapes.Message(level=one.level, code=one.code, text=one.text, at=one.at) for one in found]
    )


@router.get("/runs/{run_id}/errors", summary="Read a run's errors by cause")
def errors(here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId) -> shapes.RunErrors:
    """Give the items with trouble grouped by cause, with what to do, samples, and how many more."""
    with as_tenant(here.engine, by.tenant_id) as session:
        found = register.error_groups(session, connector_id, entry(session, connector_id, run_id).id)
    return shapes.RunErrors(
        errors=[
            shapes.ErrorGroup(
                code=one.code,
                outcome=one.outcome,
                do=causes.remedy(one.code),
                count=one.count,
                more=one.more,
                samples=[
                    shapes.Sample(
                        kind=each.kind, source_id=each.source_id, storefront=each.storefront, message=each.message
                    )
                    for each in one.samples
                ],
            )
            for one in found
        ]
    )


@router.get("/runs/{run_id}/planned", summary="List what a run is still to do")
def planned(
    here: Here,
    by: Reader,
    connector_id: ConnectorId,
    run_id: RunId,
    kind: Annotated[ItemKind, Query(description="Items of this kind")],
    action: Annotated[Action, Query(description="Those to which this is to be done")],
    storefront: Annotated[int | None, Query(ge=0, lt=2**63, description="Only on this storefront")] = None,
    limit: Limit = 100,
    after: After = None,
) -> shapes.PlannedPage:
    """Give the items behind a figure of the plan, as long as they are pending: what an approval is about."""
    begin = place(after, int, int, int) or planned_items.BEFORE_ALL
    with as_tenant(here.engine, by.tenant_id) as session:
        found = planned_items.items(
            session,
            connector_id,
            entry(session, connector_id, run_id).id,
            kind,
            action,
            storefront=storefront,
            shown=shown(session, connector_id, commands.there(session, connector_id).profile),
            after=(int(begin[0]), int(begin[1]), int(begin[2])),
            limit=limit + 1,
        )
    page = found[:limit]
    return shapes.PlannedPage(
        items=[
            shapes.PlannedItem(
                kind=one.kind,
                source_id=one.source_id,
                storefront=one.storefront,
                name=one.name,
                reference=one.reference,
                groups=list(one.groups),
            )
            for one in page
        ],
        next=written(*page[-1].place) if len(found) > limit else None,
    )


def entry(session: Session, connector_id: int, run_id: int) -> Entry:
    """The run in the register; 404 where this connector has no such one."""
    found = register.run(session, run_id)
    if found is None or found.connector_id != connector_id:
        raise ProblemError(404, "unknown", f"There is no run {run_id} of connector {connector_id}.")
    return found


def _run(one: Entry) -> shapes.Run:
    return shapes.Run(
        id=one.id,
        connector=one.connector_id,
        state=one.state,
        phase=one.phase,
        step=one.step,
        trigger=one.trigger,
        requested_by=one.requested_by,
        refresh=one.refresh,
        requested=one.requested_at,
        started=one.started_at,
        ended=one.ended_at,
        waited=round(one.waited, 3),
        seconds=None if one.seconds is None else round(one.seconds, 3),
        slices=one.slices,
        calls=one.calls,
        source_calls=one.source_calls,
        headline=register.headline(one),
        counters={kind: {at: dict(of) for at, of in by.items()} for kind, by in one.counters.items()},
    )
