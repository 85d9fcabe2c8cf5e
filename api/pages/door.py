"""All of the pages, as the application takes them in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from api.pages import acts, items, links, live, overview, paper, planned, register, run, settings
from api.pages.route import PageRoute
from api.pages.trouble import NotShown
from api.pages.viewers import Looking
from worker.settings import Settings

ROUTERS = (links.router, register.router, run.router, planned.router, live.router, items.router, settings.router,
           acts.router, overview.router)  # fmt: skip
YEAR = 31_536_000
rest = APIRouter(route_class=PageRoute, include_in_schema=False)


@rest.get("/connectors/{connector_id}/{_other:path}")
def nothing(viewer: Looking, _other: str) -> None:
    """No page of ours is at this address."""
    raise NotShown(404, f"Connector {viewer.connector_id} has no such page.")


def attach(app: FastAPI, chosen: Settings) -> None:
    """Open the pages, and what they look like."""
    app.include_router(links.api)
    for router in (*ROUTERS, rest):
        app.include_router(router)
    app.mount("/pages", Static(chosen))


class Static:
    """Style and script: their addresses change with what they hold, so a browser may keep them."""

    def __init__(self, chosen: Settings) -> None:
        self._files = StaticFiles(packages=[("api.pages", "static")])
        self._headers = {**paper.headers(chosen), "Cache-Control": f"public, max-age={YEAR}, immutable"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, and the pages' headers."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: Any = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._files(scope, receive, sent)
