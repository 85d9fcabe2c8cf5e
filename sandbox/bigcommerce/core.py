"""Every store behind one door: token, quota, troubles, rooms."""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.bigcommerce import dump
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import NO_SCOPE, PLAIN_TITLES, TYPE, RefusalError
from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.inventory import ADJUSTING
from sandbox.bigcommerce.limiter import CATALOGUE_WRITES, Lane
from sandbox.bigcommerce.log import Entry
from sandbox.bigcommerce.messages import Answer, Reply, Request
from sandbox.bigcommerce.routing import TABLE, pattern_of
from sandbox.bigcommerce.store import Store

STORE_PATH = re.compile(r"/stores/([A-Za-z0-9_-]+)(/v[23]/.*)")
JSON = "application/json"
WITH_BODY = frozenset({"POST", "PUT"})
# As many at once as one likes, but none beside an adjustment of stock (API facts §2.4).
BESIDE_STOCK = Lane(CATALOGUE_WRITES, sys.maxsize, refuses=False, apart_from=ADJUSTING.name)


class Sandbox:
    """All stores. `handle` answers at once and says in `delay` how long the answer takes; the doors do the waiting.

    The state is moved when the request arrives, so that a caller who gives up has written all the same (API facts §7).
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, opens_stores: bool = True, **defaults: Any) -> None:
        self.clock = clock
        self.opens_stores = opens_stores
        self._defaults = defaults
        self._stores: dict[str, Store] = {}
        self._lock = threading.Lock()

    def open(self, store_hash: str, token: str | None = None, **settings: Any) -> Store:
        """The store, new or known, with these settings (those of `PUT /_control/stores/{hash}`)."""
        with self._lock:
            store = self._stores.get(store_hash)
            if store is None:
                store = Store(store_hash, token or "token", self.clock)
                store.configure(**{**self._defaults, **settings})
                self._stores[store_hash] = store
                return store
        store.configure(**settings if token is None else {**settings, "token": token})
        return store

    def store(self, store_hash: str) -> Store:
        """The store with this hash; a KeyError if it does not exist."""
        return self._stores[store_hash]

    def stores(self) -> list[Store]:
        """All stores, in the order of their opening."""
        return list(self._stores.values())

    def close(self, store_hash: str) -> None:
        """The store is gone with all that it held."""
        with self._lock:
            self._stores.pop(store_hash, None)

    def snapshot(self, store_hash: str) -> dict[str, Any]:
        """Everything that the store holds, as JSON-like data."""
        return dump.snapshot(self.store(store_hash))

    def handle(self, request: Request) -> Answer:
        """The answer to one request on the API."""
        match = STORE_PATH.fullmatch(request.path)
        if match is None:
            return _answer(_plain(404, request.path))
        store_hash, path = match.groups()
        token = request.headers.get("x-auth-token", "")
        store = self._stores.get(store_hash)
        if store is None and token and self.opens_stores:
            store = self.open(store_hash, token)
        if store is None:
            return _answer(_plain(401, path))
        with store.lock:
            return _arrived(store, request, path, token)


@dataclass(slots=True)
class _Visit:
    """One request at a known store: where it goes, what befalls it, how long it takes."""

    call: Call
    path: str
    pattern: str
    routes: dict[str, Route] | None
    route: Route | None
    delay: float
    faults: list[Fault] = field(default_factory=list)
    crowded: bool = False

    @property
    def lane(self) -> Lane | None:
        return self.route.lane if self.route else None

    def fault(self, *actions: str) -> Fault | None:
        """The first fault of these kinds that strikes."""
        return next((fault for fault in self.faults if fault.action in actions), None)


def _arrived(store: Store, request: Request, path: str, token: str) -> Answer:
    """One request at a known store, counted, troubled, answered and logged."""
    store.settle()
    store.requests += 1
    pattern, ids = pattern_of(path)
    routes = TABLE.get(pattern)
    route = routes.get(request.method) if routes else None
    visit = _Visit(Call(store, request, ids), path, pattern, routes, route, store.draw_latency())
    if token != store.token:
        reply = _plain(401, path)
    elif not store.window.take():
        reply = _plain(429, path)
    else:
        reply = _admitted(visit, store)
    answer = _answer(reply, _headers(visit, store, reply.status), visit)
    _log(visit, store, answer)
    return answer


def _admitted(visit: _Visit, store: Store) -> Reply:
    """A request within the quota: its faults strike before or after the room has done its work."""
    visit.faults = store.faults.striking(visit.call.request.method, visit.path)
    visit.delay += sum(fault.seconds for fault in visit.faults)
    visit.call.unsaved.update(fault.what for fault in visit.faults if fault.action == "partial")
    if visit.fault("drop_before"):
        # Nobody will see this answer; the log shows 0 for "never reached the store".
        return Reply(0)
    if visit.fault("429"):
        return _plain(429, visit.path)
    if fault := visit.fault("status_before"):
        return _plain(fault.status, visit.path)
    if visit.lane is not None:
        visit.crowded = store.lanes.is_full(visit.lane, store.clock())
        if visit.crowded and visit.lane.refuses:
            return _plain(429, visit.path)
        store.lanes.enter(visit.lane, store.clock() + visit.delay)
    if visit.path.startswith("/v3/catalog/") and visit.call.request.method != "GET":
        visit.crowded = visit.crowded or store.lanes.is_full(BESIDE_STOCK, store.clock())
        store.lanes.enter(BESIDE_STOCK, store.clock() + visit.delay)
    reply = _asked(visit)
    fault = visit.fault("status_after")
    return _plain(fault.status, visit.path) if fault else reply


def _headers(visit: _Visit, store: Store, status: int) -> dict[str, str]:
    """The rate limit's headers, on every answer but a bare 429 (platform overload, API facts §2.3)."""
    if status != 429:
        return store.window.headers()
    fault = visit.fault("429")
    if store.switches.bare_429 or (fault and not fault.headers):
        return {}
    return {**store.window.headers(), **store.window.retry_headers()}


