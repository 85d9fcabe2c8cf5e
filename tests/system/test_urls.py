"""Addresses that the profile's formats make, in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.shop import Shop, a_source

OpenShop = Callable[..., Shop]
FORMATS = {"category_url": "/c/%parent%/%categoryname%/", "product_url": "category"}


def a_small_source() -> dict[str, Any]:
    return a_source(
        categories=[(1, 0, "C1", "Home & Garden", ""), (2, 1, "C2", "Mugs", ""), (3, 1, "C3", "Own", "/my-own/")],
        products=[(301, [2], "P301", "Blue Mug", "10", "1", ""), (302, [2, 3], "P302", "Red Mug", "10", "1", "/red")],
        columns={"catalogue": ["url"], "products": ["url"]},
    )


def test_pages_have_the_addresses_of_the_formats_unless_the_source_gives_one(open_shop: OpenShop) -> None:
    shop = open_shop(a_small_source(), profile=FORMATS)
    assert shop.run().state == "completed"
    paths = {row["name"]: row["url"]["path"] for row in shop.holds["categories"]}
    assert paths == {"Home & Garden": "/c/home-garden/", "Mugs": "/c/home-garden/mugs/", "Own": "/my-own/"}
    assert shop.product("Blue Mug")["custom_url"] == {"url": "/mugs/blue-mug/", "is_customized": True}
    assert shop.product("Red Mug")["custom_url"]["url"] == "/red/"
    shop.calls()
    shop.run(refresh=True)
    assert shop.calls("^(POST|PUT|DELETE)") == []


def test_a_new_name_makes_a_new_address(open_shop: OpenShop) -> None:
    shop = open_shop(a_small_source(), profile=FORMATS)
    shop.run()
    shop.edit("products", 301, product_name="Green Mug")
    shop.run()
    assert shop.product("Green Mug")["custom_url"]["url"] == "/mugs/green-mug/"


def test_without_formats_the_store_makes_the_addresses(open_shop: OpenShop) -> None:
    shop = open_shop(a_small_source())
    shop.run()
    assert shop.product("Blue Mug")["custom_url"] == {"url": "/blue-mug/", "is_customized": False}


def test_a_format_that_is_chosen_later_waits_for_a_refresh(open_shop: OpenShop) -> None:
    shop = open_shop(a_small_source())
    shop.run()
    shop.change_profile(**FORMATS)
    assert shop.run().state == "unchanged"
    shop.run(refresh=True)
    assert shop.product("Blue Mug")["custom_url"]["url"] == "/mugs/blue-mug/"
    assert shop.category("Mugs")["url"]["path"] == "/c/home-garden/mugs/"


def test_a_product_whose_address_is_taken_is_made_with_another_and_says_so(open_shop: OpenShop) -> None:
    source = a_source(products=[(301, [1], "P301", "Mug A+B", "10", "1"), (302, [1], "P302", "Mug A&B", "10", "1")])
    shop = open_shop(source, profile={"product_url": "short"})
    assert shop.run().state == "completed"
    addresses = {shop.product(name)["custom_url"]["url"] for name in ("Mug A+B", "Mug A&B")}
    assert "/mug-a-b/" in addresses
    assert len(addresses) == 2
    codes = [shop.status("product", product)[:2] for product in (301, 302)]
    assert sorted(map(str, codes)) == ["('created', 'url_refused')", "('created', None)"]
    shop.calls()
    shop.run(refresh=True)
    assert shop.calls("^(POST|PUT|DELETE)") == []


def test_the_second_storefront_s_category_has_an_address_of_its_own(open_shop: OpenShop) -> None:
    shop = open_shop(
        a_source(products=[(301, [1], "P301", "Mug", "10", "1")]),
        storefronts=2,
        profile={"category_url": "short", "storefronts": [{"storefront": 1}, {"storefront": 2}]},
    )
    assert shop.run().state == "completed"
    assert sorted(row["url"]["path"] for row in shop.holds["categories"]) == ["/root-2/", "/root/"]
