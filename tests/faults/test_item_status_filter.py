"""An item that no longer passes the source's filter (a `D` row) is disabled if we know it, else it never was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.saleslayer.switches import Options
from sandbox.stage.stage import Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()


def catalogue() -> dict[str, Any]:
    """Root > Leaf; a chair in both, with two sizes; a lamp in the root."""
    names = {
        "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
        "products": ["STATUS", "ID", "ID_catalogue", "REF", "product_name", "product_price", "product_weight"],
        "product_formats": ["STATUS", "ID", "ID_products", "REF", "size"],
    }
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": names,
        "data_schema_info": {
            table: {name: {"type": "string"} for name in columns[4:]} for table, columns in names.items()
        },
        "data": {
            "catalogue": [["M", 1, 0, "C1", "Root"], ["M", 2, 1, "C2", "Leaf"]],
            "products": [["M", 301, [1, 2], "P301", "Chair", "10", "1"], ["M", 302, [1], "P302", "Lamp", "10", "1"]],
            "product_formats": [["M", 9001, 301, "V1", "S"], ["M", 9002, 301, "V2", "M"]],
        },
    }


class Shop:
    """A connector on a stage, whose filter hides what a test says."""

    def __init__(self, config: Settings) -> None:
        self.stage = Stage(config, haste=50)
        self.cast = self.stage.connect(f"filter-{next(_names)}", catalogue())
        options = Options(include_empty_categories=True)
        self.stage.sources.put_connector(self.cast.code, options=options)

    def run(self) -> None:
        """A requested run that completes."""
        self.stage.request(self.cast)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            assert session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")) == "completed"

    def hide(self, table: str, source_id: int) -> None:
        """Give the item a status that the filter leaves out."""
        self.stage.sources.hide(self.cast.code, table, source_id)

    def show(self, table: str, source_id: int) -> None:
        """Give it one that passes."""
        self.stage.sources.show(self.cast.code, table, source_id)

    def outcome(self, kind: str, source_id: int) -> Any:
        """The item's last outcome."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return session.scalar(
                text("SELECT outcome FROM item_status WHERE kind = :kind AND source_id = :id"),
                {"kind": kind, "id": source_id},
            )

    def shown(self) -> dict[str, bool]:
        """Category or product -> whether shoppers see it; SKU of a variant -> whether they can buy it."""
        held = self.stage.stores.snapshot(self.cast.store_hash)
        seen = {row["name"]: row["is_visible"] for row in (*held["categories"], *held["products"])}
        variants = (one for row in held["products"] for one in row["variants"] if one["option_values"])
        return seen | {one["sku"]: not one["purchasing_disabled"] for one in variants}


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


ALL = {"Root": True, "Leaf": True, "Chair": True, "Lamp": True, "V1": True, "V2": True}


@pytest.mark.parametrize(
    ("table", "source_id", "kind", "unseen"),
    [
        ("catalogue", 2, "category", {"Leaf"}),
        ("products", 302, "product", {"Lamp"}),
        ("product_formats", 9002, "variant", {"V2"}),
        ("products", 301, "product", {"Chair"}),  # its variants leave with it: a hidden product sells none
    ],
)
def test_what_the_filter_leaves_out_is_disabled_and_comes_back_enabled(
    shop: Shop, table: str, source_id: int, kind: str, unseen: set[str]
) -> None:
    shop.run()
    assert shop.shown() == ALL
    shop.hide(table, source_id)
    shop.run()
    assert shop.outcome(kind, source_id) == "disabled"
    assert {name for name, seen in shop.shown().items() if not seen} == unseen
    shop.show(table, source_id)
    shop.run()
    assert shop.shown() == ALL
    assert len(shop.stage.stores.snapshot(shop.cast.store_hash)["products"]) == 2, "nothing was made anew"


def test_a_product_that_comes_back_without_a_variant_does_not_sell_it(shop: Shop) -> None:
    shop.run()
    shop.hide("products", 301)
    shop.run()
    shop.hide("product_formats", 9002)
    shop.show("products", 301)
    shop.run()
    assert shop.shown() == ALL | {"V2": False}
    assert shop.outcome("variant", 9002) == "disabled"


def test_what_never_passed_the_filter_is_never_made_and_leaves_no_trace(shop: Shop) -> None:
    shop.hide("products", 302)
    shop.hide("product_formats", 9002)
    shop.run()
    assert set(shop.shown()) == {"Root", "Leaf", "Chair", "V1"}
    shop.stage.sources.edit(shop.cast.code, "products", 302, {"product_price": "11"})
    shop.stage.sources.delete(shop.cast.code, "product_formats", 9002)
    shop.stage.sources.edit(shop.cast.code, "products", 301, {"product_price": "12"})
    shop.run()
    assert set(shop.shown()) == {"Root", "Leaf", "Chair", "V1"}
    assert (shop.outcome("product", 302), shop.outcome("variant", 9002)) == (None, None)


def test_what_passes_the_filter_at_last_is_made(shop: Shop) -> None:
    shop.hide("products", 302)
    shop.run()
    shop.show("products", 302)
    shop.run()
    assert shop.shown() == ALL
    assert shop.outcome("product", 302) == "created"