def _log(visit: _Visit, store: Store, answer: Answer) -> None:
    request = visit.call.request
    store.log.add(
        Entry(
            seq=store.requests,
            at=store.clock(),
            method=request.method,
            path=visit.path,
            query=list(request.query),
            route=visit.pattern,
            status=answer.status,
            delay=answer.delay,
            dropped=answer.dropped,
            faults=[fault.action for fault in visit.faults],
            unknown_fields=sorted(visit.call.unknown),
            crowded=visit.crowded,
            body=request.body,
            answer=answer.body,
        )
    )


def _asked(visit: _Visit) -> Reply:
    """What the room says; whatever it refuses leaves no trace."""
    call, route = visit.call, visit.route
    if route is None:
        return _plain(404 if visit.routes is None else 405, visit.path)
    if not _has_scope(call.store, route, call.request.method):
        return RefusalError(403, NO_SCOPE).reply
    if (trouble := _bad_headers(call, route)) is not None:
        return _plain(trouble, visit.path)
    journal = call.store.journal
    try:
        reply = route.room(call)
    except RefusalError as refusal:
        journal.roll_back()
        return refusal.reply
    except BaseException:
        journal.roll_back()
        raise
    journal.keep()
    return reply


def _has_scope(store: Store, route: Route, method: str) -> bool:
    """Whether the token may go there; the full scope includes the read-only one."""
    if store.scopes is None:
        return True
    allowed = {route.scope, route.scope.removesuffix("_read_only")}
    if method == "GET":
        allowed.add(f"{route.scope}_read_only")
    return bool(allowed & store.scopes)


def _bad_headers(call: Call, route: Route) -> int | None:
    """406 for a caller who wants no JSON, 415 for a body that is none."""
    accept = call.request.headers.get("accept", "*/*")
    if not any(kind in accept for kind in (JSON, "*/*", "application/*")):
        return 406
    if call.request.method in WITH_BODY and not (route.takes_files and call.is_multipart()):
        sent = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent != JSON:
            return 415
    return None


def _plain(status: int, path: str) -> Reply:
    """A status without a room: plain text for 401, an array on v2, the envelope elsewhere."""
    title = PLAIN_TITLES.get(status, "Error")
    if status == 401:
        return Reply(401, title, "text/plain")
    if "/v2/" in path:
        return Reply(status, [{"status": status, "message": title}])
    return Reply(status, {"status": status, "title": title, "type": TYPE, "errors": {}})


def _answer(reply: Reply, headers: Mapping[str, str] | None = None, visit: _Visit | None = None) -> Answer:
    delay = visit.delay if visit else 0.0
    dropped = visit is not None and visit.fault("drop_before", "drop_after_commit") is not None
    if reply.payload is None:
        return Answer(reply.status, headers or {}, b"", delay, dropped)
    text = reply.payload if reply.content_type == "text/plain" else json.dumps(reply.payload, separators=(",", ":"))
    return Answer(reply.status, {"Content-Type": reply.content_type, **(headers or {})}, text.encode(), delay, dropped)
