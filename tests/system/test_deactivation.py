"""What is gone at the source is disabled in the store, never deleted; what was removed in the store is made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.bigcommerce import categories, defaults, products, variants
from sandbox.saleslayer.switches import Fault, Switches
from tests.playing import Shop, a_catalogue

Open = Callable[..., Shop]
GOODS = ("catalogue", 2), ("products", 302), ("product_formats", 9002)


def catalogue() -> dict[str, Any]:
    """Two categories, two products with two variants each; the second of all is to go."""
    of_product = {"price": 1, "weight": 1, "is_visible": ""}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, "name": "Cups"}, {"ID": 2, "ID_PARENT": 1, "name": "Mugs"}],
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
    made = open_playing(catalogue())
    assert made.run() == "completed"
    return made


def enabled(shop: Shop) -> dict[str, bool]:
    """Whether shoppers see the second category, see the second product, can buy the second variant."""
    return {
        "category": shop.categories()["1 Cups/Mugs"]["is_visible"],
        "product": shop.products()["MUG"]["is_visible"],
        "variant": not shop.variants()["V2"]["purchasing_disabled"],
    }


NONE = dict.fromkeys(("category", "product", "variant"), False)
ALL = dict.fromkeys(("category", "product", "variant"), True)


@pytest.mark.parametrize("how", ["hide", "delete"])
def test_what_is_hidden_or_deleted_at_the_source_is_disabled_and_comes_back(shop: Shop, how: str) -> None:
    source = shop.stage.sources
    values = {at: source.item(shop.cast.code, *at)["values"] for at in GOODS} if how == "delete" else {}
    counts = {kind: len(shop.snapshot()[kind]) for kind in ("categories", "products")}
    for table, source_id in GOODS:
        getattr(source, how)(shop.cast.code, table, source_id)
    assert shop.run() == "completed"
    assert enabled(shop) == NONE
    assert {kind: len(shop.snapshot()[kind]) for kind in counts} == counts, "nothing is deleted"
    for kind, source_id in (("category", 2), ("product", 302), ("variant", 9002)):
        assert shop.status(kind, source_id)[0] == "disabled"
    shop.run(refresh=True)
    assert shop.writes() == [], "once disabled, it is left"
    for table, source_id in GOODS:
        if how == "hide":
            source.show(shop.cast.code, table, source_id)
        else:
            source.add(shop.cast.code, table, {**values[table, source_id], "ID": source_id})
    assert shop.run() == "completed"
    assert enabled(shop) == ALL
    assert shop.products()["MUG"]["name"] == "Mug"
    assert {kind: len(shop.snapshot()[kind]) for kind in counts} == counts, "nothing is made twice"


def test_what_was_never_synchronised_is_left_alone(open_playing: Open) -> None:
    shop = open_playing(catalogue())
    for name, sku in (("Mug", "MUG"), ("Others", "OTHERS")):
        row = {**defaults.PRODUCT, "name": name, "sku": sku, "price": 3, "weight": 1, "type": "physical"}
        stamps = {"date_created": "", "date_modified": "", "base_variant_id": None, "found_from": 0}
        shop.store.products.add({**row, **stamps, "custom_url": {"url": f"/{sku}/", "is_customized": False}})
    shop.store.journal.keep()
    shop.stage.sources.hide(shop.cast.code, "products", 302)
    shop.run()
    shop.stage.sources.delete(shop.cast.code, "products", 302)
    shop.run(refresh=True)
    held = shop.products()
    assert [(held[sku]["is_visible"], held[sku]["price"]) for sku in ("MUG", "OTHERS")] == [(True, 3)] * 2


def test_a_product_that_is_hidden_by_its_field_is_created_hidden_and_shown_when_the_source_says_so(
    open_playing: Open,
) -> None:
    shop = open_playing(catalogue())
    shop.edit("products", 302, is_visible="no")
    shop.run()
    assert shop.products()["MUG"]["is_visible"] is False
    assert shop.status("product", 302)[0] == "created"
    shop.edit("products", 302, is_visible="yes")
    shop.run()
    assert shop.products()["MUG"]["is_visible"] is True
    shop.edit("products", 302, is_visible="no")
    shop.run()
    assert shop.products()["MUG"]["is_visible"] is False
    assert shop.status("product", 302)[0] == "disabled"
    # Gone and back again, it stays as its field says.
    shop.stage.sources.hide(shop.cast.code, "products", 302)
    shop.run()
    shop.stage.sources.show(shop.cast.code, "products", 302)
    shop.run()
    assert shop.products()["MUG"]["is_visible"] is False


def test_what_a_whole_refresh_does_not_bring_is_gone(shop: Shop) -> None:
    # The configuration changes, so the next answer is a refresh: it tells no deletions (facts §7.5).
    for table, source_id in GOODS:
        shop.stage.sources.delete(shop.cast.code, table, source_id)
    shop.stage.sources.touch_config(shop.cast.code)
    shop.run()
    assert enabled(shop) == NONE


def test_a_refresh_of_which_a_page_fails_disables_nothing(shop: Shop) -> None:
    for table, source_id in GOODS:
        shop.stage.sources.delete(shop.cast.code, table, source_id)
    shop.stage.sources.touch_config(shop.cast.code)
    failing = Switches(page_rows=2, faults=(Fault("html", page=2, times=None),))
    shop.stage.sources.set_switches(shop.cast.code, failing)
    assert shop.run() == "failed"
    assert enabled(shop) == ALL, "not all pages have arrived"
    shop.stage.sources.set_switches(shop.cast.code, Switches(page_rows=2))
    assert shop.run() == "completed"
    assert enabled(shop) == NONE


def test_rows_that_say_deleted_of_what_was_never_known_are_ignored(shop: Shop) -> None:
    state = shop.stage.sources
    state.set_switches(shop.cast.code, Switches(ghost_deletes=3))
    new = state.add(shop.cast.code, "products", {"ID_catalogue": [1], "name": "Short-lived", "sku": "SL",
                                                "price": 1, "weight": 1})  # fmt: skip
    state.delete(shop.cast.code, "products", new)
    shop.edit("products", 301, price=2)
    assert shop.run() == "completed"
    assert enabled(shop) == ALL
    assert "SL" not in shop.products()


def removed(shop: Shop, kind: str) -> None:
    """A merchant removes the second item of the kind in the store."""
    store = shop.store
    match kind:
        case "category":
            row = store.categories.get(shop.categories()["1 Cups/Mugs"]["category_id"])
            assert row is not None
            categories.remove(store, row)
        case "product":
            row = store.products.get(shop.products()["MUG"]["id"])
            assert row is not None
            products.remove(store, row)
        case _:
            row = store.variants.get(shop.variants()["V2"]["id"])
            assert row is not None
            variants.remove(store, row)
    store.journal.keep()


@pytest.mark.parametrize("kind", ["category", "product", "variant"])
def test_what_a_merchant_removed_is_found_at_the_next_read_and_made_again_with_a_message(shop: Shop, kind: str) -> None:
    before = shop.snapshot()
    removed(shop, kind)
    shop.edit("products", 301, price=9)
    assert shop.run() == "completed"
    assert enabled(shop) == ALL
    assert shop.categories().keys() == {"1 Cups", "1 Cups/Mugs"}
    assert len(shop.products()["MUG"]["variants"]) == len(shop.products()["CUP"]["variants"]) == 2
    paths = {row["category_id"]: path for path, row in shop.categories().items()}
    assert {sku: {paths[one] for one in row["categories"]} for sku, row in shop.products().items()} == {
        "CUP": {"1 Cups", "1 Cups/Mugs"},
        "MUG": {"1 Cups/Mugs"},
    }
    ((code, text), *_) = shop.messages()
    assert code == "removed_in_store"
    assert kind in text
    assert len(shop.snapshot()["products"]) == len(before["products"])
    # It is linked again: what the source says of it from now on goes there.
    shop.edit("catalogue", 2, name="Big mugs")
    shop.edit("products", 302, name="Big mug")
    shop.edit("product_formats", 9002, price=6)
    assert shop.run() == "completed"
    assert "1 Cups/Big mugs" in shop.categories()
    assert shop.products()["MUG"]["name"] == "Big mug"
    assert shop.variants()["V2"]["price"] == 6
    assert len(shop.snapshot()["categories"]) == 2
    shop.run(refresh=True)
    assert shop.writes() == []


def test_a_custom_field_that_was_removed_stays_removed_until_a_forced_refresh(open_playing: Open) -> None:
    told = catalogue()
    told["data_schema"]["products"].append("Paper")
    told["data_schema_info"]["products"]["Paper"] = {"type": "string"}
    told["data"]["products"] = [[*row, "Cotton"] for row in told["data"]["products"]]
    shop = open_playing(told)
    shop.run()
    (pair,) = shop.products()["CUP"]["custom_fields"]
    row = shop.store.custom_fields.get(pair["id"])
    assert row is not None
    shop.store.custom_fields.remove(row)
    shop.edit("products", 301, price=3)
    shop.run()
    assert shop.products()["CUP"]["custom_fields"] == []
    shop.run(refresh=True)
    assert [(one["name"], one["value"]) for one in shop.products()["CUP"]["custom_fields"]] == [("Paper", "Cotton")]
    assert [code for code, _ in shop.messages()] == ["parts_restored"]
    # One that the source changes is made again too.
    (pair,) = shop.products()["CUP"]["custom_fields"]
    row = shop.store.custom_fields.get(pair["id"])
    assert row is not None
    shop.store.custom_fields.remove(row)
    shop.edit("products", 301, Paper="Silk")
    assert shop.run() == "completed"
    assert [one["value"] for one in shop.products()["CUP"]["custom_fields"]] == ["Silk"]


def test_a_whole_tree_that_was_removed_is_made_again_with_its_products_in_it(shop: Shop) -> None:
    for path in ("1 Cups/Mugs", "1 Cups"):
        row = shop.store.categories.get(shop.categories()[path]["category_id"])
        assert row is not None
        categories.remove(shop.store, row)
    shop.store.journal.keep()
    shop.edit("product_formats", 9001, price=7)
    assert shop.run() == "completed"
    paths = {row["category_id"]: path for path, row in shop.categories().items()}
    assert set(paths.values()) == {"1 Cups", "1 Cups/Mugs"}
    assert {paths[one] for one in shop.products()["MUG"]["categories"]} == {"1 Cups/Mugs"}
    assert [code for code, _ in shop.messages()] == ["removed_in_store"]
