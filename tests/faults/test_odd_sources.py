"""A source that answers oddly: what may be is read as it is meant, what cannot be stops the run with a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.generator.catalogue import generate
from sandbox.saleslayer.switches import Fault, Switches
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from sandbox.stage.compare import content
from sandbox.stage.stage import Stage
from worker.ledger.session import as_scheduler, as_tenant
from worker.settings import Settings

CATALOGUE = generate(seed=3, categories=6, products=12, variants_per_product=2)
PRODUCT_IDS = [row[1] for row in CATALOGUE["data"]["products"]]
_names = count()

Answer = dict[str, Any]


def as_it_is(_asked: httpx.Request, answer: Answer) -> Answer:
    return answer


class Odd(httpx.BaseTransport):
    """The simulated source, its questions and its answers changed on the way."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop) -> None:
        self._inner = inner
        self._shop = shop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer as the test wants it."""
        request.read()
        left = request.url.params
        for name in self._shop.not_asked:
            left = left.remove(name)
        asked = httpx.Request(request.method, request.url.copy_with(params=left), content=request.content,
                              headers=request.headers, extensions=request.extensions)  # fmt: skip
        answer = self._inner.handle_request(asked)
        self._shop.pages += 1
        return httpx.Response(200, json=self._shop.change(request, answer.json()))


class Shop:
    """A connector on a stage, with a source that can be made odd."""

    def __init__(self, config: Settings) -> None:
        self.change: Callable[[httpx.Request, Answer], Answer] = as_it_is
        self.not_asked: tuple[str, ...] = ()
        self.pages = 0
        self.stage = Stage(config, haste=50, wrap=self._wrapped)
        self.cast = self.stage.connect(f"odd-{next(_names)}", CATALOGUE)

    def _wrapped(self, transport: httpx.BaseTransport) -> httpx.BaseTransport:
        return Odd(transport, self) if isinstance(transport, SourceTransport) else transport

    def run(self, *, refresh: bool = False) -> str:
        """A requested run to its end; its state."""
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play(most=60)
        return str(self.one("SELECT state FROM run ORDER BY id DESC LIMIT 1"))

    def one(self, sql: str, **values: Any) -> Any:
        """One value out of the tenant's rows."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql), values)

    def told(self, code: str) -> str:
        """The last message with this code."""
        return str(self.one("SELECT text FROM run_message WHERE code = :code ORDER BY id DESC LIMIT 1", code=code))

    def switch(self, **switches: Any) -> None:
        """Set the simulated source's switches."""
        self.stage.sources.set_switches(self.cast.code, Switches(**switches))

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def store(self) -> dict[str, Any]:
        """What the store holds, by names."""
        return content(self.stage.stores.snapshot(self.cast.store_hash))

    def product(self, source_id: int) -> dict[str, Any]:
        """The store's product that the item is linked to."""
        store_id = self.one("SELECT store_id FROM relation WHERE kind = 'product' AND source_id = :id", id=source_id)
        rows = self.stage.stores.snapshot(self.cast.store_hash)["products"]
        return next(dict(row) for row in rows if row["id"] == store_id)

    def writes(self) -> int:
        """The store's writes since this was last asked."""
        log = self.stage.stores.store(self.cast.store_hash).log
        counted = int(log.counters()["writes"])
        log.clear()
        return counted


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


def of_company(company: int) -> Callable[[httpx.Request, Answer], Answer]:
    return lambda _asked, answer: answer | {"schema": answer["schema"] | {"company_ID": company}}


def test_another_company_stops_the_run_before_its_ids_are_taken_for_ours(shop: Shop) -> None:
    assert shop.run() == "completed"
    known = shop.one("SELECT company_id FROM mirror")
    before = shop.one("SELECT last_update FROM mirror"), shop.one("SELECT count(*) FROM source_item WHERE NOT gone")
    shop.writes()
    shop.change = of_company(4242)
    for refresh in (False, True):
        assert shop.run(refresh=refresh) == "failed"
        assert f"company {known}" in shop.told("company_changed")
        assert "company 4242" in shop.told("company_changed")
    after = shop.one("SELECT last_update FROM mirror"), shop.one("SELECT count(*) FROM source_item WHERE NOT gone")
    assert (after, shop.one("SELECT company_id FROM mirror"), shop.writes()) == (before, known, 0)
    shop.change = as_it_is
    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == 0


