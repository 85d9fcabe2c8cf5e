"""Prices and stock that may not be overwritten: told of what is new, and kept by the store after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests import playing
from tests.playing import a_catalogue, photo
from tests.system.shirts import Shop, product, variant

Make = Callable[..., Shop]
Open = Callable[..., playing.Shop]
NO_PRICES = {"switches": {"overwrite_prices": False}}


def priced(source_id: int, size: str, fit: str, **cells: Any) -> dict[str, Any]:
    """A variant with a price and a stock."""
    return {**variant(source_id, size=size, fit=fit, format_price="20", stock="5"), **cells}


def split() -> list[dict[str, Any]]:
    """Two variants of one size, so that neither can take it along."""
    return [priced(1, "S", "Slim"), priced(2, "S", "Wide")]


def merchant_s(here: Shop, sku: str, **fields: Any) -> None:
    """The merchant writes a variant's fields in the store."""
    path = f"/catalog/products/{here.product()['id']}/variants/{here.ids()[sku]}"
    here.merchant.put(path, json=fields).raise_for_status()


def test_prices_that_may_not_be_overwritten_go_with_a_creation_alone(open_shirts: Make) -> None:
    here = open_shirts([product(product_cost_price="6")], split(), **NO_PRICES)
    assert here.run() == "completed"
    assert (here.product()["price"], here.product()["cost_price"], here.variants()["V1"]["price"]) == (10, 6, 20)
    here.set("products", 301, product_price="11", product_cost_price="7", product_name="Shirt of another name")
    here.vary(1, format_price="21", REF="V1x")
    here.stage.sources.add(here.cast.code, "product_formats", priced(3, "M", "Slim", format_price="30"))
    assert here.run() == "completed"
    held = here.product()
    assert (held["name"], held["price"], held["cost_price"]) == ("Shirt of another name", 10, 6)
    assert {sku: one["price"] for sku, one in here.variants().items()} == {"V1x": 20, "V2": 20, "V3": 30}
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


def test_prices_and_stock_of_what_the_store_held_before_are_left_at_the_first_link(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="7", description="Ours")], split(), **NO_PRICES)
    theirs: dict[str, Any] = {"name": "Shirt 301", "type": "physical", "price": 99, "weight": 1, "sku": "P301"}
    theirs |= {"inventory_tracking": "variant", "description": "Theirs"}
    theirs["variants"] = [
        {"sku": sku, "price": 88, "inventory_level": 3, "option_values": [
            {"option_display_name": "size", "label": "S"}, {"option_display_name": "fit", "label": fit}
        ]}
        for sku, fit in (("V1", "Slim"), ("V2", "Wide"))
    ]  # fmt: skip
    here.merchant.post("/catalog/products", json=theirs).raise_for_status()
    assert here.run() == "completed"
    assert (here.product()["description"], here.product()["price"]) == ("Ours", 99)
    assert [one["price"] for one in here.variants().values()] == [88, 88]
    assert here.levels() == {"V1": 3, "V2": 3}


def test_a_rebuilt_variant_keeps_the_price_that_may_not_be_overwritten(open_shirts: Make) -> None:
    here = open_shirts([product()], split(), **NO_PRICES)
    here.run()
    merchant_s(here, "V1", price=13.5, sale_price=12)
    here.vary(1, size="XS", format_price="25")
    assert here.run() == "completed"
    assert here.labels() == {"V1": "Slim/XS", "V2": "Wide/S"}
    assert (here.variants()["V1"]["price"], here.variants()["V1"]["sale_price"]) == (13.5, 12)
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


def test_a_rebuilt_variant_keeps_the_stock_that_may_not_be_overwritten(open_shirts: Make) -> None:
    here = open_shirts([product()], split(), store={"switches": {"inventory_lag": 0}})
    here.run()
    here.stocks(1, V1=11)
    here.vary(1, size="XS", stock="6")
    assert here.run() == "completed"
    assert here.levels() == {"V1": 11, "V2": 5}


def test_what_was_held_back_of_a_rebuilt_variant_goes_out_when_it_may(open_shirts: Make) -> None:
    here = open_shirts([product()], split(), store={"switches": {"inventory_lag": 0}}, **NO_PRICES)
    here.run()
    here.vary(1, size="XS", format_price="25", stock="6")
    here.run()
    here.change_profile(switches={"overwrite_prices": True, "overwrite_stock": True})
    assert here.run(refresh=True) == "completed"
    assert here.variants()["V1"]["price"] == 25
    assert here.levels() == {"V1": 6, "V2": 5}


def test_a_price_that_the_source_empties_in_the_same_breath_as_an_option_is_empty(open_shirts: Make) -> None:
    here = open_shirts([product()], split())
    here.run()
    merchant_s(here, "V1", retail_price=30)
    here.vary(1, size="XS", format_price="")
    assert here.run() == "completed"
    held = here.variants()["V1"]
    assert (here.labels()["V1"], held["price"], held["retail_price"]) == ("Slim/XS", None, 30)


def test_a_picture_that_the_source_takes_away_in_the_same_breath_as_an_option_is_gone(open_playing: Open) -> None:
    rows = [
        {"ID": n, "ID_products": 301, "sku": f"V{n}", "size": "S", "fit": fit, "image": [photo(f"v{n}")]}
        for n, fit in ((1, "Slim"), (2, "Wide"))
    ]
    cup = {"ID": 301, "ID_catalogue": 1, "name": "Shirt", "sku": "P301", "price": 1, "weight": 1}
    here = open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Shirts"}], [cup], rows))
    here.run()
    here.edit("product_formats", 1, size="XS", image=[])
    here.edit("product_formats", 2, fit="Loose")
    assert here.run() == "completed"
    assert [here.variants()[sku]["image_url"] for sku in ("V1", "V2")] == ["", photo("v2")[2]]
    assert here.run(refresh=True) == "completed"
    assert here.writes() == []


def test_a_variant_that_comes_back_with_another_option_can_be_bought_again(open_shirts: Make) -> None:
    here = open_shirts([product()], [*split(), priced(3, "M", "Slim")])
    here.run()
    here.remove("product_formats", 1)
    here.run()
    assert here.variants()["V1"]["purchasing_disabled"]
    here.stage.sources.add(here.cast.code, "product_formats", priced(1, "XS", "Slim"))
    assert here.run() == "completed"
    assert here.labels()["V1"] == "Slim/XS"
    assert not here.variants()["V1"]["purchasing_disabled"]


def test_a_variant_that_comes_back_under_another_label_can_be_bought_again(open_shirts: Make) -> None:
    here = open_shirts([product()], [*split()[:1], priced(2, "M", "Slim")])
    here.run()
    here.remove("product_formats", 1)
    here.run()
    here.stage.sources.add(here.cast.code, "product_formats", priced(1, "XS", "Slim"))
    assert here.run() == "completed"
    assert here.labels()["V1"] == "Slim/XS"
    assert not here.variants()["V1"]["purchasing_disabled"]
