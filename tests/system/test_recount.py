"""At the end of a run that wrote, the store is counted and a sample is read back; the register says how it was."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.stage import TOKEN
from tests.shop import Shop, a_source
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]

SOURCE = a_source(
    categories=[(1, 0, "C1", "Root"), (2, 1, "C2", "Cups")],
    products=[(10, [2], "P10", "Plain cup", "9", "1"), (11, [2], "P11", "Cup in sizes", "9", "1")],
    variants=[(20, 11, "V20", "S"), (21, 11, "V21", "L")],
)


class Meddling(httpx.BaseTransport):
    """Lets somebody touch the store right before the sample of products is read for the n-th time."""

    def __init__(self, inner: httpx.BaseTransport, act: Callable[[int], object]) -> None:
        self._inner, self._act, self._times = inner, act, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "id%3Ain" in str(request.url.query) and request.url.path.endswith("/catalog/products"):
            self._times += 1
            self._act(self._times)
        return self._inner.handle_request(request)


def store(shop: Shop) -> Store:
    return shop.stage.stores.store(shop.cast.store_hash)


def merchant(shop: Shop) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://store.test/stores/{shop.cast.store_hash}/v3",
        headers={"X-Auth-Token": TOKEN},
        transport=SandboxTransport(shop.stage.stores),
    )


def recounted(shop: Shop, *, refresh: bool = False) -> tuple[str, str, str]:
    """(level, code, text) of what a run says of its recount; the run itself completes."""
    entry = shop.run(refresh=refresh)
    assert entry.state == "completed"
    ((level, code, told),) = [(one.level, one.code, one.text) for one in shop.messages(entry)]
    return level, code, told


def meddle(shop: Shop, act: Callable[[dict[str, Any], int], object]) -> None:
    """Touch the plain cup whenever the sample is read."""

    def touch(times: int) -> None:
        row = next(one for one in store(shop).products if one["sku"] == "P10")
        act(row, times)

    shop.stage.wrap = lambda inner: Meddling(inner, touch)


def test_what_is_as_sent_is_said_with_what_was_counted_and_read(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    counted = "the store counts 3 variants, 3 of them from this connector"
    read = "read back: 2 products, 2 variants, all as sent"
    assert recounted(shop) == ("info", "recounted", f"{counted}; {read}")


def test_categories_are_read_too_where_they_were_written_a_while_ago(open_shop: Open) -> None:
    shop = open_shop(SOURCE)

    def time_passes(_: int) -> None:
        with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
            session.execute(text("UPDATE item_status SET at = at - interval '4 s'"))

    shop.stage.wrap = lambda inner: Meddling(inner, time_passes)
    assert "read back: 2 categories, 2 products, 2 variants, all as sent" in recounted(shop)[2]
    calls = shop.calls()
    last_write = max(at for at, one in enumerate(calls) if not one.startswith("GET"))
    assert calls[last_write + 1 :] == [
        "GET /v3/catalog/products",
        "GET /v3/catalog/trees/categories",
        "GET /v3/catalog/summary",
    ]


def test_a_run_that_wrote_nothing_does_not_count(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    shop.run()
    shop.calls()
    entry = shop.run(refresh=True)
    assert shop.messages(entry) == []
    assert shop.calls("summary|POST|PUT") == []


def test_what_differs_is_read_once_more_and_named_with_its_fields(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    meddle(shop, lambda row, _: row.update(name="Renamed by hand", price=8))
    level, code, told = recounted(shop)
    assert (level, code) == ("warning", "recount_differs")
    assert told.endswith("something else than was sent stands in product 10 (price, text)")


def test_a_read_that_lags_behind_is_no_difference(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    meddle(shop, lambda row, times: row.update(name="Not yet" if times == 1 else "Plain cup"))
    assert recounted(shop)[1] == "recounted"


def test_an_item_that_is_not_there_is_missed_by_the_sample_and_by_the_count(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    gone: list[int] = []

    def remove(times: int) -> None:
        if times == 1:
            product = next(one for one in store(shop).products if one["sku"] == "P10")
            gone.append(merchant(shop).delete(f"/catalog/products/{product['id']}").status_code)

    shop.stage.wrap = lambda inner: Meddling(inner, remove)
    level, code, told = recounted(shop)
    assert gone == [204]
    assert (level, code) == ("warning", "recount_differs")
    assert told.startswith("the store counts 2 variants, fewer than the 3 that this connector has there")
    assert "product 10 (all: it is not in the store)" in told


@pytest.mark.parametrize("path", ["/catalog/summary", "/catalog/products$"])
def test_a_store_that_does_not_answer_costs_the_recount_and_not_the_run(open_shop: Open, path: str) -> None:
    shop = open_shop(SOURCE)
    shop.run()
    shop.stage.sources.edit(shop.cast.code, "products", 10, {"product_price": "12"})
    nth = 2 if path.endswith("$") else 1  # the first is the run's own read
    store(shop).faults.add(Fault("status_before", "GET", path, nth=nth))
    level, code, told = recounted(shop)
    assert (level, code) == ("warning", "not_recounted")
    assert "503" in told


def test_what_shoppers_and_others_may_change_is_not_compared(open_shop: Open) -> None:
    shop = open_shop(SOURCE)

    def sell(row: dict[str, Any], _: int) -> None:
        row.update(inventory_level=row["inventory_level"] + 5, brand_id=0)
        merchant(shop).post(f"/catalog/products/{row['id']}/custom-fields", json={"name": "theirs", "value": "1"})

    meddle(shop, sell)
    assert recounted(shop)[1] == "recounted"


def test_what_is_gone_at_the_source_is_hidden_in_the_store(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    shop.run()
    shop.stage.sources.delete(shop.cast.code, "products", 10)
    assert recounted(shop)[1] == "recounted"
    shop.stage.sources.delete(shop.cast.code, "products", 11)

    def show(_: int) -> None:
        for row in store(shop).products:
            row["is_visible"] = True

    shop.stage.wrap = lambda inner: Meddling(inner, show)
    assert "product 11 (visibility)" in recounted(shop)[2]


def test_more_decimals_than_the_store_keeps_are_no_difference(open_shop: Open) -> None:
    source = a_source(
        categories=[(1, 0, "C1", "Root")],
        products=[(10, [1], "P10", "Plain cup", "12.396694", "0.123456")],
        variants=[],
    )
    assert recounted(open_shop(source))[1] == "recounted"


def test_what_the_store_did_not_take_is_told_by_the_item_alone(open_shop: Open) -> None:
    """Two products ask for one address: the second is made without, and says so."""
    source = a_source(
        products=[(10, [1], "P10", "One", "9", "1", "/cup/"), (11, [1], "P11", "Other", "9", "1", "/cup/")],
        columns={"products": ["product_url"]},
    )
    shop = open_shop(source)
    assert recounted(shop)[1] == "recounted"
    assert shop.status("product", 11)[1] == "url_refused"


def test_categories_that_are_all_that_was_written_are_read_once_more(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    shop.run()
    shop.edit("catalogue", 2, section_name="Mugs")
    times = count()

    class Lagging(httpx.BaseTransport):
        def __init__(self, inner: httpx.BaseTransport) -> None:
            self._inner = inner

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = self._inner.handle_request(request)
            if "category_id%3Ain" in str(request.url.query) and request.method == "GET" and not next(times):
                old = response.read().decode().replace("Mugs", "Cups")
                return httpx.Response(200, content=old, headers={"Content-Type": "application/json"})
            return response

    shop.stage.wrap = Lagging
    assert recounted(shop)[1] == "recounted"
    assert next(times) == 2


@pytest.mark.parametrize("answer", [
    httpx.Response(200, json={"data": {"variant_count": "n/a"}}),
    httpx.Response(200, json={"data": ["what?"]}),
    httpx.Response(403, json={"status": 403, "title": "You don't have a required scope to access the endpoint"}),
], ids=["no number", "another shape", "no scope"])  # fmt: skip
def test_an_answer_that_makes_no_sense_costs_the_recount_and_not_the_run(
    open_shop: Open, answer: httpx.Response
) -> None:
    class Odd(httpx.BaseTransport):
        def __init__(self, inner: httpx.BaseTransport) -> None:
            self._inner = inner

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/catalog/summary"):
                return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
            return self._inner.handle_request(request)

    shop = open_shop(SOURCE)
    shop.stage.wrap = Odd
    assert recounted(shop)[:2] == ("warning", "not_recounted")
