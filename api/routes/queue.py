"""A connector in the queue, and its run as it goes on."""

from __future__ import annotations

from fastapi import APIRouter

from api.callers import Reader
from api.here import Here
from api.paging import After, Limit, place, written
from api.problems import ProblemError, told
from api.routes.connectors import ConnectorId
from api.routes.runs import RunId, entry
from api.shapes import queue as shapes
from worker.commands import connectors as known
from worker.commands.desk import Desk
from worker.ledger import progress, queue, register, runs, slices
from worker.ledger.queue import Standing
from worker.ledger.session import Session, as_scheduler, as_tenant

router = APIRouter(
    prefix="/v1/connectors/{connector_id}", tags=["runs"], responses=told(400, 401, 403, 404, 413, 422, 429, 503)
)


@router.get("/queue", summary="See the place in the queue")
def standing(here: Here, by: Reader, connector_id: ConnectorId) -> shapes.Place:
    """Say how many connectors come before this one, when its slice is expected, and why it waits."""
    found = of(here, by.tenant_id, connector_id)
    return shapes.Place(
        why=found.why,
        says=found.sentence,
        place=found.place,
        expected_start=found.expected_start,
        since=found.since,
        until=found.until,
    )


def of(here: Desk, tenant_id: int, connector_id: int) -> Standing:
    """Where the connector stands; Refusal where the tenant has no such one."""
    with as_tenant(here.engine, tenant_id) as session:
        known.known(session, connector_id)
        hold = queue.hold(session, connector_id)
    with as_scheduler(here.engine) as session:
        found = queue.standing(session, connector_id, longest=here.settings.slice_yield_seconds)
    if found is None:
        raise ProblemError(404, "unknown", f"There is no connector {connector_id}.")
    return queue.told(found, hold)


@router.get("/progress", summary="Follow the run under way")
def current(here: Here, by: Reader, connector_id: ConnectorId) -> shapes.Current:
    """Say where the run under way stands: what is planned, and how much of it is still to be sent."""
    with as_tenant(here.engine, by.tenant_id) as session:
        known.known(session, connector_id)
        return shapes.Current(progress=of_current(session, connector_id))


@router.get("/runs/{run_id}/progress", summary="Follow a run")
def of_one(here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId) -> shapes.Progress:
    """Say where this run stands, or how it ended."""
    with as_tenant(here.engine, by.tenant_id) as session:
        entry(session, connector_id, run_id)
        found = of_run(session, run_id)
    if found is None:
        raise ProblemError(404, "unknown", f"There is no run {run_id} of connector {connector_id}.")
    return found


@router.get("/runs/{run_id}/slices", summary="List a run's slices")
def of_its_slices(
    here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId, limit: Limit = 100, after: After = None
) -> shapes.SlicePage:
    """Give the stretches of time for which the run had a worker, the newest first, and why each ended."""
    begin = place(after, int)
    with as_tenant(here.engine, by.tenant_id) as session:
        entry(session, connector_id, run_id)
        found = slices.of_run(
            session, connector_id, run_id, before=None if begin is None else int(begin[0]), limit=limit + 1
        )
    page = found[:limit]
    return shapes.SlicePage(
        slices=[
            shapes.Slice(
                slice=one.epoch,
                ready=one.ready_at,
                started=one.started_at,
                ended=one.ended_at,
                why=one.ended_why,
                step=one.step,
                calls=one.calls,
                settled=one.settled,
            )
            for one in page
        ],
        next=written(page[-1].epoch) if len(found) > limit else None,
    )


def of_current(session: Session, connector_id: int) -> shapes.Progress | None:
    """The progress of the run under way or waiting; None where there is none in the register."""
    run = runs.current(session, connector_id)
    return None if run is None else of_run(session, run.id)


def of_run(session: Session, run_id: int) -> shapes.Progress | None:
    """The progress of a run; None where the register has no such one."""
    found = progress.of(session, run_id)
    if found is None:
        return None
    one = found.entry
    return shapes.Progress(
        run=one.id,
        state=one.state,
        phase=one.phase,
        step=one.step,
        headline=register.headline(one),
        seconds=None if one.seconds is None else round(one.seconds, 1),
        calls=one.calls,
        source_calls=one.source_calls,
        seen=dict(found.seen),
        parts=[
            shapes.Part(kind=each.kind, action=each.action, planned=each.planned, left=each.left)
            for each in found.parts
        ],
        ended=one.has_ended,
    )
