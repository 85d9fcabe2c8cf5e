"""The control API: stores set up, looked into and troubled."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.messages import Answer, Request

PREFIX = "/_control"
PATH = re.compile(PREFIX + r"/stores/([A-Za-z0-9_-]+)((?:/[a-z]+)*)")

Lever = Callable[[Sandbox, str, Request], Any]


def answer(sandbox: Sandbox, request: Request) -> Answer:
    """The answer to a request under /_control: no token, no quota, no log."""
    if request.path == f"{PREFIX}/stores" and request.method == "GET":
        return _json(200, {"stores": [store.hash for store in sandbox.stores()]})
    match = PATH.fullmatch(request.path)
    lever = LEVERS.get((request.method, match.group(2))) if match else None
    if match is None or lever is None:
        return _json(404, {"error": f"no such lever: {request.method} {request.path}"})
    try:
        return _json(200, lever(sandbox, match.group(1), request))
    except KeyError as error:
        return _json(404, {"error": f"no such store or field: {error}"})
    except (ValueError, TypeError, AttributeError) as error:
        return _json(400, {"error": str(error)})


def _json(status: int, payload: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(payload).encode())


def _body(request: Request) -> dict[str, Any]:
    body = json.loads(request.body or b"{}")
    if not isinstance(body, dict):
        raise TypeError("the body must be an object")
    return body


def _open(sandbox: Sandbox, store_hash: str, request: Request) -> Any:
    store = sandbox.open(store_hash, **_body(request))
    return {"hash": store.hash, "plan": store.plan, "quota": store.window.quota}


def _snapshot(sandbox: Sandbox, store_hash: str, _request: Request) -> Any:
    return sandbox.snapshot(store_hash)


def _close(sandbox: Sandbox, store_hash: str, _request: Request) -> Any:
    sandbox.close(store_hash)
    return {}


def _log(sandbox: Sandbox, store_hash: str, request: Request) -> Any:
    store = sandbox.store(store_hash)
    with store.lock:
        counters = {**store.log.counters(), "created": store.created()}
        bodies = dict(request.query).get("bodies") == "1"
        return {"counters": counters, "entries": store.log.lines(bodies=bodies)}


def _clear_log(sandbox: Sandbox, store_hash: str, _request: Request) -> Any:
    store = sandbox.store(store_hash)
    with store.lock:
        store.log.clear()
    return {}


def _add_faults(sandbox: Sandbox, store_hash: str, request: Request) -> Any:
    store = sandbox.store(store_hash)
    body = json.loads(request.body)
    faults = [Fault.from_json(item) for item in (body if isinstance(body, list) else [body])]
    with store.lock:
        for fault in faults:
            store.faults.add(fault)
        return {"faults": len(store.faults)}


def _clear_faults(sandbox: Sandbox, store_hash: str, _request: Request) -> Any:
    store = sandbox.store(store_hash)
    with store.lock:
        store.faults.clear()
    return {}


def _eat(sandbox: Sandbox, store_hash: str, request: Request) -> Any:
    store = sandbox.store(store_hash)
    with store.lock:
        store.window.eat(int(_body(request)["units"]))
        return {"left": store.window.left}


LEVERS: Mapping[tuple[str, str], Lever] = {
    ("PUT", ""): _open,
    ("GET", ""): _snapshot,
    ("DELETE", ""): _close,
    ("GET", "/log"): _log,
    ("DELETE", "/log"): _clear_log,
    ("POST", "/faults"): _add_faults,
    ("DELETE", "/faults"): _clear_faults,
    ("POST", "/quota/eat"): _eat,
}
