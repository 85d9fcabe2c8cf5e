"""A run as it goes on: its page's moving parts, pushed as server-sent events, or asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.here import Here
from api.pages import paper
from api.pages.route import PageRoute
from api.pages.run import RunId, look
from api.pages.viewers import Looking, Viewer
from worker.commands.desk import Desk

router = APIRouter(route_class=PageRoute, include_in_schema=False)

LOOK_SECONDS = 1.0
"""Between two looks at the run."""
REST = 4
"""Times as long as a look took, it rests at least until the next one."""
PING_SECONDS = 15.0
"""So long a silent stream stays believed by what stands in between."""
STREAM_SECONDS = 300.0
"""A stream ends after so long; the page comes again, and who may look is asked anew."""


@router.get("/connectors/{connector_id}/runs/{run_id}/now")
def now(here: Here, viewer: Looking, run_id: RunId) -> JSONResponse:
    """The moving parts of the page once."""
    return JSONResponse(moved(here, viewer, run_id))


async def _place(viewer: Looking, request: Request) -> AsyncIterator[None]:
    """A place among this process's streams, until the stream is over; what gets none asks now and then instead."""
    with request.app.state.streams.one(viewer.tenant_id):
        yield


@router.get("/connectors/{connector_id}/runs/{run_id}/live", dependencies=[Depends(_place)])
def live(here: Here, viewer: Looking, run_id: RunId, request: Request) -> StreamingResponse:
    """The moving parts whenever they have moved, until the run ends."""
    moved(here, viewer, run_id)  # 404 before the stream begins

    async def gone() -> bool:
        return await request.is_disconnected()

    stream = _events(lambda: moved(here, viewer, run_id), gone)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(look_: Callable[[], dict[str, Any]], gone: Callable[[], Any]) -> AsyncIterator[str]:
    """Events of what has changed; between two looks it holds neither a thread nor a connection."""
    begun, told, said_at = time.monotonic(), "", time.monotonic()
    yield "retry: 2000\n\n"
    while time.monotonic() - begun < STREAM_SECONDS and not await gone():
        looked = time.monotonic()
        try:
            found = await run_in_threadpool(look_)
        except Exception:  # noqa: BLE001 the page asks again, and is told then
            return
        if found["html"] != told:
            told, said_at = found["html"], time.monotonic()
            yield f"data: {json.dumps(found)}\n\n"
        elif time.monotonic() - said_at > PING_SECONDS:
            said_at = time.monotonic()
            yield ": still here\n\n"
        if found["ended"]:
            return
        # A run of a million items takes longer to look at, and is looked at less often.
        await asyncio.sleep(max(LOOK_SECONDS, REST * (time.monotonic() - looked)))


def moved(here: Desk, viewer: Viewer, run_id: int) -> dict[str, Any]:
    """The moving parts as HTML, and whether they will move no more."""
    shown = look(here, viewer, run_id, whole=False)
    entry = shown["entry"]
    html = paper.written("run_parts.html", here.settings, viewer=viewer, **shown)
    return {"html": html, "ended": entry.has_ended, "state": entry.state.value, "step": entry.step}
