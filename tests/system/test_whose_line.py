"""A line that is written while a call goes out says whose slice it is, whichever thread makes the call."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import structlog

from tests.shop import Shop, a_source
from worker import logs
from worker.settings import Settings


@pytest.fixture(autouse=True)
def _afterwards_as_before() -> Iterator[None]:
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure(Settings(log_format="json"))
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


class Talking(httpx.BaseTransport):
    """Says of each call in which thread it goes out, and what is bound there."""

    def __init__(self, to: httpx.BaseTransport, heard: list[tuple[str, str, dict[str, object]]]) -> None:
        self._to = to
        self._heard = heard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name, address = threading.current_thread().name, str(request.url)
        self._heard.append((name, address, structlog.contextvars.get_contextvars()))
        return self._to.handle_request(request)


def names(address: str) -> set[str]:
    return set(re.findall(r"[\w-]+", address))


def test_every_call_of_a_run_is_made_in_the_name_of_its_slice(open_shop: Callable[..., Shop]) -> None:
    heard: list[tuple[str, str, dict[str, object]]] = []
    shop = open_shop(a_source(products=[(n, [1], f"P{n}", f"Product {n}", "3", "1") for n in range(1, 8)]))
    shop.stage.wrap = lambda to: Talking(to, heard)
    run = shop.run()
    assert run.counters
    # The stage plays whatever is dispatched meanwhile: what is asked of this store and this source is this slice's.
    ours = [(name, bound) for name, address, bound in heard if {shop.cast.store_hash, shop.cast.code} & names(address)]
    assert len({name for name, _ in ours if name.startswith("calls-")}) > 1, "several threads have called"
    for _, bound in ours:
        assert (bound["tenant"], bound["connector"]) == (shop.cast.tenant_id, shop.cast.connector_id)
        assert (bound["run"], type(bound["slice"])) == (run.id, int)
    assert structlog.contextvars.get_contextvars() == {}, "and afterwards nothing is left"
