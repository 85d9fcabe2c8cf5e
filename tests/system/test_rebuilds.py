"""Variants made anew: with all that they had, whatever happens meanwhile, and as few of them as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.faults import Fault
from sandbox.stage.dying import Fate
from tests.system.shirts import Shop, in_sizes, option, product, variant
from worker.ledger import runs
from worker.ledger.session import as_tenant
from worker.settings import Settings

Make = Callable[..., Shop]
PICTURE = "https://merchant.example/own.jpg"


def crossed() -> list[dict[str, Any]]:
    """Two fits of two sizes each: one variant alone cannot take its size along."""
    return [
        variant(n, size=size, fit=fit)
        for n, (size, fit) in enumerate([("S", "Slim"), ("S", "Wide"), ("M", "Slim"), ("M", "Wide")], 1)
    ]


OWN_FIELDS = {
    "price": 13.5,
    "sale_price": 12.25,
    "retail_price": 15,
    "cost_price": 7,
    "map_price": 11,
    "weight": 2.5,
    "width": 3,
    "height": 4,
    "depth": 5,
    "fixed_cost_shipping_price": 6,
    "is_free_shipping": True,
    "purchasing_disabled": True,
    "purchasing_disabled_message": "soon",
    "bin_picking_number": "bin 7",
    "upc": "012345678905",
    "gtin": "00012345678905",
    "mpn": "M-1",
    "image_url": PICTURE,
    "inventory_warning_level": 2,
}
"""Every field of a variant that can be written (API facts §4.2), but for its SKU, its options and its stock."""


def with_own_hands(here: Shop, sku: str = "V1") -> tuple[int, list[dict[str, Any]]]:
    """The merchant fills all that Sales Layer does not manage; the location of the warehouse, and the metafields."""
    here.track("variant")
    warehouse = here.add_location()
    held = here.variants()[sku]
    path = f"/catalog/products/{here.product()['id']}/variants/{held['id']}"
    here.merchant.put(path, json=OWN_FIELDS).raise_for_status()
    here.stocks(1, **{sku: 11})
    here.stocks(warehouse, **{sku: 3})
    fields = [
        {"permission_set": "app_only", "namespace": "erp", "key": "code", "value": "A-1"},
        {"permission_set": "read", "namespace": "erp", "key": "note", "value": "x" * 300, "description": "a note"},
    ]
    for one in fields:
        here.merchant.post(f"{path}/metafields", json=one).raise_for_status()
    return warehouse, fields


def with_other_prices(here: Shop, sku: str = "V1") -> dict[str, Any]:
    """The merchant puts the variant on a price list and says how it is kept in the warehouse; the record."""
    record = {"variant_id": here.ids()[sku], "currency": "EUR", "price": 9.5, "sale_price": 8}
    tiers = {"bulk_pricing_tiers": [{"quantity_min": 5, "quantity_max": 0, "type": "fixed", "amount": 7}]}
    here.merchant.post("/pricelists", json={"name": "Wholesale"}).raise_for_status()
    here.merchant.put("/pricelists/7/records", json=[{**record, **tiers}]).raise_for_status()
    place = {"identity": {"variant_id": here.ids()[sku]}, "safety_stock": 2, "bin_picking_number": "W-9"}
    here.merchant.put("/inventory/locations/2/items", json={"settings": [place]}).raise_for_status()
    return {name: value for name, value in {**record, **tiers}.items() if name != "variant_id"}


def other_prices(here: Shop, sku: str = "V1") -> list[dict[str, Any]]:
    """The variant's records in price lists, as they can be written."""
    rows = here.merchant.get("/pricelists/7/records").json()["data"]
    names = ("currency", "price", "sale_price", "bulk_pricing_tiers")
    return [{name: row[name] for name in names} for row in rows if row["variant_id"] == here.ids()[sku]]


def in_the_warehouse(here: Shop, sku: str = "V1") -> tuple[int, str]:
    """Safety stock and bin of the variant at location 2."""
    rows = here.merchant.get("/inventory/locations/2/items", params={"sku:in": sku}).json()["data"]
    found = next(row for row in rows if row["identity"]["sku"] == sku)
    return found["settings"]["safety_stock"], found["settings"]["bin_picking_number"]


