"""A date without a time zone is one of the store's own clock, as a shop's people mean it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.playing import Shop, a_catalogue

Open = Callable[..., Shop]

EVERYTHING_BUT_INFORMATION = [
    "store_v2_products",
    "store_channel_settings",
    "store_inventory",
    "store_v2_content",
    "store_sites",
]


def a_preorder(date: str) -> dict[str, Any]:
    product = {"ID": 301, "ID_catalogue": 1, "name": "Cup", "sku": "C-1", "price": "9", "weight": "1"}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, "name": "Cups"}],
        [product | {"availability": "preorder", "preorder_release_date": date}],
    )


def released(shop: Shop) -> str:
    (product,) = shop.snapshot()["products"]
    return str(product["preorder_release_date"])


def asked_for_information(shop: Shop) -> int:
    return sum(one.route == "/v2/store" for one in shop.store.log.entries)


def test_a_date_is_read_by_the_clock_of_the_store_with_its_summer(open_playing: Open) -> None:
    shop = open_playing(a_preorder("2027-01-15 08:00:00"))
    shop.store.configure(time_zone={"name": "Europe/Madrid", "raw_offset": 3600})
    assert shop.run() == "completed"
    assert released(shop) == "2027-01-15T07:00:00+00:00"
    shop.edit("products", 301, preorder_release_date="2027-07-15 08:00:00")
    shop.run()
    assert released(shop) == "2027-07-15T06:00:00+00:00"
    shop.edit("products", 301, preorder_release_date="2027-07-15T08:00:00+00:00")
    shop.run()
    assert released(shop) == "2027-07-15T08:00:00+00:00"


def test_a_zone_without_a_known_name_counts_by_its_offset_and_a_move_is_followed(open_playing: Open) -> None:
    shop = open_playing(a_preorder("2027-01-15 08:00:00"))
    shop.store.configure(time_zone={"name": "Nowhere/At All", "raw_offset": -18_000})
    shop.run()
    assert released(shop) == "2027-01-15T13:00:00+00:00"
    shop.store.configure(time_zone={"name": "Etc/UTC", "raw_offset": 0})
    assert shop.run(refresh=True) == "completed"
    assert released(shop) == "2027-01-15T08:00:00+00:00"


def test_without_the_scope_the_run_goes_on_in_utc_and_says_so(open_playing: Open) -> None:
    shop = open_playing(a_preorder("2027-01-15 08:00:00"))
    shop.store.configure(scopes=EVERYTHING_BUT_INFORMATION)
    assert shop.run() == "completed"
    assert released(shop) == "2027-01-15T08:00:00+00:00"
    ((code, message),) = shop.messages()
    assert code == "store_time_unknown"
    assert "Information & Settings" in message


def test_nobody_asks_where_no_date_is_mapped(open_playing: Open) -> None:
    shop = open_playing(
        a_catalogue(
            [{"ID": 1, "ID_PARENT": 0, "name": "Cups"}],
            [{"ID": 301, "ID_catalogue": 1, "name": "Cup", "sku": "C-1", "price": "9", "weight": "1"}],
        )
    )
    shop.run()
    assert asked_for_information(shop) == 0
    assert shop.messages() == []
