"""One log line and one span a request: by its route, never by its address, which may open a page."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker import traces

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
QUIET = frozenset({"/livez", "/readyz", "/pages"})
"""Routes that are asked for all the time, or along with a page: their lines are for debugging."""
_FITS = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class Access:
    """Stands before the whole application, so that it sees the answer to a bug too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and tell what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _FITS.fullmatch(given) else uuid4().hex
        state: dict[str, Any] = scope.setdefault("state", {})
        began, status = time.monotonic(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        # Never unbound: a request is a task of its own, and what the server says of a bug in it comes later.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        method = scope["method"] if scope["method"] in METHODS else "other"
        with traces.request(method, headers) as span:
            try:
                await self._app(scope, receive, sent)
            finally:
                route = route_of(scope)
                tenant = state.get("tenant_id")
                traces.answered(span, method, route, status, tenant=tenant)
                tell = log.debug if route in QUIET else log.info
                tell(
                    "request answered" if status else "request not answered",
                    method=method,
                    route=route,
                    status=status or None,
                    seconds=round(time.monotonic() - began, 3),
                    tenant=tenant,
                )


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_of(scope: Scope) -> str | None:
    """The route that has answered, as the API's description writes it; None where there is none."""
    route = scope.get("route")
    found = getattr(route, "path_format", None) or getattr(route, "path", None)
    # A folder of files is no route; its place is.
    return found or scope.get("root_path", "").removeprefix(scope.get("app_root_path", "")) or None


def attach(app: FastAPI) -> None:
    """Let every request come by here first, before what the framework makes of a bug."""
    inner = app.build_middleware_stack
    app.build_middleware_stack = lambda: Access(inner())  # type: ignore[method-assign]