def metafields(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A variant's metafields, as they can be written."""
    names = ("permission_set", "namespace", "key", "value", "description")
    return [{name: one[name] for name in names if one.get(name)} for one in row["metafields"]]


def everything(here: Shop, sku: str = "V1") -> dict[str, Any]:
    """Of a variant all that the merchant wrote."""
    return {name: here.variants()[sku][name] for name in OWN_FIELDS}


def test_a_rebuilt_variant_keeps_every_field_its_metafields_and_its_stock_everywhere(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    warehouse, fields = with_own_hands(here)
    record = with_other_prices(here)
    ids = here.ids()
    here.vary(1, size="XS")
    assert here.run() == "completed"
    assert other_prices(here) == [record]
    assert in_the_warehouse(here) == (2, "W-9")
    assert here.labels() == {"V1": "Slim/XS", "V2": "Wide/S", "V3": "Slim/M", "V4": "Wide/M"}
    assert everything(here) == OWN_FIELDS
    assert metafields(here.variants()["V1"]) == fields
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})
    changed = {sku for sku, one in here.ids().items() if one != ids[sku]}
    assert changed == {"V1"}
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("updated", "rebuilt")
    assert (
        "stock 11 at location 1, 3 at location 2, 2 metafields, 1 prices of price lists and its bin_picking" in message
    )
    assert all(name in message for name in ("map_price", "image_url", "gtin"))


def test_what_the_source_says_goes_over_what_a_rebuilt_variant_had(open_shirts: Make) -> None:
    rows = [{**one, "format_price": "20", "format_weight": ""} for one in crossed()]
    here = open_shirts([product()], rows)
    here.run()
    with_own_hands(here)
    here.vary(1, size="XS", format_price="21")
    here.run()
    assert everything(here) == {**OWN_FIELDS, "price": 21}


def test_another_option_set_keeps_all_that_the_variants_had(open_shirts: Make) -> None:
    here = open_shirts([product()], [*in_sizes("S", "M"), variant(3, size="L", fit="")])
    here.run()
    warehouse, fields = with_own_hands(here)
    here.remove("product_formats", 3)
    here.vary(1, fit="Slim")
    here.vary(2, fit="Slim")
    assert here.run() == "completed"
    assert here.labels() == {"V1": "Slim/S", "V2": "Slim/M"}
    assert everything(here) == OWN_FIELDS
    assert metafields(here.variants()["V1"]) == fields
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})
    assert here.values() == ["S", "M"]
    assert {here.status("variant", n)[1] for n in (1, 2)} == {"rebuilt"}


