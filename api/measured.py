"""What the door counts of itself for Prometheus: requests by route, how long each took, refusals."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.places import Places
from api.problems import METHODS
from worker.metrics import calls, database, quota

REQUESTS = Counter("connector_http_requests", "Requests answered", ["route", "method", "status"], registry=None)
SECONDS = Histogram(
    "connector_http_request_seconds",
    "Seconds until the answer to a request began",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=None,
)
REFUSED = Counter("connector_http_refused", "Requests refused since their key asks too often", registry=None)
NO_ROUTE = "none"
"""The route of what is at no address of ours: the address itself, which anybody may make up, is in no label."""
BUG = 500


def metrics(streams: Places) -> tuple[Collector, ...]:
    """What a process of the API serves of itself; `streams` are its own."""
    held = Gauge("connector_http_streams", "Streams of events that are open", registry=None)
    held.set_function(lambda: streams.taken)
    # It asks stores and sources too, in somebody's name who waits.
    return (REQUESTS, SECONDS, REFUSED, held, *calls.METRICS, *quota.METRICS, *database.METRICS)


class Measured:
    """Counts each request when its answer begins; a stream may go on for minutes after that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand it on, and look at the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, is_counted = time.monotonic(), False

        def count(status: int) -> None:
            nonlocal is_counted
            is_counted = True
            route, method = route_of(scope), scope["method"]
            REQUESTS.labels(route, method if method in METHODS else "other", status).inc()
            SECONDS.labels(route).observe(time.monotonic() - began)

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, seen)
        except Exception:
            # A bug is answered further out.
            if not is_counted:
                count(BUG)
            raise


def route_of(scope: Scope) -> str:
    """The template of the address that the request has found."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return "/pages" if scope.get("path", "").startswith("/pages/") else NO_ROUTE
