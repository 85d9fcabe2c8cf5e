"""Stock: set where it is mapped and nowhere else, by the inventory API, alone; and proved where it was given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.faults import Fault
from sandbox.stage.dying import Fate
from tests.system.shirts import Shop, product, variant
from worker.settings import Settings

ADJUST = "PUT /v3/inventory/adjustments"
YES = {"switches": {"overwrite_stock": True}}
Make = Callable[..., Shop]


def sizes(**stock: str) -> list[dict[str, Any]]:
    """Variants 1, 2, 3 ... in sizes of their own, with the stock of their SKU where it is said."""
    return [variant(n + 1, size=f"S{n + 1}", stock=stock.get(f"V{n + 1}", "")) for n in range(3)]


def test_a_creation_carries_its_stock_and_is_tracked_by_what_carries_it(open_shirts: Make) -> None:
    here = open_shirts(
        [product(product_stock="7"), product(302, product_stock="9"), product(303)], sizes(V1="5", V2="0")
    )
    here.run()
    assert here.calls(ADJUST) == 0
    assert here.levels() == {"V1": 5, "P302": 9}
    assert [here.product(one)["inventory_tracking"] for one in (301, 302, 303)] == ["variant", "product", "none"]


def test_a_tracking_that_is_mapped_comes_first(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="7", product_tracking_method="product")], sizes(V1="5"))
    here.run()
    assert here.product()["inventory_tracking"] == "product"
    assert (here.product()["inventory_level"], here.levels()) == (7, {})


def test_a_stock_that_was_of_no_use_is_sent_when_it_is(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="7", product_tracking_method="product")], sizes(V1="5"), **YES)
    here.run()
    here.set("products", 301, product_tracking_method="variant")
    here.vary(1, REF="V1x")
    here.run()
    assert here.levels() == {"V1x": 5}


def test_a_new_stock_is_sent_alone_for_all_in_one_call_and_beside_no_other_write(open_shirts: Make) -> None:
    latency = {"latency": 0.01}
    here = open_shirts([product(), product(302, product_stock="9")], sizes(V1="5", V2="6"), store=latency, **YES)
    here.run()
    here.vary(1, stock="50")
    here.vary(2, stock="60")
    here.set("products", 302, product_stock="90")
    assert here.run() == "completed"
    assert here.levels() == {"V1": 50, "V2": 60, "P302": 90}
    assert here.log.counters()["writes"] == here.calls(ADJUST) == 1
    assert here.status("variant", 1)[0] == here.status("product", 302)[0] == "updated"
    here.vary(1, stock="51", REF="V1x")
    here.set("products", 301, product_name="Shirt of another name")
    here.set("products", 302, product_stock="91", product_price="11")
    here.run()
    assert here.levels() == {"V1x": 51, "V2": 60, "P302": 91}
    assert not any("inventory_level" in str(body) for body in here.bodies("PUT /v3/catalog"))
    assert (here.calls(ADJUST), here.log.counters()["crowded"]) == (1, 0)


def test_what_was_sent_is_not_sent_again(open_shirts: Make) -> None:
    here = open_shirts([product()], sizes(V1="5"), **YES)
    here.run()
    here.vary(1, stock="50")
    here.run()
    here.run(refresh=True)
    assert here.log.counters()["writes"] == 0


def test_by_default_a_stock_goes_only_with_a_creation_but_its_tracking_goes_on(open_shirts: Make) -> None:
    here = open_shirts([product(302, product_stock="9", tracking_method="product", inventory_warning_level="1")])
    here.run()
    here.set("products", 302, product_stock="90", tracking_method="none", inventory_warning_level="3")
    here.run()
    held = here.product(302)
    assert (held["inventory_level"], held["inventory_tracking"], held["inventory_warning_level"]) == (9, "none", 3)
    assert here.calls(ADJUST) == 0


def test_a_stock_that_is_not_mapped_is_nobody_s_business(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S"), variant(2, size="M")], **YES)
    here.run()
    here.track("variant")
    here.stocks(1, V1=5)
    here.vary(1, REF="V1x")
    here.set("products", 301, product_price="12")
    here.run()
    assert (here.levels(), here.calls(ADJUST)) == ({"V1x": 5}, 0)


def test_an_empty_stock_leaves_the_store_s(open_shirts: Make) -> None:
    here = open_shirts([product()], sizes(V1="5", V2="6"), **YES)
    here.run()
    here.vary(1, stock="")
    here.vary(2, stock="0")
    assert here.run() == "completed"
    assert here.levels() == {"V1": 5}


def test_a_stock_that_the_store_left_out_of_a_creation_follows(open_shirts: Make) -> None:
    here = open_shirts([product(302, product_stock="9"), product()], sizes(V1="5"))
    store = here.stage.stores.store(here.cast.store_hash)
    store.faults.add(Fault("partial", method="POST", what="inventory"))
    assert here.run() == "completed"
    # A product's own part is left out by the fault, its variants' is not.
    assert here.levels() == {"V1": 5, "P302": 9}
    assert here.status("product", 302)[:2] == ("created", None)
    here.stage.sources.add(here.cast.code, "product_formats", variant(4, size="S4", stock="7"))
    here.run()
    assert here.levels() == {"V1": 5, "P302": 9, "V4": 7}
    assert here.status("variant", 4)[:2] == ("created", None)


def test_stock_that_the_profile_clears_goes_to_nothing_and_the_brake_counts_it(open_shirts: Make) -> None:
    clears = {"empty_values": {"variant": {"inventory_level": "clear"}}, "brake": 0.5, **YES}
    here = open_shirts([product()], [variant(n, size=f"S{n}", stock="7") for n in range(1, 21)], **clears)
    here.run()
    for n in range(1, 10):
        here.vary(n, stock="")
    assert here.run() == "completed"
    left = {f"V{n}": 7 for n in range(10, 21)}
    assert here.levels() == left
    for n in range(10, 21):
        here.vary(n, stock="")
    assert here.run() == "awaiting_approval"
    assert here.levels() == left


def test_at_the_first_link_a_stock_that_coincides_is_not_sent(open_shirts: Make) -> None:
    here = open_shirts([product()], sizes(V1="5", V2="6"), **YES)
    body = {"name": "Shirt 301", "type": "physical", "price": 10, "weight": 1, "sku": "P301"}
    held = [
        {"sku": f"V{n}", "inventory_level": level, "option_values": [{"option_display_name": "size", "label": f"S{n}"}]}
        for n, level in ((1, 5), (2, 7))
    ]
    tracked = {**body, "inventory_tracking": "variant", "variants": held}
    here.merchant.post("/catalog/products", json=tracked).raise_for_status()
    here.run()
    assert here.levels() == {"V1": 5, "V2": 6}
    assert [len(body["items"]) for body in here.bodies(ADJUST)] == [1]


def test_a_refused_stock_is_told_of_its_item_alone(open_shirts: Make) -> None:
    many = [product(300 + n, product_stock="1") for n in range(1, 20)]
    here = open_shirts(many, **YES)
    here.run()

    def another_hand(request: httpx.Request) -> None:
        """Since this run read the store, one of them is tracked otherwise."""
        if request.url.path.endswith("/adjustments/absolute"):
            here.intercepts = lambda _: None
            here.track("variant", 307)

    here.intercepts = another_hand
    for n in range(1, 20):
        here.set("products", 300 + n, product_stock="2")
    here.set("products", 308, product_price="11")
    assert here.run() == "completed_with_errors"
    outcome, code, message = here.status("product", 307)
    assert (outcome, code) == ("failed", "stock_refused")
    assert "tracked by variant" in message
    assert here.levels() == {f"P{300 + n}": 2 if n != 7 else 1 for n in range(1, 20)}
    assert here.calls(ADJUST) <= 11
    assert here.log.counters()["crowded"] == 0


def test_what_else_was_sent_of_an_item_counts_beside_a_refused_stock(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="1")], stock_location=8, **YES)
    here.run()
    outcome, code, message = here.status("product", 301)
    assert (outcome, code) == ("created", "stock_refused")
    assert "Location with id 8" in message


def test_variants_of_a_product_that_the_store_tracks_as_a_whole_are_told_so_without_a_call(open_shirts: Make) -> None:
    here = open_shirts([product()], sizes(V1="5"), **YES)
    here.run()
    here.track("product")
    here.vary(1, stock="6")
    here.run()
    assert here.calls(ADJUST) == 0
    assert here.status("variant", 1)[:2] == ("failed", "stock_not_tracked")
    here.set("products", 301, product_price="12")
    here.run()
    assert here.product()["inventory_tracking"] == "product", "not mapped, so not touched"


def test_a_product_without_variants_that_is_tracked_by_variant_is_called_by_its_sku(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="1")], **YES)
    here.run()
    here.track("variant")
    here.set("products", 301, product_stock="4")
    assert here.run() == "completed"
    assert here.levels() == {"P301": 4}
    assert here.bodies(ADJUST)[0]["items"] == [{"location_id": 1, "sku": "P301", "quantity": 4}]


def test_a_product_with_variants_has_a_stock_of_its_own_only_where_it_is_tracked_as_a_whole(open_shirts: Make) -> None:
    here = open_shirts([product(product_stock="1")], sizes(), **YES)
    here.run()
    assert here.product()["inventory_tracking"] == "product"
    here.set("products", 301, product_stock="4")
    here.run()
    assert here.product()["inventory_level"] == 4
    here.track("variant")
    here.set("products", 301, product_stock="5")
    assert here.run() == "completed"
    assert (here.product()["inventory_level"], here.calls(ADJUST)) == (4, 0)
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


def test_stock_at_another_location_follows_the_creation_and_leaves_the_default_one(open_shirts: Make) -> None:
    here = open_shirts([product(302, product_stock="9"), product()], sizes(V1="5", V2="6"), stock_location=2)
    assert here.add_location() == 2
    here.run()
    assert (here.levels(1), here.levels(2)) == ({}, {"P302": 9, "V1": 5, "V2": 6})
    assert here.calls(ADJUST) == 1
    assert here.status("variant", 1)[:2] == ("created", None)
    here.stage.sources.add(here.cast.code, "product_formats", variant(4, size="S4", stock="7"))
    here.run()
    assert here.levels(2) == {"P302": 9, "V1": 5, "V2": 6, "V4": 7}


def test_more_figures_than_a_call_takes_go_in_several_one_after_the_other(open_shirts: Make) -> None:
    products = [product(400 + n) for n in range(9)]
    variants = [variant(n, 400 + n // 250, size=f"S{n}", stock="1") for n in range(1, 2101)]
    here = open_shirts(products, variants, store={"latency": 0.001}, **YES)
    here.run()
    for n in range(1, 2101):
        here.vary(n, stock="2")
    assert here.run() == "completed"
    assert sorted(len(body["items"]) for body in here.bodies(ADJUST)) == [100, 2000]
    assert set(here.levels().values()) == {2}
    assert (len(here.levels()), here.log.counters()["crowded"]) == (2100, 0)


# What a rebuilt variant had ---------------------------------------------------------------------------------------


def split(**columns: Any) -> list[dict[str, Any]]:
    """Two variants that share a size, so that one of them cannot take its label along."""
    return [variant(1, size="S", fit="Slim", **columns), variant(2, size="S", fit="Wide", **columns)]


def counted(open_shirts: Make, *, lag: float = 0.0, **settings: Any) -> tuple[Shop, int]:
    """A shop where somebody else counts stock at two locations; its stock can be read so many seconds later."""
    here = open_shirts([product()], split(), store={"switches": {"inventory_lag": 0}}, **settings)
    here.run()
    here.track("variant")
    warehouse = here.add_location()
    here.stocks(1, V1=11, V2=22)
    here.stocks(warehouse, V1=3)
    here.stage.stores.open(
        here.cast.store_hash, token=here.merchant.headers["X-Auth-Token"], switches={"inventory_lag": lag}
    )
    here.vary(1, size="XS")
    return here, warehouse


def test_a_rebuilt_variant_has_its_stock_at_every_location_again(open_shirts: Make) -> None:
    here, warehouse = counted(open_shirts)
    assert here.run() == "completed"
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11, "V2": 22}, {"V1": 3})
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("updated", "rebuilt")
    assert "stock 11 at location 1, 3 at location 2" in message
    assert here.log.counters()["crowded"] == 0


def test_stock_that_is_read_late_is_proved_at_the_run_s_end(open_shirts: Make) -> None:
    here, warehouse = counted(open_shirts, lag=0.3)
    assert here.run() == "completed"
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11, "V2": 22}, {"V1": 3})
    assert here.status("variant", 1)[:2] == ("updated", "rebuilt")
    assert here.pending() == []


def test_stock_that_never_comes_back_is_lost_and_both_figures_are_named(open_shirts: Make) -> None:
    here, warehouse = counted(open_shirts, lag=1e6)
    assert here.run() == "completed_with_errors"
    assert here.levels(warehouse) == {}
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("failed", "stock_lost")
    assert "3 at location 2, where the store says 0" in message


def test_stock_that_somebody_sold_meanwhile_is_left_as_it_is(open_shirts: Make) -> None:
    here, warehouse = counted(open_shirts)

    def sold(request: httpx.Request) -> None:
        is_made = request.url.path.endswith("/inventory/items") and here.labels()["V1"] == "Slim/XS"
        if is_made and "V1" in here.levels(warehouse):
            here.intercepts = lambda _: None
            here.stocks(warehouse, V1=2)

    here.intercepts = sold
    assert here.run() == "completed"
    assert here.levels(warehouse) == {"V1": 2}
    assert "2 by now at location 2" in here.status("variant", 1)[2]


def test_an_unproven_stock_stands_until_the_next_run_has_proved_it(open_shirts: Make) -> None:
    here, warehouse = counted(open_shirts)
    # The store's door is shut from the moment when the stock is to be given back.
    here.intercepts = lambda request: (
        httpx.Response(401, text="Unauthorized", request=request)
        if request.url.path.endswith("/adjustments/absolute")
        else None
    )
    assert here.run() == "failed"
    assert sorted(here.pending()) == ["prove", "show"]
    assert here.status("variant", 1)[:2] == ("updated", "stock_unproven")
    here.intercepts = lambda _: None
    here.vary(1, size="XXS")
    here.mend()
    here.run()
    assert here.levels(warehouse) == {"V1": 3}
    assert here.status("variant", 1)[:2] == ("updated", "rebuilt")
    here.run()
    assert here.labels()["V1"] == "Slim/XXS"
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11, "V2": 22}, {"V1": 3})


def test_the_source_s_stock_is_what_a_rebuilt_variant_gets_where_it_may_overwrite(open_shirts: Make) -> None:
    here = open_shirts([product()], split(stock="5"), store={"switches": {"inventory_lag": 0}}, **YES)
    here.run()
    warehouse = here.add_location()
    here.stocks(warehouse, V1=3)
    here.stocks(1, V1=4)
    here.vary(1, size="XS", stock="6")
    here.run()
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 6, "V2": 5}, {"V1": 3})


@pytest.mark.parametrize("dies_after", range(4, 64, 4))
def test_wherever_a_worker_dies_stock_is_neither_lost_nor_doubled(config: Settings, dies_after: int) -> None:
    fate = Fate()
    here, warehouse = counted(lambda *args, **settings: Shop(config, *args, fate=fate, **settings), lag=0.1)
    here.vary(2, size="S", fit="Broad")
    here.stage.request(here.cast)
    fate.new_worker(dies_after)
    here.stage.play_one()
    fate.new_worker()
    here.stage.play()
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11, "V2": 22}, {"V1": 3})
    assert here.labels() == {"V1": "Slim/XS", "V2": "Broad/S"}
    assert here.status("variant", 1)[:2] == ("updated", "rebuilt")
    assert here.pending() == []
    here.stage.close()


@pytest.mark.parametrize("dies_after", range(4, 40, 4))
def test_wherever_a_worker_dies_every_new_stock_arrives(config: Settings, dies_after: int) -> None:
    fate = Fate()
    here = Shop(config, [product(302, product_stock="1"), product()], sizes(V1="5", V2="6"), fate=fate, **YES)
    here.run()
    here.vary(1, stock="50")
    here.vary(2, stock="60", REF="V2x")
    here.set("products", 302, product_stock="90")
    here.stage.request(here.cast)
    fate.new_worker(dies_after)
    here.stage.play_one()
    fate.new_worker()
    here.stage.play()
    assert here.levels() == {"V1": 50, "V2x": 60, "P302": 90}
    here.run(refresh=True)
    assert here.log.counters()["writes"] == 0
    here.stage.close()
