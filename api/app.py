"""The ASGI application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool

from api import access, measured, places, problems
from api.bodies import LargestBody
from api.counting import Counting
from api.letters import only_text
from api.measured import Measured
from api.pages import door
from api.problems import Problem
from api.routes import choices, connectors, events, exports, health, items, keys, operators, queue, runs, webhooks
from worker import traces
from worker.commands.desk import Desk
from worker.scheduling import figures

ROUTERS = (
    health.router,
    operators.router,
    keys.router,
    connectors.router,
    choices.router,
    runs.router,
    queue.router,
    events.router,
    exports.router,
    items.router,
    webhooks.router,
)
ABOUT = """Keeps BigCommerce stores in step with Sales Layer catalogues, for many tenants, in fair turns.

Every call needs an API key (`Authorization: Bearer slbc_...`). A tenant's key sees what is the tenant's and nothing
else; an operator's key says in whose name it acts by `X-Tenant`. What goes wrong is told
as `application/problem+json`."""


def build(desk: Desk) -> FastAPI:
    """The application that gives its commands at this desk."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop_serving = figures.serve(desk.settings, measured.metrics(app.state.streams))
        yield
        if stop_serving is not None:
            await run_in_threadpool(stop_serving)
        desk.engine.dispose()
        traces.close()

    app = FastAPI(
        title="Sales Layer to BigCommerce",
        version="1",
        description=ABOUT,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; the document itself is for everybody's tools.
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_text)],
    )
    app.add_middleware(LargestBody)
    app.add_middleware(Measured)
    app.state.desk = desk
    app.state.streams = places.for_streams(desk.settings.api_streams)
    app.state.counting = Counting()
    app.state.asking = places.for_asking()
    # Whether it is ready is told even where requests hold every other thread.
    app.state.readiness = anyio.CapacityLimiter(1)
    for router in ROUTERS:
        app.include_router(router)
    door.attach(app, desk.settings)
    problems.attach(app)
    app.openapi = _document(app)  # type: ignore[method-assign]
    access.attach(app)
    return app


def _document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The OpenAPI document, with every problem in its own shape."""

    def made() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= shape.pop("$defs", {}) | {"Problem": shape}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for content in _contents(document):
                # A word of OpenAPI 3.2.
                content.get("text/event-stream", {}).pop("itemSchema", None)
            app.openapi_schema = document
        return app.openapi_schema

    return made


def _contents(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the operations answer, by media type."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                yield answer.get("content", {})
