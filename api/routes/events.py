"""Runs as they go on, as server-sent events.

Between two looks a stream holds neither a thread nor a connection.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.callers import Known, Reader
from api.here import Here
from api.problems import told
from api.routes.connectors import ConnectorId
from api.routes.queue import of_current, of_run
from api.routes.runs import RunId, entry
from api.shapes.queue import Progress
from worker.commands import connectors as known
from worker.commands.desk import Desk
from worker.ledger import api_keys
from worker.ledger.session import as_scheduler, as_tenant

router = APIRouter(
    prefix="/v1/connectors/{connector_id}", tags=["runs"], responses=told(400, 401, 403, 404, 413, 422, 429, 503)
)

LOOK_SECONDS = 0.5
"""Between two looks at a run that moves."""
LONGEST_LOOK_SECONDS = 2.0
"""Between two looks at one that does not."""
KEY_SECONDS = 15.0
"""After so long it is looked again whether the key still opens anything."""
STREAM_SECONDS = 600.0
"""A stream ends after so long; who listens comes again."""
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`progress`: the run has moved; `end`: it has ended, and the stream with it",
        "content": {
            "text/event-stream": {
                "example": 'event: progress\nid: 1\ndata: {"run": 513, "state": "synchronizing", ...}\n\n'
            }
        },
    }
}

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="Taken and not needed: each event tells all there is"),
]


async def _place(request: Request, by: Reader) -> AsyncIterator[None]:
    """A place among this process's streams, until the stream is over; 503 where the tenant gets none."""
    with request.app.state.streams.one(by.tenant_id):
        yield


APlace = Annotated[None, Depends(_place)]
Look = Callable[[], Progress | None]


def _at_current(here: Here, by: Reader, connector_id: ConnectorId) -> Look:
    with as_tenant(here.engine, by.tenant_id) as session:
        known.known(session, connector_id)
    following: list[int] = []

    def look() -> Progress | None:
        with as_tenant(here.engine, by.tenant_id) as session:
            # The run that it began with is followed to its end, then no other.
            found = of_run(session, following[0]) if following else of_current(session, connector_id)
        if found is not None and not following:
            following.append(found.run)
        return found

    return look


def _at_one(here: Here, by: Reader, connector_id: ConnectorId, run_id: RunId) -> Look:
    with as_tenant(here.engine, by.tenant_id) as session:
        entry(session, connector_id, run_id)

    def look() -> Progress | None:
        with as_tenant(here.engine, by.tenant_id) as session:
            return of_run(session, run_id)

    return look


@router.get("/events", summary="Listen to the run under way", response_class=EventSourceResponse, responses=_EVENTS)
async def current(
    here: Here, by: Known, look: Annotated[Look, Depends(_at_current)], place: APlace, last: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Tell the progress of the run under way whenever it has moved, until it ends; where there is none, of the next.

    A stream ends after ten minutes at the latest: come again.
    """
    del place, last
    async for one in _told(here, by.key_id, look):
        yield one


@router.get("/runs/{run_id}/events", summary="Listen to a run", response_class=EventSourceResponse, responses=_EVENTS)
async def of_one(
    here: Here, by: Known, look: Annotated[Look, Depends(_at_one)], place: APlace, last: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Tell the progress of this run whenever it has moved, until it ends. A stream ends after ten minutes."""
    del place, last
    async for one in _told(here, by.key_id, look):
        yield one


async def _told(here: Desk, key_id: str, look: Look) -> AsyncIterator[ServerSentEvent]:
    begun = asked = time.monotonic()
    before, number, pause = "", 0, LOOK_SECONDS
    while time.monotonic() - begun < STREAM_SECONDS:
        if time.monotonic() - asked > KEY_SECONDS:
            if not await run_in_threadpool(_still_opens, here, key_id):
                return
            asked = time.monotonic()
        found = await run_in_threadpool(look)
        # A clock that goes on is no progress.
        now = "" if found is None else found.model_dump_json(exclude={"seconds"})
        if found is not None and now != before:
            before, number, pause = now, number + 1, LOOK_SECONDS
            yield ServerSentEvent(data=found, event="progress", id=str(number), retry=2000)
        else:
            pause = min(2 * pause, LONGEST_LOOK_SECONDS)
        if found is not None and found.ended:
            yield ServerSentEvent(data={"run": found.run, "state": found.state}, event="end", id=str(number + 1))
            return
        await anyio.sleep(pause)


def _still_opens(here: Desk, key_id: str) -> bool:
    with as_scheduler(here.engine) as session:
        return api_keys.opens(session, key_id)
