"""Option values that change at the source: variants keep their id where they can, their stock always."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.dying import Fate
from sandbox.stage.stage import TOKEN, Cast, Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()
SIZES = {9001: "S", 9002: "M", 9003: "L"}
STOCK = {9001: 11, 9002: 22, 9003: 33}


def catalogue() -> dict[str, Any]:
    """One product in one category, with three sizes."""
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": {
            "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
            "products": ["STATUS", "ID", "ID_catalogue", "REF", "product_name", "product_price", "product_weight"],
            "product_formats": ["STATUS", "ID", "ID_products", "REF", "size", "fit", "format_price"],
        },
        "data_schema_info": {
            "catalogue": {"section_name": {"type": "string"}},
            "products": {name: {"type": "string"} for name in ("product_name", "product_price", "product_weight")},
            "product_formats": {name: {"type": "string"} for name in ("size", "fit", "format_price")},
        },
        "data": {
            "catalogue": [["M", 1, 0, "C1", "Shirts"]],
            "products": [["M", 301, [1], "P301", "Laurel shirt", "10", "0.2"]],
            "product_formats": [
                ["M", source_id, 301, f"V{source_id}", size, "", "12"] for source_id, size in SIZES.items()
            ],
        },
    }


class Shop:
    """A connector whose first run is done, with stock that somebody else set in the store."""

    def __init__(self, config: Settings, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self.stage = Stage(config, wrap=self.fate.wrap, haste=50)
        self.fate.watch(self.stage.engine)
        store = {"switches": {"inventory_lag": 0}}
        self.cast: Cast = self.stage.connect(f"options-{next(_names)}", catalogue(), store=store)
        self.run()
        self.store = httpx.Client(
            transport=SandboxTransport(self.stage.stores),
            headers={"X-Auth-Token": TOKEN},
            base_url=f"https://store.test/stores/{self.cast.store_hash}/v3",
        )
        self.product = self.products()[0]["id"]
        self.store.put(f"/catalog/products/{self.product}", json={"inventory_tracking": "variant"}).raise_for_status()
        for sku, quantity in {f"V{one}": quantity for one, quantity in STOCK.items()}.items():
            fields = {"inventory_level": quantity, "bin_picking_number": f"bin {sku}"}
            self.store.put(f"/catalog/products/{self.product}/variants/{self.variants()[sku]['id']}", json=fields)
        self.store.post(
            f"/catalog/products/{self.product}/variants/{self.variants()['V9001']['id']}/metafields",
            json={"permission_set": "app_only", "namespace": "erp", "key": "code", "value": "A-1"},
        ).raise_for_status()

    def run(self) -> None:
        """A run to its end."""
        self.stage.request(self.cast)
        self.stage.play()

    def products(self) -> list[dict[str, Any]]:
        """The store's products."""
        found: list[dict[str, Any]] = self.stage.stores.snapshot(self.cast.store_hash)["products"]
        return found

    def variants(self) -> dict[str, dict[str, Any]]:
        """The product's variants by SKU."""
        return {row["sku"]: row for row in self.products()[0]["variants"]}

    def sizes(self) -> dict[str, str]:
        """SKU -> size, as the store has it."""
        return {
            sku: next(one["label"] for one in row["option_values"] if one["option_display_name"] == "size")
            for sku, row in self.variants().items()
        }

    def labels(self) -> set[str]:
        """All values of the option size, used or not."""
        option = next(one for one in self.products()[0]["options"] if one["display_name"] == "size")
        return {one["label"] for one in option["option_values"]}

    def stock(self) -> dict[str, int]:
        """SKU -> stock."""
        return {sku: row["inventory_level"] for sku, row in self.variants().items()}

    def resize(self, **sizes: str) -> None:
        """Change sizes at the source: V9001="Small"."""
        for sku, size in sizes.items():
            self.stage.sources.edit(self.cast.code, "product_formats", int(sku[1:]), {"size": size})

    def move_to_a_label_that_stays_in_use(self) -> None:
        """L stays with a variant that is gone at the source, so 9001 cannot take it along with its value."""
        self.stage.sources.delete(self.cast.code, "product_formats", 9003)
        self.resize(V9001="L")

    def statuses(self) -> dict[int, tuple[str, str]]:
        """Variant -> outcome and code."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            rows = session.execute(text("SELECT source_id, outcome, code FROM item_status WHERE kind = 'variant'"))
            return {row[0]: (row[1], row[2]) for row in rows}

    def deletes(self) -> int:
        """Variants deleted in the store so far."""
        routes: dict[str, int] = self.stage.stores.store(self.cast.store_hash).log.counters()["by_route"]
        return routes.get("DELETE /v3/catalog/products/{id}/variants/{id}", 0)


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


def test_a_new_label_is_given_in_place_and_every_variant_keeps_its_id_and_stock(shop: Shop) -> None:
    before = {sku: row["id"] for sku, row in shop.variants().items()}
    shop.resize(V9001="Small", V9002="Medium")
    shop.run()
    assert shop.sizes() == {"V9001": "Small", "V9002": "Medium", "V9003": "L"}
    assert {sku: row["id"] for sku, row in shop.variants().items()} == before
    assert shop.stock() == {f"V{one}": quantity for one, quantity in STOCK.items()}
    assert shop.labels() == {"Small", "Medium", "L"}
    assert shop.deletes() == 0
    assert shop.statuses()[9001] == ("updated", "relabelled")


def test_a_variant_that_moves_to_a_label_in_use_is_rebuilt_with_its_stock(shop: Shop) -> None:
    before = {sku: row["id"] for sku, row in shop.variants().items()}
    shop.move_to_a_label_that_stays_in_use()
    shop.run()
    assert shop.sizes() == {"V9001": "L", "V9002": "M"}
    assert shop.stock() == {"V9001": 11, "V9002": 22}
    assert shop.variants()["V9001"]["id"] != before["V9001"]
    assert shop.variants()["V9002"]["id"] == before["V9002"]
    assert shop.variants()["V9001"]["bin_picking_number"] == "bin V9001"
    assert [(one["key"], one["value"]) for one in shop.variants()["V9001"]["metafields"]] == [("code", "A-1")]
    assert shop.statuses()[9001] == ("updated", "rebuilt")


def test_a_rebuild_leaves_no_value_of_ours_behind_that_nobody_uses(shop: Shop) -> None:
    shop.stage.sources.delete(shop.cast.code, "product_formats", 9003)
    shop.run()
    shop.resize(V9001="L", V9002="XXL")
    shop.run()
    assert shop.sizes() == {"V9001": "L", "V9002": "XXL"}
    assert shop.labels() == {"L", "XXL"}


def test_another_option_set_rebuilds_all_variants_with_their_stock(shop: Shop) -> None:
    for source_id in SIZES:
        shop.stage.sources.edit(shop.cast.code, "product_formats", source_id, {"fit": "Slim"})
    shop.run()
    assert {one["display_name"] for one in shop.products()[0]["options"]} == {"size", "fit"}
    assert shop.sizes() == {"V9001": "S", "V9002": "M", "V9003": "L"}
    assert shop.stock() == {f"V{one}": quantity for one, quantity in STOCK.items()}


def test_an_option_change_is_done_once(shop: Shop) -> None:
    shop.move_to_a_label_that_stays_in_use()
    shop.run()
    log = shop.stage.stores.store(shop.cast.store_hash).log
    log.clear()
    shop.stage.request(shop.cast, refresh=True)
    shop.stage.play()
    assert log.counters()["writes"] == 0


@pytest.mark.parametrize("dies_after", range(2, 60, 7))
def test_a_worker_that_dies_in_a_rebuild_loses_no_stock(config: Settings, dies_after: int) -> None:
    fate = Fate()
    shop = Shop(config, fate)
    shop.move_to_a_label_that_stays_in_use()
    shop.stage.request(shop.cast)
    fate.new_worker(dies_after)
    shop.stage.play_one()
    fate.new_worker()
    shop.stage.play()
    assert shop.sizes() == {"V9001": "L", "V9002": "M"}
    assert shop.stock() == {"V9001": 11, "V9002": 22}
    assert [(one["key"], one["value"]) for one in shop.variants()["V9001"]["metafields"]] == [("code", "A-1")]
    assert shop.statuses()[9001] == ("updated", "rebuilt")
    shop.stage.close()


@pytest.mark.parametrize("dies_after", range(10, 50, 3))
def test_a_worker_that_dies_while_labels_change_places_mixes_none_up(config: Settings, dies_after: int) -> None:
    fate = Fate()
    shop = Shop(config, fate)
    before = {sku: row["id"] for sku, row in shop.variants().items()}
    shop.resize(V9001="M", V9002="L", V9003="S")
    shop.stage.request(shop.cast)
    fate.new_worker(dies_after)
    shop.stage.play_one()
    fate.new_worker()
    shop.stage.play()
    assert shop.sizes() == {"V9001": "M", "V9002": "L", "V9003": "S"}
    assert shop.labels() == {"S", "M", "L"}
    assert {sku: row["id"] for sku, row in shop.variants().items()} == before
    assert shop.stock() == {f"V{one}": quantity for one, quantity in STOCK.items()}
    shop.stage.close()