def test_pages_of_two_companies_are_no_answer(shop: Shop) -> None:
    shop.switch(page_rows=10)
    shop.change = lambda asked, answer: of_company(4242)(asked, answer) if "page_token" in asked.url.params else answer
    assert shop.run() == "failed"
    assert "two companies" in shop.told("source_unreadable")
    assert shop.one("SELECT count(*) FROM source_item") == 0


def test_pages_that_go_round_are_stopped(shop: Shop) -> None:
    later: list[str] = []

    def round_and_round(_asked: httpx.Request, answer: Answer) -> Answer:
        later.append(answer["next_page"])
        return answer | {"next_page": later[0]} if len(later) % 3 == 0 else answer

    shop.switch(page_rows=5)
    shop.change = round_and_round
    assert shop.run() == "failed"
    assert "twice" in shop.told("source_unreadable")
    assert shop.pages < 12
    assert shop.one("SELECT count(*) FROM source_item") == 0


@pytest.mark.parametrize("error", [7, 8])
def test_an_error_that_only_informs_does_not_stop_a_run(shop: Shop, error: int) -> None:
    shop.change = lambda _asked, answer: answer | {"error": error}
    assert shop.run() == "completed"
    assert len(shop.store()["products"]) == 12


def test_a_cursor_that_is_refused_is_read_without(shop: Shop) -> None:
    shop.run()
    shop.edit("products", PRODUCT_IDS[0], product_price="777")
    shop.switch(faults=(Fault("error", error=5),))
    assert shop.run() == "completed"
    assert shop.product(PRODUCT_IDS[0])["price"] == 777


@pytest.mark.parametrize(("error", "seconds"), [(10, 600), (11, 60), (14, 180)])
def test_a_source_that_asks_to_wait_is_left_alone_for_so_long(shop: Shop, error: int, seconds: int) -> None:
    shop.run()
    shop.edit("products", PRODUCT_IDS[0], product_price="777")
    before = shop.one("SELECT last_update FROM mirror")
    shop.switch(faults=(Fault("error", error=error),))
    shop.stage.request(shop.cast)
    assert shop.stage.play_one() == "neighbour_unwell"
    with as_scheduler(shop.stage.engine) as session:
        away = session.scalar(
            text("SELECT extract(epoch FROM not_before - now()) FROM turn WHERE connector_id = :id"),
            {"id": shop.cast.connector_id},
        )
    assert 0.7 * seconds < float(away) < 1.3 * seconds
    assert shop.one("SELECT last_update FROM mirror") == before, "the cursor stands"
    shop.stage.check(shop.cast)
    shop.stage.play(most=60)
    assert shop.product(PRODUCT_IDS[0])["price"] == 777


def test_products_that_come_once_for_each_category_stand_in_all_of_them(config: Settings, shop: Shop) -> None:
    leaves = [row[1] for row in CATALOGUE["data"]["catalogue"]][-3:]
    grouped = Shop(config)
    shop.not_asked = ("group_category_id",)
    shop.switch(page_rows=4)
    for one in (grouped, shop):
        for product in PRODUCT_IDS:
            one.edit("products", product, ID_catalogue=leaves)
        assert one.run() == "completed"
    assert shop.store() == grouped.store()
    shop.writes()
    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == 0
    shop.edit("products", PRODUCT_IDS[0], ID_catalogue=leaves[1:])
    assert shop.run(refresh=True) == "completed"
    assert len(shop.product(PRODUCT_IDS[0])["categories"]) == 2
    grouped.stage.close()