def test_an_option_that_is_dropped_goes_with_its_values(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S", fit="Slim"), variant(2, size="M", fit="Slim")])
    here.run()
    here.vary(1, fit="")
    here.vary(2, fit="")
    assert here.run() == "completed"
    assert [one["display_name"] for one in here.product()["options"]] == ["size"]
    assert here.labels() == {"V1": "S", "V2": "M"}


def test_two_values_that_become_one_rebuild_the_fewer_variants(open_shirts: Make) -> None:
    sizes = [("S", "Slim"), ("S", "Wide"), ("M", "Loose")]
    here = open_shirts([product()], [variant(n, size=size, fit=fit) for n, (size, fit) in enumerate(sizes, 1)])
    here.run()
    ids = here.ids()
    for n in (1, 2, 3):
        here.vary(n, size="One size")
    assert here.run() == "completed"
    assert set(here.labels().values()) == {"Slim/One size", "Wide/One size", "Loose/One size"}
    assert {sku for sku, one in here.ids().items() if one != ids[sku]} == {"V3"}
    assert here.values() == ["One size"]


def test_values_of_ours_that_nobody_has_any_more_go_and_others_stay(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S", fit="Slim"), variant(2, size="M", fit="Slim")])
    here.run()
    size = option(here, "size")
    path = f"/catalog/products/{here.product()['id']}"
    here.merchant.post(f"{path}/options/{size['id']}/values", json={"label": "Own", "sort_order": 9}).raise_for_status()
    here.merchant.delete(f"{path}/variants/{here.ids()['V2']}").raise_for_status()
    here.remove("product_formats", 2)
    here.vary(1, size="L")
    assert here.run() == "completed"
    assert here.labels() == {"V1": "Slim/L"}
    assert sorted(here.values()) == ["L", "Own"]


def test_a_variant_that_is_only_disabled_keeps_its_value(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M"))
    here.run()
    here.remove("product_formats", 2)
    here.run()
    assert here.labels() == {"V1": "S", "V2": "M"}
    assert here.variants()["V2"]["purchasing_disabled"]
    here.vary(1, size="L")
    here.run()
    assert sorted(here.values()) == ["L", "M"]


def test_a_value_of_the_merchant_s_at_the_first_link_is_not_ours(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    body: dict[str, Any] = {"name": "Shirt 301", "type": "physical", "price": 10, "weight": 1, "sku": "P301"}
    pairs = {"V1": ("S", "Slim"), "V2": ("S", "Wide"), "V3": ("M", "Slim"), "V4": ("M", "Wide"), "OWN": ("XL", "Wide")}
    body["variants"] = [
        {"sku": sku, "option_values": [
            {"option_display_name": "size", "label": size}, {"option_display_name": "fit", "label": fit}
        ]}
        for sku, (size, fit) in pairs.items()
    ]  # fmt: skip
    here.merchant.post("/catalog/products", json=body).raise_for_status()
    here.run()
    here.merchant.delete(f"/catalog/products/{here.product()['id']}/variants/{here.ids()['OWN']}").raise_for_status()
    here.vary(1, size="XS")
    here.run()
    assert here.labels() == {"V1": "Slim/XS", "V2": "Wide/S", "V3": "Slim/M", "V4": "Wide/M"}
    assert sorted(here.values()) == ["M", "S", "XL", "XS"]


def test_a_variant_whose_new_sku_is_refused_is_made_as_it_was(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    warehouse, fields = with_own_hands(here)
    own = {"name": "Own", "type": "physical", "price": 1, "weight": 1, "sku": "TAKEN"}
    here.merchant.post("/catalog/products", json=own).raise_for_status()
    here.vary(1, size="XS", REF="TAKEN")
    here.run()
    assert here.labels()["V1"] == "Slim/XS"
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})
    assert metafields(here.variants()["V1"]) == fields
    assert here.status("variant", 1)[:2] == ("updated", "rebuilt_in_part")
    assert here.run() == "completed_with_errors"
    assert here.status("variant", 1)[:2] == ("failed", "refused_by_store")


def test_a_picture_that_cannot_be_given_back_does_not_cost_the_variant(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    warehouse, _ = with_own_hands(here)
    switches = {"refused_images": [PICTURE]}
    here.stage.stores.open(here.cast.store_hash, token=here.merchant.headers["X-Auth-Token"], switches=switches)
    here.vary(1, size="XS")
    here.run()
    assert everything(here) == {**OWN_FIELDS, "image_url": ""}
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})
    code, message = here.status("variant", 1)[1:]
    assert (code, "image_url" in message) == ("rebuilt_in_part", True)


def test_without_the_scope_to_read_stock_nothing_is_made_anew_and_the_run_goes_on(open_shirts: Make) -> None:
    here = open_shirts([product(), product(302)], crossed())
    here.run()
    ids = here.ids()
    here.stage.stores.open(
        here.cast.store_hash,
        token=here.merchant.headers["X-Auth-Token"],
        scopes=["store_v2_products", "store_v2_information_read_only", "store_channel_settings_read_only"],
    )
    here.vary(1, size="XS")
    here.set("products", 302, product_price="11")
    assert here.run() == "completed_with_errors"
    assert here.ids() == ids
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("failed", "refused_by_store")
    assert "lacks the scope" in message
    assert here.product(302)["price"] == 11


def test_a_variant_that_the_store_will_not_make_again_is_told_with_the_stock_that_it_had(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    with_own_hands(here)
    here.intercepts = lambda request: (
        httpx.Response(422, json={"title": "No more variants today"}, request=request)
        if request.method == "POST" and request.url.path.endswith("/variants")
        else None
    )
    here.vary(1, size="XS")
    assert here.run() == "completed_with_errors"
    outcome, _, message = here.status("variant", 1)
    assert outcome == "failed"
    assert "No more variants today" in message
    assert "it had stock 11 at location 1, 3 at location 2" in message


def test_prices_that_the_store_does_not_take_back_are_told(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    warehouse, _ = with_own_hands(here)
    with_other_prices(here)
    here.intercepts = lambda request: (
        httpx.Response(422, json={"title": "The price list is locked"}, request=request)
        if request.method == "PUT" and "/pricelists/" in request.url.path
        else None
    )
    here.vary(1, size="XS")
    here.run()
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("updated", "not_given_back")
    assert "The price list is locked" in message
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})


def test_a_store_without_price_lists_rebuilds_all_the_same(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    here.intercepts = lambda request: (
        httpx.Response(404, json={"title": "The route is not found"}, request=request)
        if "/pricelists" in request.url.path
        else None
    )
    here.vary(1, size="XS")
    assert here.run() == "completed"
    assert here.status("variant", 1)[:2] == ("updated", "rebuilt")


def test_an_option_that_is_full_refuses_a_new_value_before_anything_is_deleted(open_shirts: Make) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    path = f"/catalog/products/{here.product()['id']}/options/{option(here, 'size')['id']}/values"
    for n in range(248):
        here.merchant.post(path, json={"label": f"own {n}", "sort_order": n}).raise_for_status()
    ids = here.ids()
    here.vary(1, size="XS")
    assert here.run() == "completed_with_errors"
    assert here.ids() == ids
    assert here.status("variant", 1)[:2] == ("failed", "refused_by_store")


@dataclass(frozen=True, slots=True)
class Had:
    """What the merchant had written into V1, beside its fields."""

    warehouse: int
    metafields: list[dict[str, Any]]
    prices: dict[str, Any]


def change_everything(here: Shop) -> Had:
    """1 is made anew, Slim and Wide change places, 4 moves to a size that stays."""
    warehouse, fields = with_own_hands(here)
    record = with_other_prices(here)
    here.vary(1, size="XS", fit="Wide")
    here.vary(2, fit="Slim")
    here.vary(3, fit="Wide")
    here.vary(4, size="S", fit="Slim loose")
    return Had(warehouse, fields, record)


def is_all_there(here: Shop, had: Had) -> None:
    """The variants are as the source says, V1 has all that it had, and nothing is left to be done."""
    assert here.labels() == {"V1": "Wide/XS", "V2": "Slim/S", "V3": "Wide/M", "V4": "Slim loose/S"}
    assert everything(here) == OWN_FIELDS
    assert metafields(here.variants()["V1"]) == had.metafields
    assert (here.levels(1), here.levels(had.warehouse)) == ({"V1": 11}, {"V1": 3})
    assert other_prices(here) == [had.prices]
    assert in_the_warehouse(here) == (2, "W-9")
    assert here.pending() == []
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


@pytest.mark.parametrize("dies_after", range(6, 90, 6))
def test_wherever_a_worker_dies_a_change_of_everything_comes_to_the_same_end(config: Settings, dies_after: int) -> None:
    fate = Fate()
    here = Shop(config, [product()], crossed(), fate=fate)
    here.run()
    had = change_everything(here)
    here.stage.request(here.cast)
    fate.new_worker(dies_after)
    here.stage.play_one()
    fate.new_worker()
    here.stage.play()
    is_all_there(here, had)
    here.stage.close()


@pytest.mark.parametrize("nth", range(1, 37, 2))
def test_whichever_answer_is_lost_a_change_of_everything_comes_to_the_same_end(open_shirts: Make, nth: int) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    had = change_everything(here)
    fault = here.stage.stores.store(here.cast.store_hash).faults.add(Fault("drop_after_commit", nth=nth, times=1))
    assert here.run() == "completed"
    assert fault.fired == 1
    is_all_there(here, had)


@pytest.mark.parametrize("nth", range(1, 24, 2))
def test_wherever_the_run_is_cancelled_the_next_one_gives_back_what_a_rebuild_has_read(
    open_shirts: Make, nth: int
) -> None:
    here = open_shirts([product()], crossed())
    here.run()
    warehouse, fields = with_own_hands(here)
    here.vary(1, size="XS", fit="Wide")
    here.vary(2, fit="Slim")
    calls = count(1)

    def cancels(request: httpx.Request) -> None:
        if "/stores/" in request.url.path and next(calls) == nth:
            with as_tenant(here.stage.engine, here.cast.tenant_id) as session:
                run = runs.current(session, here.cast.connector_id)
                assert run is not None
                runs.cancel(session, here.cast.connector_id, run.id)

    here.intercepts = cancels
    assert here.run() == "cancelled"
    here.intercepts = lambda _: None
    assert here.run() == "completed"
    assert here.labels()["V1"] == "Wide/XS"
    assert everything(here) == OWN_FIELDS
    assert metafields(here.variants()["V1"]) == fields
    assert (here.levels(1), here.levels(warehouse)) == ({"V1": 11}, {"V1": 3})


def test_a_quota_that_is_spent_midway_changes_nothing_of_the_end(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M", "L"))
    here.run()
    ids = here.ids()
    calls = iter(range(1000))

    def turned_away(request: httpx.Request) -> httpx.Response | None:
        """Every third rename is turned away."""
        is_rename = request.method == "PUT" and "/values/" in request.url.path
        return httpx.Response(429, request=request) if is_rename and next(calls) % 3 == 0 else None

    here.intercepts = turned_away
    for n, label in enumerate(("M", "L", "S"), 1):
        here.vary(n, size=label)
    assert here.run() == "completed"
    assert (here.labels(), here.ids()) == ({"V1": "M", "V2": "L", "V3": "S"}, ids)
