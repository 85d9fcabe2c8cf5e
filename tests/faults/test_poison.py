"""One item that the store cannot take, though it is well: the others go, and it is left alone after three tries."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.stage.stage import Stage
from tests.shop import Shop, a_source
from worker.ledger import overview, register
from worker.ledger.session import as_scheduler, as_tenant
from worker.settings import Settings

PRODUCTS = 24
POISON = "13.13"


class Chokes(httpx.BaseTransport):
    """A store that fails at whatever holds one price; the rest of it is well."""

    def __init__(self, inner: httpx.BaseTransport, stage: Stage, seen: list[str]) -> None:
        self._inner, self._stage, self._seen = inner, stage, seen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and POISON in request.content.decode():
            self._seen.append(request.url.path)
            return httpx.Response(500, json={"status": 500, "title": "Internal Server Error"})
        return self._inner.handle_request(request)


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    rows = [(300 + n, [1], f"P{n}", f"Product {n}", "10", "1") for n in range(PRODUCTS)]
    made = Shop(config, a_source(products=rows))
    made.run()
    yield made
    made.close()


def test_a_batch_with_a_poison_item_is_halved_until_it_stands_alone_and_is_quarantined(shop: Shop) -> None:
    for n in range(PRODUCTS):
        shop.edit("products", 300 + n, product_price=POISON if n == 7 else "11")
    seen: list[str] = []
    shop.stage.wrap = lambda inner: Chokes(inner, shop.stage, seen)
    entry = shop.run()
    assert entry.state == "completed_with_errors"
    outcome, code, message = shop.status("product", 307)
    assert (outcome, code) == ("failed", "quarantined")
    assert "500" in (message or "")
    prices = {row["name"]: row["price"] for row in shop.holds["products"]}
    assert prices.pop("Product 7") == 10
    assert set(prices.values()) == {11}
    assert entry.counters["product"]["-"]["updated"] == PRODUCTS - 1
    with as_scheduler(shop.stage.engine) as session:
        rests = {one.rests_until for one in overview.standings(session) if one.connector_id == shop.cast.connector_id}
    assert rests == {None}, "the store is well, and does not rest"
    assert len(seen) <= 4 * (4 + 3), "10, 5, 2 and 1 of them, four tries each, and the last one three times"
    shop.stage.wrap = lambda inner: inner
    shop.edit("products", 307, product_price="12")
    assert shop.run().state == "completed"
    assert shop.product("Product 7")["price"] == 12


class Down(httpx.BaseTransport):
    """A store that answers nothing but 503 from the first PUT on."""

    def __init__(self, inner: httpx.BaseTransport, seen: list[str]) -> None:
        self._inner, self._seen = inner, seen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "/stores/" in request.url.path and (request.method == "PUT" or self._seen):
            self._seen.append(f"{request.method} {request.url.path.partition('/v')[2]}")
            return httpx.Response(503)
        return self._inner.handle_request(request)


def test_where_the_store_is_down_nothing_is_halved_and_no_item_is_blamed(shop: Shop) -> None:
    for n in range(PRODUCTS):
        shop.edit("products", 300 + n, product_price="11")
    seen: list[str] = []
    shop.stage.wrap = lambda inner: Down(inner, seen)
    run_id = shop.stage.request(shop.cast)
    assert shop.stage.play_one() == "neighbour_unwell"
    assert len(seen) <= 3 * (4 + 1), "three batches, four tries each, and one question whether it is well"
    with as_scheduler(shop.stage.engine) as session:
        (rest,) = [one.rests_until for one in overview.standings(session) if one.connector_id == shop.cast.connector_id]
    assert rest is not None
    shop.stage.wrap = lambda inner: inner
    shop.stage.play()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        entry = register.run(session, run_id)
    assert entry is not None
    assert entry.state == "completed"
    assert entry.counters["product"]["-"]["updated"] == PRODUCTS
