"""A change that is sent three times without an answer is left alone, the run goes on, and somebody lets it out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.bigcommerce.faults import Fault
from tests.playing import Shop, a_catalogue
from worker.ledger import source_items
from worker.ledger.session import as_tenant
from worker.settings import Settings


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    names = ("Cup", "Mug", "Jar")
    one = Shop(
        config,
        a_catalogue(
            [{"ID": 1, "ID_PARENT": 0, "name": "Cups"}],
            [
                {"ID": 301 + at, "ID_catalogue": 1, "name": name, "sku": f"C-{at}", "price": "9", "weight": "1"}
                for at, name in enumerate(names)
            ],
        ),
    )
    yield one
    one.stage.close()


def retry(shop: Shop, code: str | None = None) -> int:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return source_items.retry(session, shop.cast.connector_id, code)


def posts(shop: Shop) -> int:
    return shop.writes().count("POST /v3/catalog/products")


def test_what_gets_no_answer_three_times_is_quarantined_and_the_run_ends(shop: Shop) -> None:
    fault = shop.store.faults.add(Fault("drop_before", "POST", r"/catalog/products$"))
    assert shop.run() == "completed_with_errors"
    assert fault.fired == 9
    assert shop.products() == {}
    outcome, codes, message = shop.status("product", 301)
    assert (outcome, codes) == ("failed", ["quarantined"])
    assert message

    # Nobody hammers the store with it: the next run leaves it alone.
    shop.store.faults.clear()
    assert shop.run() == "unchanged"
    assert shop.products() == {}

    assert retry(shop, "name_taken") == 0
    assert retry(shop, "quarantined") == 3
    assert shop.run() == "completed"
    assert sorted(shop.products()) == ["C-0", "C-1", "C-2"]
    assert retry(shop) == 0


def test_what_the_store_had_made_all_the_same_is_adopted_when_it_is_let_out(shop: Shop) -> None:
    """The products were made without an answer, and the store's search does not know them yet."""
    shop.switch(filter_lag=1_000_000)
    shop.store.faults.add(Fault("drop_after_commit", "POST", r"/catalog/products$"))
    assert shop.run() == "completed_with_errors"
    made = {sku: row["id"] for sku, row in shop.products().items()}
    assert sorted(made) == ["C-0", "C-1", "C-2"]
    shop.store.faults.clear()
    assert retry(shop) == 3
    assert shop.run() == "completed"
    assert {sku: row["id"] for sku, row in shop.products().items()} == made
    assert posts(shop) == 0


def test_failed_items_are_sent_again_alone(shop: Shop) -> None:
    shop.run()
    shop.edit("products", 301, price="10")
    shop.edit("products", 302, price="11")
    shop.store.faults.add(Fault("status_before", "PUT", r"/catalog/products", status=422))
    assert shop.run() == "completed_with_errors"
    assert shop.status("product", 302)[0] == "failed"
    shop.store.faults.clear()
    assert shop.run() == "unchanged"
    assert retry(shop) == 2
    assert shop.run() == "completed"
    assert {row["name"]: row["price"] for row in shop.products().values()} == {"Cup": 10, "Mug": 11, "Jar": 9}
    assert shop.status("product", 301) == ("updated", [], "")
