"""`connector explain` and `quarantine release ITEM`, after runs against a store: what led to what is in the shop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cli.here import Here
from sandbox.bigcommerce.faults import Fault
from tests.operators import Operator
from tests.playing import Shop, a_catalogue
from worker.ledger.session import as_tenant
from worker.settings import Settings

PROFILE = {"mapping": {"product": {"description": "blurb"}}, "switches": {"overwrite_stock": True}}


@pytest.fixture
def shop(open_playing: Callable[..., Shop]) -> Shop:
    products = [
        {"ID": 301 + at, "ID_catalogue": 1, "name": name, "sku": f"C-{at}", "price": "9", "weight": "1",
         "blurb": f"a {name}", "fabric": "clay", "REF": reference, "stock": "5"}
        for at, (name, reference) in enumerate((("Cup", "R-1"), ("Mug", "C-0"), ("Jar", "R-3")))
    ]  # fmt: skip
    return open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}], products), profile=PROFILE)


@pytest.fixture
def operator(config: Settings, tmp_path: Path) -> Iterator[Operator]:
    """Somebody at the command line, on the database of the stage."""
    one = Operator(Here(config), tmp_path)
    yield one
    one.here.engine.dispose()


@pytest.fixture
def explains(shop: Shop, operator: Operator) -> Callable[..., dict[str, Any]]:
    """What `connector explain` says of an item."""

    def explain(item: str) -> dict[str, Any]:
        found: dict[str, Any] = operator.reads("explain", str(shop.cast.connector_id), item, shape="explain")
        return found

    return explain


def field(told: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [one for one in told["places"][0]["fields"] if one["field"] == name]
    return found  # type: ignore[no-any-return]


def run_ids(shop: Shop) -> list[int]:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return list(session.scalars(text("SELECT id FROM run ORDER BY id")))


def test_each_field_is_traced_from_its_column_to_the_call_that_sent_it(
    shop: Shop, explains: Callable[..., dict[str, Any]], operator: Operator
) -> None:
    assert shop.run() == "completed"
    shop.edit("products", 301, price="12")
    assert shop.run() == "completed"
    first, second = run_ids(shop)
    told = explains("product:301")
    assert (told["kind"], told["source_id"], told["name"]) == ("product", 301, "Cup")
    name, price, blurb = field(told, "name"), field(told, "price"), field(told, "description")
    assert (name["columns"], name["rule"]) == ({"name": "Cup"}, "the column is named like the field")
    assert (blurb["columns"], blurb["rule"]) == ({"blurb": "a Cup"}, "mapping.product.description of the profile")
    assert (price["source"], price["sent"], price["store"]) == ("12", "12", "9"), (
        "the store was read before it was sent"
    )
    assert (name["sent_by"]["run"], name["sent_by"]["action"]) == (first, "create")
    assert (price["sent_by"]["run"], price["sent_by"]["groups"]) == (second, ["price"])
    [made] = name["sent_by"]["calls"]
    assert (made["method"], made["route"], made["status"]) == ("POST", "/v3/catalog/products", 200)
    assigned = field(told, "storefronts")["sent_by"]
    assert (assigned["run"], assigned["action"]) == (first, "assign"), "a follow-up that has told nothing new"
    assert assigned["calls"][0]["route"] == "/v3/catalog/products/channel-assignments"
    [put] = told["places"][0]["last_write"]["calls"]
    assert (put["method"], put["status"], put["said"]) == ("PUT", 200, None)
    assert put["route"] == f"/v3/catalog/products/{told['places'][0]['store_id']}"
    assert told["places"][0]["pending"] == told["places"][0]["reasons"] == []
    assert field(told, "custom_fields")["columns"] == {"fabric": "clay"}
    category = explains("category:1")["places"][0]
    assert category["last_write"]["calls"][0]["route"] == "/v3/catalog/trees/categories"
    shown = operator.says("explain", str(shop.cast.connector_id), "product:301").stdout
    assert "Nothing is pending." in shown
    assert f"last write: run {second}: update (price)" in shown


def test_a_refusal_is_told_with_the_stores_words_and_what_was_sent_before_stands(
    shop: Shop, explains: Callable[..., dict[str, Any]]
) -> None:
    shop.run()
    shop.edit("products", 301, price="10")
    shop.edit("products", 302, price="11")
    shop.store.faults.add(Fault("status_before", "PUT", r"/catalog/products", status=422))
    assert shop.run() == "completed_with_errors"
    first, second = run_ids(shop)
    told = explains("product:301")["places"][0]
    assert (told["last_write"]["run"], told["last_write"]["ok"]) == (second, False)
    refused = told["last_write"]["calls"][-1]
    assert (refused["method"], refused["status"], bool(refused["said"])) == ("PUT", 422, True)
    assert refused["route"].endswith(f"/{told['store_id']}"), "the call that it met alone, not the batch"
    price = field({"places": [told]}, "price")
    assert (price["source"], price["sent"], price["differs"], price["sent_by"]["run"]) == ("10", "9", True, first)
    assert any(one.startswith("It is failed") for one in told["reasons"])
    assert any("differs from what was last sent in: price" in one for one in told["reasons"])


def test_what_is_due_is_told_and_follow_ups_have_their_own_calls(
    shop: Shop, explains: Callable[..., dict[str, Any]]
) -> None:
    shop.run()
    shop.edit("products", 303, stock="8")
    assert shop.run() == "completed"
    [*_, second] = run_ids(shop)
    told = explains("product:303")
    stock = field(told, "inventory_level")["sent_by"]
    assert (stock["run"], stock["action"]) == (second, "stock")
    assert stock["calls"][-1]["route"] == "/v3/inventory/adjustments/absolute"
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(text("UPDATE source_item SET due = true WHERE source_id = 303"))
    assert "It is due" in explains("product:303")["places"][0]["reasons"][0]


def test_a_sku_or_reference_means_one_item_or_the_several_are_named(
    shop: Shop, operator: Operator, explains: Callable[..., dict[str, Any]]
) -> None:
    shop.run()
    assert explains("c-1")["source_id"] == 302
    assert explains("R-3")["source_id"] == 303
    connector = str(shop.cast.connector_id)
    assert "product:301, product:302; say which" in operator.says("explain", connector, "C-0", code=2).stderr
    assert "no item has the SKU or reference 'C-'" in operator.says("explain", connector, "C-", code=2).stderr
    assert "there is no product 9" in operator.says("explain", connector, "product:9", code=2).stderr


def test_one_item_is_let_out_of_quarantine_and_the_others_stay(shop: Shop, operator: Operator) -> None:
    shop.store.faults.add(Fault("drop_before", "POST", r"/catalog/products$"))
    assert shop.run() == "completed_with_errors"
    shop.store.faults.clear()
    connector = str(shop.cast.connector_id)
    listed = operator.reads("quarantine", "list", connector, shape="items")["items"]
    assert [one["source_id"] for one in listed] == [301, 302, 303]
    lost = operator.reads("explain", connector, "product:302", shape="explain")["places"][0]
    assert [(one["status"], one["said"]) for one in lost["last_write"]["calls"]][-1][0] is None
    run_id = operator.says("quarantine", "release", connector, "C-1").stdout.strip()
    assert run_id.isdigit()
    shop.stage.play()
    assert sorted(shop.products()) == ["C-1"]
    assert "the product 302" in operator.says("quarantine", "release", connector, "product:302", code=2).stderr
    assert json.loads(operator.says("quarantine", "list", connector, "--json").stdout)["items"]
