"""A store that held the catalogue already: all of it is listed and found, though little had to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.playing import Shop, a_catalogue
from worker.ledger import item_counts, item_register
from worker.ledger.item_counts import Counts
from worker.ledger.item_register import Item
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]


def catalogue() -> dict[str, Any]:
    """Three categories, two products, four variants."""
    of_product = {"price": 1, "weight": 1, "is_visible": ""}
    return a_catalogue(
        [
            {"ID": 1, "ID_PARENT": 0, "name": "Cups"},
            {"ID": 2, "ID_PARENT": 1, "name": "Mugs"},
            {"ID": 3, "ID_PARENT": 1, "name": "Bowls"},
        ],
        [
            {"ID": 301, "ID_catalogue": [1, 2], "name": "Cup", "sku": "CUP", **of_product},
            {"ID": 302, "ID_catalogue": [2], "name": "Mug", "sku": "MUG", **of_product},
        ],
        [
            {"ID": 9000 + n, "ID_products": 300 + (n + 1) // 2, "sku": f"V{n}", "Size": "SM"[n % 2], "price": 5}
            for n in (1, 2, 3, 4)
        ],
    )


@pytest.fixture
def shop(open_playing: Open) -> Shop:
    """A connector whose run has found all that it has in the store."""
    made = open_playing(catalogue())
    assert made.run() == "completed"
    with as_tenant(made.stage.engine, made.cast.tenant_id) as session:
        for table in ("relation", "item_status", "item_history"):  # as a connector that is new to this store
            session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 constants
    assert made.run(refresh=True) == "completed"
    return made


def listed(shop: Shop, **wanted: Any) -> tuple[list[Item], Counts]:
    """The items that are listed, and their counts."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        found = item_register.items(session, shop.cast.connector_id, **wanted)
        counts = item_counts.counts(session, shop.cast.connector_id, **wanted)
    assert counts.total == len(found)
    assert counts.kinds == Counter(one.kind for one in found)
    return found, counts


def test_what_the_store_held_already_is_listed_searched_and_counted(shop: Shop) -> None:
    found, counts = listed(shop)
    assert [(one.kind, one.source_id) for one in found] == [
        *(("category", one) for one in (1, 2, 3)),
        *(("product", one) for one in (301, 302)),
        *(("variant", one) for one in (9001, 9002, 9003, 9004)),
    ]
    untouched = [one for one in found if one.run_id is None]
    assert Counter(one.kind for one in untouched) == {"category": 3, "variant": 4}
    assert {one.outcome for one in untouched} == {"unchanged"}
    assert counts.outcomes["unchanged"] >= len(untouched)
    for search, place in (("bowl", ("category", 3)), ("MUG", ("category", 2)), ("cup", ("category", 1))):
        assert place in [(one.kind, one.source_id) for one in listed(shop, search=search)[0]]


@pytest.mark.parametrize("how", ["hide", "delete"])
def test_the_counts_stay_true_when_items_go_and_come(shop: Shop, how: str) -> None:
    for table, source_id in (("catalogue", 3), ("products", 302), ("product_formats", 9002)):
        getattr(shop.stage.sources, how)(shop.cast.code, table, source_id)
    assert shop.run() == "completed"
    found, _ = listed(shop)
    gone = {(one.kind, one.source_id) for one in found if one.outcome == "disabled"}
    assert {("category", 3), ("product", 302), ("variant", 9002)} <= gone
    shop.edit("products", 301, price=2)
    assert shop.run() == "completed"
    again, _ = listed(shop)
    assert [one.place for one in again] == [one.place for one in found]
    shop.edit("products", 301, is_visible="no")
    assert shop.run() == "completed"
    assert [one.place for one in listed(shop)[0]] == [one.place for one in found], "hidden, and at the source still"