def test_pictures_that_are_unchanged_but_were_never_told_are_asked_for(shop: Shop) -> None:
    shop.run()
    row = CATALOGUE["data"]["products"][0]
    names = [one if isinstance(one, str) else next(iter(one)) for one in CATALOGUE["data_schema"]["products"]]
    image = names.index("product_image")
    values = dict(zip(names[2:], row[2:], strict=True))
    values |= {"REF": "NEW-1", "product_name_en": "Newcomer", "product_url": "newcomer"}
    new = shop.stage.sources.add(shop.cast.code, "products", values)

    def unchanged(_asked: httpx.Request, answer: Answer) -> Answer:
        if answer["action"] == "refresh":
            return answer
        rows = [
            [*one[:image], ["U"], *one[image + 1 :]] if one[0] != "D" else one for one in answer["data"]["products"]
        ]
        return answer | {"data": answer["data"] | {"products": rows}}

    shop.change = unchanged
    assert shop.run() == "completed"
    assert shop.product(new)["images"] == [], "nobody knows them yet"
    shop.stage.check(shop.cast)
    shop.stage.play(most=60)
    assert len(shop.product(new)["images"]) == len(row[image])
    assert shop.one("SELECT refresh_wanted FROM mirror") is False


def test_what_a_refresh_says_is_gone_is_disabled_and_what_it_never_told_is_nothing(shop: Shop) -> None:
    shop.run()
    gone, unheard = PRODUCT_IDS[3], 987_654

    def deletes(_asked: httpx.Request, answer: Answer) -> Answer:
        data = answer["data"]
        variants = [["D", *row[1:2]] if gone in row[2:3] else row for row in data["product_formats"]]
        products = [row for row in data["products"] if row[1] != gone]
        return answer | {
            "data": data | {"products": [["D", gone], ["D", unheard], *products], "product_formats": variants}
        }

    shop.change = deletes
    assert shop.run(refresh=True) == "completed"
    assert shop.product(gone)["is_visible"] is False
    assert shop.one("SELECT count(*) FROM source_item WHERE source_id = :id", id=unheard) == 0
    assert shop.one("SELECT count(*) FROM item_status WHERE source_id = :id", id=unheard) == 0
    shop.change = as_it_is
    assert shop.run(refresh=True) == "completed"
    assert shop.product(gone)["is_visible"] is True


def test_deletions_of_what_was_never_told_leave_no_trace(shop: Shop) -> None:
    shop.run()
    known = shop.one("SELECT count(*) FROM source_item")
    shop.switch(ghost_deletes=3)
    shop.edit("products", PRODUCT_IDS[0], product_price="777")
    assert shop.run() == "completed"
    assert shop.one("SELECT count(*) FROM source_item") == known
    assert shop.one("SELECT count(*) FROM item_status WHERE source_id >= 900000000") == 0


def test_tables_of_the_customers_own_are_left_out(shop: Shop) -> None:
    shop.change = lambda _asked, answer: (
        answer
        | {
            "data_schema": answer["data_schema"] | {"mat_care": ["STATUS", "ID", "REF"]},
            "data": answer["data"] | {"mat_care": [["M", 1, "wash"], ["D", "?"]]},
        }
    )
    assert shop.run() == "completed"
    assert len(shop.store()["products"]) == 12


def test_pictures_that_are_still_being_processed_are_told_of(shop: Shop) -> None:
    shop.switch(waiting_images=3)
    assert shop.run() == "completed"
    assert "3 pictures" in shop.told("pictures_pending")


def test_data_that_is_being_prepared_is_waited_for_and_says_nothing_of_what_is_gone(shop: Shop) -> None:
    shop.run()
    shop.writes()
    shop.change = lambda _asked, answer: {
        **{name: part for name, part in answer.items() if name != "data_schema_info"}, "data": {"products": []},
    }  # fmt: skip
    shop.stage.request(shop.cast, refresh=True)
    assert shop.stage.play_one() == "neighbour_unwell"
    assert shop.one("SELECT count(*) FROM source_item WHERE gone") == 0
    shop.change = as_it_is
    shop.stage.check(shop.cast)
    shop.stage.play(most=60)
    assert shop.one("SELECT state FROM run ORDER BY id DESC LIMIT 1") == "completed"
    assert shop.writes() == 0
