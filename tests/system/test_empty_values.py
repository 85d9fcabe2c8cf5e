"""What an empty cell of a mapped column does to the store: overwrite, leave alone, clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.shop import Shop, a_source
from worker.ledger.register import Entry

FULL: dict[str, Any] = {
    "warranty": "2 years",
    "cost_price": "7.5",
    "sale_price": "8",
    "condition": "Used",
    "is_featured": "yes",
    "brand": "Acme",
    "sort_order": "4",
    "meta_keywords": "a, b",
    "preorder_release_date": "2027-03-01 00:00:00",
    "stock": "9",
}
EMPTY: dict[str, Any] = dict.fromkeys(FULL, "")


def a_full_source() -> dict[str, Any]:
    return a_source(
        categories=[(1, 0, "C1", "Root", "About it")],
        products=[(301, [1], "P301", "Mug", "10", "1", *FULL.values())],
        variants=[(9001, 301, "V1", "S", "12.5", "3", "yes")],
        columns={
            "catalogue": ["description"],
            "products": list(FULL),
            "product_formats": ["format_price", "format_weight", "enabled"],
        },
    )


OpenShop = Callable[..., Shop]


def emptied(open_shop: OpenShop, **profile: Any) -> tuple[Shop, Entry]:
    """A shop after its first run with everything said, and a second one with everything empty."""
    shop = open_shop(a_full_source(), profile={"switches": {"overwrite_stock": True}, **profile})
    assert shop.run().state == "completed"
    assert shop.product("Mug")["warranty"] == "2 years"
    shop.edit("products", 301, **EMPTY)
    shop.edit("product_formats", 9001, format_price="", format_weight="", enabled="")
    shop.edit("catalogue", 1, description="")
    entry = shop.run()
    assert entry.state == "completed"
    return shop, entry


def test_by_default_empty_values_overwrite_what_can_be_empty(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop)
    product = shop.product("Mug")
    assert (product["warranty"], product["cost_price"], product["sort_order"]) == ("", 0, 0)
    assert (product["meta_keywords"], product["brand_id"], product["preorder_release_date"]) == ([], 0, None)
    assert shop.category("Root")["description"] == ""
    # The sale price and the stock are left alone; the store has no empty condition and no empty flag.
    assert (product["sale_price"], product["inventory_level"]) == (8, 9)
    assert (product["condition"], product["is_featured"]) == ("Used", True)


def test_a_variant_that_says_nothing_takes_what_its_product_has(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop)
    variant = shop.variant("V1")
    assert (variant["price"], variant["weight"], variant["purchasing_disabled"]) == (None, None, False)


def test_left_alone_nothing_is_written(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop, empty_values={"default": "leave_alone"})
    product = shop.product("Mug")
    assert (product["warranty"], product["cost_price"], product["sort_order"]) == ("2 years", 7.5, 4)
    assert (product["condition"], product["is_featured"], product["meta_keywords"]) == ("Used", True, ["a", "b"])
    assert product["brand_id"] != 0
    assert product["preorder_release_date"] is not None
    assert (shop.variant("V1")["price"], shop.variant("V1")["weight"]) == (12.5, 3)
    assert shop.category("Root")["description"] == "About it"


def test_cleared_a_field_is_as_in_a_new_item(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop, empty_values={"default": "clear", "product": {"sale_price": "clear"}})
    product = shop.product("Mug")
    assert (product["condition"], product["is_featured"], product["sale_price"]) == ("New", False, 0)
    assert (product["warranty"], product["inventory_level"]) == ("", 9)


def test_a_field_may_have_its_own_policy(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop, empty_values={"product": {"warranty": "leave_alone", "condition": "clear"}})
    product = shop.product("Mug")
    assert (product["warranty"], product["condition"], product["cost_price"]) == ("2 years", "New", 0)


def test_a_sale_price_that_is_to_be_overwritten_is_removed(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop, empty_values={"product": {"sale_price": "overwrite", "inventory_level": "clear"}})
    assert shop.product("Mug")["sale_price"] == 0


def test_the_plan_counts_the_values_that_the_store_loses(open_shop: OpenShop) -> None:
    _, entry = emptied(open_shop)
    figures = {kind: next(iter(of.values())) for kind, of in entry.counters.items()}
    # warranty, cost price, sort order, keywords, brand, date; price and weight; description
    assert (figures["product"]["to_blank"], figures["product"]["blanks"]) == (1, 6)
    assert (figures["variant"]["to_blank"], figures["variant"]["blanks"]) == (1, 2)
    assert (figures["category"]["to_blank"], figures["category"]["blanks"]) == (1, 1)


def test_once_empty_it_is_sent_no_more(open_shop: OpenShop) -> None:
    shop, _ = emptied(open_shop)
    shop.calls()
    shop.run(refresh=True)
    assert shop.calls("^(POST|PUT|DELETE)") == []
