"""Bulk pricing rules, videos, related products and metafields: what the store holds is what the source says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.stage.stage import TOKEN, Cast, Stage
from tests import rich_in_parts as rich
from tests.rich_in_parts import BULK, DOZEN, OPEN, SONG, TALK, TOUR, rules
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()


class Shop:
    """A connector on a stage, and what its source says now."""

    def __init__(self, config: Settings, *, before: list[dict[str, Any]] | None = None, **store: Any) -> None:
        self.said = rich.products()
        self.stage = Stage(config, haste=50)
        self.cast: Cast = self.stage.connect(
            f"parts-{next(_names)}", rich.catalogue(self.said), profile=rich.PROFILE, store=store
        )
        for product in before or ():
            self.by_hand("POST", "products", product)

    def by_hand(self, method: str, path: str, body: Any = None) -> Any:
        """Somebody else's call to the store; the data of the answer."""
        url = f"https://api.bigcommerce.com/stores/{self.cast.store_hash}/v3/catalog/{path}"
        headers = {"X-Auth-Token": TOKEN, "Accept": "application/json"}
        with httpx.Client(transport=StoreTransport(self.stage.stores), headers=headers) as client:
            answer = client.request(method, url, json=body)
        self.stage.stores.store(self.cast.store_hash).log.clear()
        assert answer.status_code < 300, answer.text
        return answer.json()["data"] if answer.content else None

    def run(self, *, refresh: bool = False) -> str:
        """A run to its end; its state."""
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return str(session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")))

    def say(self, source_id: int, **cells: Any) -> None:
        """Change a product at the source."""
        self.said[source_id] |= cells
        self.stage.sources.edit(self.cast.code, "products", source_id, cells)

    def held(self) -> dict[str, dict[str, Any]]:
        """What the store holds of its products' parts."""
        return rich.held(self.snapshot())

    def snapshot(self) -> dict[str, Any]:
        """All that the store holds."""
        return self.stage.stores.snapshot(self.cast.store_hash)

    def product(self, name: str) -> dict[str, Any]:
        """A product of the store, whole."""
        return next(row for row in self.snapshot()["products"] if row["name"] == name)

    def problems(self, source_id: int, kind: str = "product") -> list[tuple[str, str | None]]:
        """(code, field) of what the item's status says."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            found = session.scalar(
                text("SELECT problems FROM item_status WHERE kind = :kind AND source_id = :id"),
                {"kind": kind, "id": source_id},
            )
        return [(one["code"], one["field"]) for one in found or ()]

    def calls(self) -> dict[str, int]:
        """Route -> how many writes since the last look."""
        log = self.stage.stores.store(self.cast.store_hash).log
        routes = {route: n for route, n in log.counters()["by_route"].items() if not route.startswith("GET")}
        assert log.counters()["unknown_fields"] == []
        log.clear()
        return routes


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


PRODUCTS = "/v3/catalog/products"


def test_a_first_run_brings_all_of_it_in_few_calls(shop: Shop) -> None:
    assert shop.run() == "completed"
    assert shop.held() == rich.wanted(shop.said)
    of_variants = {one["sku"]: rich.notes(one) for one in shop.product("Shade")["variants"]}
    assert of_variants == {
        "V-S": [["saleslayer", "care", "Wash at 30", "app_only"]],
        "V-M": [],
        "V-L": [["saleslayer", "care", "Do not wash", "app_only"]],
    }
    calls = shop.calls()
    assert calls[f"POST {PRODUCTS}"] == 5
    assert calls[f"PUT {PRODUCTS}"] == 1, "related products, ten a call"
    assert calls[f"POST {PRODUCTS}/metafields"] == 1
    assert calls["POST /v3/catalog/variants/metafields"] == 1
    assert not [route for route in calls if "bulk" in route or "videos" in route], "inline with their product"


def test_a_forced_refresh_writes_nothing(shop: Shop) -> None:
    shop.run()
    shop.calls()
    assert shop.run(refresh=True) == "completed"
    assert shop.calls() == {}
    assert shop.run() == "unchanged"


def test_edits_reach_the_store_and_only_what_differs_is_sent(shop: Shop) -> None:
    shop.run()
    before = {row["name"]: row for row in shop.snapshot()["products"]}
    shop.calls()
    shop.say(301, videos=f"{TALK}, {TOUR}", fabric="Velvet", origin="Spain", **rules(DOZEN, ("10", "19", "price", "2")))
    shop.say(302, related_products="P-303, P-304")
    shop.say(303, related_products="", fabric="")
    shop.say(305, **rules(("2", "14", "percent", "5"), ("15", "0", "percent", "12")))
    assert shop.run() == "completed"
    assert shop.held() == rich.wanted(shop.said)
    after = {row["name"]: row for row in shop.snapshot()["products"]}
    assert [one["id"] for one in after["Lamp"]["bulk_pricing_rules"]] == [
        one["id"] for one in before["Lamp"]["bulk_pricing_rules"]
    ], "another amount keeps the rule"
    calls = shop.calls()
    assert calls.pop(f"PUT {PRODUCTS}") == 1, "the related products of two"
    assert calls.pop(f"PUT {PRODUCTS}/{{id}}") == 2, "the rules of two products, one call each"
    assert calls.pop(f"DELETE {PRODUCTS}/{{id}}/bulk-pricing-rules/{{id}}") <= 3
    assert calls == {
        f"POST {PRODUCTS}/{{id}}/videos": 1,
        f"DELETE {PRODUCTS}/{{id}}/videos/{{id}}": 1,
        f"POST {PRODUCTS}/metafields": 1,
        f"PUT {PRODUCTS}/metafields": 1,
        f"DELETE {PRODUCTS}/metafields": 1,
    }


def test_what_vanishes_at_the_source_goes_and_what_others_added_stays(shop: Shop) -> None:
    shop.run()
    lamp = shop.product("Lamp")["id"]
    shop.by_hand("POST", f"products/{lamp}/videos", {"video_id": "MerchantsOw", "type": "youtube"})
    shop.by_hand(
        "POST",
        f"products/{lamp}/bulk-pricing-rules",
        {"quantity_min": 50, "quantity_max": 0, "type": "price", "amount": 3},
    )
    note = {"namespace": "other", "key": "x", "value": "y", "permission_set": "read"}
    shop.by_hand("POST", f"products/{lamp}/metafields", note)
    shop.say(301, videos="", fabric="", related_products="", **rules())
    shop.run()
    assert shop.held()["Lamp"] == {
        "rules": [[50, 0, "price", 3.0]],
        "videos": ["MerchantsOw"],
        "related": ["automatic"],
        "metafields": [["other", "x", "y", "read"]],
    }


def test_a_store_that_takes_a_list_for_the_whole_keeps_others_rules_too(config: Settings) -> None:
    shop = Shop(config, switches={"omitted_parts_removed": True})
    shop.run()
    lamp = shop.product("Lamp")["id"]
    theirs = {"quantity_min": 50, "quantity_max": 0, "type": "price", "amount": 3}
    shop.by_hand("POST", f"products/{lamp}/bulk-pricing-rules", theirs)
    shop.say(301, **rules(("2", "5", "percent", "5"), BULK))
    shop.run()
    assert shop.held()["Lamp"]["rules"] == [
        [2, 5, "percent", 5.0], [10, 19, "percent", 10.0], [50, 0, "price", 3.0],
    ]  # fmt: skip
    shop.stage.close()


def test_what_is_wrong_costs_the_product_that_part_alone_and_is_said(shop: Shop) -> None:
    shop.say(304, videos=f"https://vimeo.com/1, {SONG}", related_products="P-301, P-999",
             **rules(DOZEN, ("5", "", "price", "1"), ("15", "14", "price", "1")))  # fmt: skip
    assert shop.run() == "completed"
    assert shop.held()["Plug"] == {
        "rules": [[2, 9, "percent", 5.0]],
        "videos": [SONG],
        "related": ["Lamp"],
        "metafields": [["saleslayer", "fabric", "Brass", "app_only"]],
    }
    expected = [
        ("bulk_rule_incomplete", "bulk_pricing_rule_qty_max_2"),
        ("bulk_rule_out_of_range", "bulk_pricing_rule_qty_max_3"),
        ("video_unreadable", "videos"),
        ("related_missing", "related_products"),
    ]
    assert shop.problems(304) == expected
    shop.calls()
    # What is wrong in a new way is told without a call, and what is mended is said no more.
    shop.say(304, **rules(DOZEN))
    shop.run()
    assert shop.problems(304) == expected[2:]
    assert shop.calls() == {}


def test_a_rule_that_overlaps_a_merchant_s_is_a_message_and_no_failure(shop: Shop) -> None:
    shop.run()
    bulb = shop.product("Bulb")["id"]
    theirs = {"quantity_min": 5, "quantity_max": 12, "type": "price", "amount": 3}
    shop.by_hand("POST", f"products/{bulb}/bulk-pricing-rules", theirs)
    shop.say(303, product_price="12", **rules(DOZEN, OPEN))
    assert shop.run() == "completed"
    assert shop.held()["Bulb"]["rules"] == [[5, 12, "price", 3.0], [20, 0, "percent", 15.0]]
    assert shop.product("Bulb")["price"] == 12
    assert shop.problems(303) == [("bulk_rule_clashes", "bulk_pricing_rules")]


HUGE = "99999999999"
"""An amount that no rule of ours is against, and the store does not take."""


def test_a_rule_that_the_store_refuses_does_not_fail_its_product(shop: Shop) -> None:
    shop.say(304, **rules(DOZEN, ("10", "0", "price", HUGE)), videos=SONG)
    assert shop.run() == "completed"
    assert shop.held()["Plug"]["rules"] == [[2, 9, "percent", 5.0]]
    assert shop.held()["Plug"]["videos"] == [SONG]
    assert shop.problems(304) == [("bulk_rule_refused", "bulk_pricing_rules")]
    shop.say(305, product_price="77", **rules(("2", "9", "percent", "6"), ("10", "0", "price", HUGE)))
    assert shop.run() == "completed"
    assert shop.held()["Wire"]["rules"] == [[2, 9, "percent", 6.0]]
    assert shop.product("Wire")["price"] == 77
    assert shop.problems(305) == [("bulk_rule_refused", "bulk_pricing_rules")]


def test_parts_that_could_not_be_sent_with_the_creation_follow_with_the_next_run(shop: Shop) -> None:
    shop.say(304, **rules(DOZEN, ("10", "0", "price", HUGE)), videos=SONG)
    store = shop.stage.stores.store(shop.cast.store_hash)
    store.faults.add(Fault("status_after", method="POST", path="bulk-pricing-rules$", times=1))
    shop.run()
    assert shop.problems(304) == [("part_missing", None)]
    shop.run()
    assert shop.held()["Plug"]["rules"] == [[2, 9, "percent", 5.0]]
    assert shop.held()["Plug"]["videos"] == [SONG]
    assert shop.problems(304) == [("bulk_rule_refused", "bulk_pricing_rules")]


def test_a_variant_s_metafield_that_is_too_long_is_said_without_a_call(shop: Shop) -> None:
    shop.run()
    shop.calls()
    shop.stage.sources.edit(shop.cast.code, "product_formats", 9002, {"care": "x" * 65_536})
    assert shop.run() == "completed"
    assert shop.problems(9002, "variant") == [("metafield_too_long", "saleslayer.care")]
    assert shop.calls() == {}


def test_rules_that_somebody_deleted_in_the_store_are_made_again_with_the_next_change(shop: Shop) -> None:
    shop.run()
    lamp = shop.product("Lamp")
    for rule in lamp["bulk_pricing_rules"]:
        shop.by_hand("DELETE", f"products/{lamp['id']}/bulk-pricing-rules/{rule['id']}")
    shop.say(301, **rules(("2", "9", "percent", "7"), BULK))
    assert shop.run() == "completed"
    assert shop.held() == rich.wanted(shop.said)


def test_a_merchant_s_product_is_linked_with_the_parts_that_it_has(config: Settings) -> None:
    theirs = {
        "name": "Lamp", "sku": "P-301", "type": "physical", "price": 10, "weight": 1,
        "videos": [{"video_id": SONG, "type": "youtube"}, {"video_id": "MerchantsOw", "type": "youtube"}],
        "bulk_pricing_rules": [
            {"quantity_min": 2, "quantity_max": 9, "type": "percent", "amount": 5},
            {"quantity_min": 50, "quantity_max": 0, "type": "price", "amount": 3},
        ],
    }  # fmt: skip
    shop = Shop(config, before=[theirs])
    lamp = shop.product("Lamp")
    note = {"namespace": "saleslayer", "key": "fabric", "value": "Linen", "permission_set": "read"}
    shop.by_hand("POST", f"products/{lamp['id']}/metafields", note)
    assert shop.run() == "completed"
    held, wanted = shop.held(), rich.wanted(shop.said)
    wanted["Lamp"]["rules"] = sorted([*wanted["Lamp"]["rules"], [50, 0, "price", 3.0]])
    wanted["Lamp"]["videos"] = sorted([*wanted["Lamp"]["videos"], "MerchantsOw"])
    assert held == wanted
    now = shop.product("Lamp")
    assert {one["id"] for one in lamp["videos"]} <= {one["id"] for one in now["videos"]}
    assert {one["id"] for one in lamp["bulk_pricing_rules"]} <= {one["id"] for one in now["bulk_pricing_rules"]}
    shop.calls()
    shop.run(refresh=True)
    assert shop.calls() == {}
    # What coincided is ours: it goes with the source; the merchant's own stays.
    shop.say(301, videos="", **rules())
    shop.run()
    assert shop.held()["Lamp"]["videos"] == ["MerchantsOw"]
    assert shop.held()["Lamp"]["rules"] == [[50, 0, "price", 3.0]]
    shop.stage.close()


def test_a_list_that_lacked_somebody_is_told_again_when_that_one_comes(shop: Shop) -> None:
    shop.say(301, related_products="P-306, P-302")
    shop.say(303, related_products="306")
    shop.run()
    assert shop.held()["Lamp"]["related"] == ["Shade"]
    assert shop.problems(301) == [("related_missing", "related_products")]
    shop.calls()
    shop.run(refresh=True)
    assert shop.calls() == {}, "still missing: nothing is sent"
    new = {name: cell for name, cell in shop.said[304].items() if not name.startswith("ID")}
    new |= {"REF": "P-306", "product_name": "Socket", "fabric": "", "ID_catalogue": [1]}
    shop.said[306] = new
    shop.stage.sources.add(shop.cast.code, "products", {"ID": 306, **new})
    assert shop.run() == "completed"
    assert shop.held() == rich.wanted(shop.said)
    assert shop.held()["Lamp"]["related"] == ["Socket", "Shade"]
    assert shop.problems(301) == []


def test_a_product_that_is_removed_by_hand_is_related_again_when_it_is_back(shop: Shop) -> None:
    shop.run()
    shop.by_hand("DELETE", f"products/{shop.product('Shade')['id']}")
    shop.say(304, product_price="11")  # something is due, so the store is read
    shop.run()
    assert shop.held() == rich.wanted(shop.said)


def test_metafields_that_the_profile_drops_are_deleted_by_a_refresh(shop: Shop) -> None:
    shop.run()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(text("UPDATE connector SET profile = profile - 'metafields' || '{\"options\": [\"size\"]}'"))
    shop.run(refresh=True)
    assert all(not one["metafields"] for one in shop.snapshot()["products"])
    assert all(not one["metafields"] for one in shop.product("Shade")["variants"])


def test_a_variant_whose_column_is_no_metafield_any_more_but_an_option_loses_the_metafield(shop: Shop) -> None:
    shop.stage.sources.edit(shop.cast.code, "product_formats", 9002, {"care": "Iron"})
    shop.run()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(text("UPDATE connector SET profile = profile - 'metafields'"))
    shop.run(refresh=True)
    assert [len(one["option_values"]) for one in shop.product("Shade")["variants"]] == [2, 2, 2]
    assert all(not one["metafields"] for one in shop.product("Shade")["variants"])


def test_a_variant_that_is_made_anew_has_its_metafields(shop: Shop) -> None:
    shop.run()
    shop.stage.sources.edit(shop.cast.code, "product_formats", 9001, {"size": "M", "care": "Dry clean"})
    shop.stage.sources.edit(shop.cast.code, "product_formats", 9002, {"size": "S"})
    shop.run()
    of_variants = {one["sku"]: rich.notes(one) for one in shop.product("Shade")["variants"]}
    assert of_variants["V-S"] == [["saleslayer", "care", "Dry clean", "app_only"]]
    assert of_variants["V-L"] == [["saleslayer", "care", "Do not wash", "app_only"]]


def test_a_metafield_that_the_store_refuses_leaves_the_others_alone(shop: Shop) -> None:
    shop.run()
    shop.say(301, fabric="Velvet")
    shop.say(303, fabric="Jute")
    bulb = shop.product("Bulb")
    gone = next(one["id"] for one in bulb["metafields"] if one["key"] == "fabric")
    shop.by_hand("DELETE", f"products/{bulb['id']}/metafields/{gone}")
    assert shop.run() == "completed"
    assert shop.held() == rich.wanted(shop.said), "the batch succeeded in part, the rest was made anew"
