"""What no page documents is found out: a store that takes fewer in a call gets fewer from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text

from tests.shop import Shop, a_source
from worker.ledger.session import as_tenant

OpenShop = Callable[..., Shop]

CATEGORIES, ASSIGNMENTS = "/v3/catalog/trees/categories", "/v3/catalog/products/channel-assignments"
BOTH = {"storefronts": [{"storefront": 1}, {"storefront": 2}]}
UNDER_THE_ROOT = range(2, 62)


def opened(open_shop: OpenShop, *, urls: bool = True, products: int = 0, **switches: Any) -> Shop:
    """A shop with 60 categories under a root, and with products that stand in the first of them."""
    rows = [(1, 0, "C1", "Root", "root"), *((n, 1, f"C{n}", f"Under {n}", f"under-{n}") for n in UNDER_THE_ROOT)]
    source = a_source(
        categories=[row if urls else (*row[:4], "") for row in rows],
        products=[(300 + n, [2], f"P{n}", f"Mug {n}", "10", "1") for n in range(products)],
        columns={"catalogue": ["url"]},
    )
    store = {"switches": switches} if switches else {}
    return open_shop(source, storefronts=2 if products else 1, profile=BOTH if products else {}, store=store)


def sizes(shop: Shop, method: str, path: str, mark: bytes) -> list[tuple[int, int]]:
    """(items, status) of each such call since the last look; `mark` is what each item's body holds once."""
    log = shop.stage.stores.store(shop.cast.store_hash).log
    told = [
        ((one.body or b"").count(mark), one.status) for one in log.entries if (one.method, one.path) == (method, path)
    ]
    log.clear()
    return told


def learnt(shop: Shop) -> Mapping[str, int]:
    """What is remembered of the store."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        found = session.scalar(text("SELECT store_facts -> 'portions' FROM connector"))
    return dict(found or {})


def test_categories_that_carry_their_url_go_fifty_in_a_call_when_they_are_made_and_when_they_are_changed(
    open_shop: OpenShop,
) -> None:
    shop = opened(open_shop)
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "POST", CATEGORIES, b'"name"')) == [(1, 201), (10, 201), (50, 201)]
    for number in UNDER_THE_ROOT:
        shop.edit("catalogue", number, section_name=f"Renamed {number}")
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "PUT", CATEGORIES, b'"category_id"')) == [(10, 200), (50, 200)]
    rows = shop.stage.stores.snapshot(shop.cast.store_hash)["categories"]
    assert {(row["name"], row["url"]["path"]) for row in rows} >= {(f"Renamed {n}", f"/under-{n}/") for n in (2, 61)}
    assert learnt(shop) == {}


def test_a_url_that_somebody_chose_in_the_store_is_left_alone(open_shop: OpenShop) -> None:
    shop = opened(open_shop)
    shop.run()
    store = shop.stage.stores.store(shop.cast.store_hash)
    for row in list(store.categories):
        if row["name"] in {"Under 5", "Under 9"}:
            store.categories.change(row, {"url": {"path": f"/by-hand-{row['name'][-1]}/", "is_customized": True}})
    sizes(shop, "PUT", CATEGORIES, b"")
    for number in UNDER_THE_ROOT:
        shop.edit("catalogue", number, section_name=f"Renamed {number}")
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "PUT", CATEGORIES, b'"category_id"')) == [(10, 200), (50, 200)], (
        "the two go last, with few"
    )
    rows = shop.stage.stores.snapshot(shop.cast.store_hash)["categories"]
    held = {row["name"]: row["url"]["path"] for row in rows}
    assert (held["Renamed 5"], held["Renamed 9"], held["Renamed 8"]) == ("/by-hand-5/", "/by-hand-9/", "/under-8/")


def test_categories_without_a_url_go_ten_in_a_call(open_shop: OpenShop) -> None:
    shop = opened(open_shop, urls=False)
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "POST", CATEGORIES, b'"name"')) == [(1, 201), *[(10, 201)] * 6]
    for number in UNDER_THE_ROOT:
        shop.edit("catalogue", number, section_name=f"Renamed {number}")
    assert shop.run().state == "completed"
    assert sizes(shop, "PUT", CATEGORIES, b'"category_id"') == [(10, 200)] * 6


def test_a_store_that_takes_fewer_categories_gets_half_as_many_for_good(open_shop: OpenShop) -> None:
    shop = opened(open_shop, most_categories=30)
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "POST", CATEGORIES, b'"name"')) == [(1, 201), (10, 201), (25, 201), (25, 201), (50, 413)]
    assert learnt(shop) == {"categories": 25}
    for number in UNDER_THE_ROOT:
        shop.edit("catalogue", number, section_name=f"Renamed {number}")
    assert shop.run().state == "completed"
    assert sorted(sizes(shop, "PUT", CATEGORIES, b'"category_id"')) == [(10, 200), (25, 200), (25, 200)]


def test_a_store_that_takes_fewer_assignments_gets_half_as_many_for_good(open_shop: OpenShop) -> None:
    shop = opened(open_shop, products=150, most_assignments=200)
    assert shop.run().state == "completed"
    first = sizes(shop, "PUT", ASSIGNMENTS, b'"product_id"')
    assert [size for size, status in first if status == 413] == [300], "asked once"
    assert sum(size for size, status in first if status == 204) == 300
    assert learnt(shop) == {"assignments": 150}
