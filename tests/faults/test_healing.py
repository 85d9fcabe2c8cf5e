"""What is blocked is blocked by name, and heals by itself when what blocked it does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.stage.stage import Cast, Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()
LONG = "x" * 51


def catalogue() -> dict[str, Any]:
    """Root > Middle > Leaf; a product in Middle and Root, one in Leaf alone, one with variants and no weight."""
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
            "catalogue": [["M", 1, 0, "C1", "Root"], ["M", 2, 1, "C2", LONG], ["M", 3, 2, "C3", "Leaf"]],
            "products": [
                ["M", 301, [1, 2], "P301", "In both", "10", "1"],
                ["M", 302, [3], "P302", "In the leaf", "10", "1"],
                ["M", 303, [1], "P303", "Weightless", "10", ""],
                ["M", 304, [1], "P304", "In both", "10", "1"],
            ],
            "product_formats": [["M", 9001, 303, "V1", "S"], ["M", 9002, 303, "V2", "M"], ["M", 9003, 304, "V3", "S"]],
        },
    }


class Shop:
    """A connector on a stage."""

    def __init__(self, config: Settings) -> None:
        self.stage = Stage(config, haste=50)
        self.cast: Cast = self.stage.connect(f"heal-{next(_names)}", catalogue())

    def run(self) -> str:
        """A run to its end; its state."""
        self.stage.request(self.cast)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return str(session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")))

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def status(self, kind: str, source_id: int) -> tuple[str, str | None, str | None]:
        """(outcome, code, message) of an item."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            row = session.execute(
                text("SELECT outcome, code, message FROM item_status WHERE kind = :kind AND source_id = :id"),
                {"kind": kind, "id": source_id},
            ).one()
            return row[0], row[1], row[2]

    def names(self, what: str) -> set[str]:
        """The names of the store's products or categories."""
        return {row["name"] for row in self.stage.stores.snapshot(self.cast.store_hash)[what]}

    def categories_of(self, product: str) -> set[str]:
        """The names of the categories in which a product stands."""
        snapshot = self.stage.stores.snapshot(self.cast.store_hash)
        named = {row["category_id"]: row["name"] for row in snapshot["categories"]}
        row = next(row for row in snapshot["products"] if row["name"] == product)
        return {named[one] for one in row["categories"]}


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


def test_what_hangs_on_a_refused_item_is_blocked_and_names_it(shop: Shop) -> None:
    assert shop.run() == "completed_with_errors"
    assert shop.status("category", 2)[:2] == ("rejected", "value_too_long")
    outcome, code, message = shop.status("category", 3)
    assert (outcome, code) == ("blocked", "parent_refused")
    assert "category 2" in str(message)
    assert shop.status("product", 303)[:2] == ("rejected", "no_valid_weight")
    outcome, code, message = shop.status("variant", 9001)
    assert (outcome, code) == ("blocked", "product_refused")
    assert "product 303" in str(message)
    assert shop.status("product", 304)[:2] == ("failed", "name_taken")
    assert shop.names("categories") == {"Root"}
    assert shop.categories_of("In both") == {"Root"}


def test_a_category_that_is_mended_brings_its_children_and_its_products(shop: Shop) -> None:
    shop.run()
    shop.edit("catalogue", 2, section_name="Middle")
    shop.run()
    shop.stage.check(shop.cast)
    shop.stage.play()
    assert shop.names("categories") == {"Root", "Middle", "Leaf"}
    assert shop.categories_of("In both") == {"Root", "Middle"}
    assert shop.categories_of("In the leaf") == {"Leaf"}


def test_a_product_that_is_mended_brings_its_variants(shop: Shop) -> None:
    shop.run()
    shop.edit("products", 303, product_weight="2")
    shop.run()
    assert "Weightless" in shop.names("products")
    assert shop.status("variant", 9001)[0] == "created"


def test_a_name_that_is_given_up_goes_to_the_next_in_line(shop: Shop) -> None:
    shop.run()
    shop.edit("products", 301, product_name="Another name")
    shop.run()
    assert {"Another name", "In both"} <= shop.names("products")
    assert shop.status("product", 304)[0] == "created"
    assert shop.status("variant", 9003)[0] == "created"


def test_a_linked_product_keeps_its_name_against_a_lower_id(shop: Shop) -> None:
    shop.run()
    shop.edit("products", 301, product_name="First")
    shop.run()
    shop.edit("products", 302, product_name="First")
    shop.run()
    assert shop.status("product", 302)[:2] == ("failed", "name_taken")
    assert {"First", "In the leaf"} - shop.names("products") <= {"In the leaf"}
    assert shop.status("product", 301)[0] != "failed"


def test_a_scheduled_check_without_changes_leaves_no_trace_but_last_checked(shop: Shop) -> None:
    shop.run()
    store = shop.stage.stores.store(shop.cast.store_hash)
    store.log.clear()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        before = session.execute(text("SELECT count(*), max(id) FROM run")).one()
        checked = session.scalar(text("SELECT last_checked_at FROM connector"))
    shop.stage.check(shop.cast)
    assert shop.stage.play() == ["work_done"]
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        assert session.execute(text("SELECT count(*), max(id) FROM run")).one() == before
        assert session.scalar(text("SELECT last_checked_at FROM connector")) > checked
    assert store.log.counters()["requests"] == 0


def test_a_scheduled_check_that_finds_a_change_becomes_a_run_of_the_register(shop: Shop) -> None:
    shop.run()
    shop.edit("products", 301, product_price="11")
    shop.stage.check(shop.cast)
    shop.stage.play()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        last = session.execute(text("SELECT trigger, listed, state FROM run ORDER BY id DESC LIMIT 1")).one()
    assert tuple(last) == ("check", True, "completed_with_errors")


def test_a_forced_refresh_makes_everything_due_and_writes_nothing_where_nothing_changed(shop: Shop) -> None:
    shop.run()
    store = shop.stage.stores.store(shop.cast.store_hash)
    store.log.clear()
    shop.stage.request(shop.cast, refresh=True)
    shop.stage.play()
    assert store.log.counters()["writes"] == 0
    assert store.log.counters()["requests"] > 0


def test_requests_while_a_run_is_under_way_become_one_follow_up(shop: Shop) -> None:
    first = shop.stage.request(shop.cast)
    shop.stage.settings = shop.stage.settings.model_copy(update={"slice_seconds": 0.01, "slice_yield_seconds": 0.01})
    shop.stage.play_one()
    follow_ups = {shop.stage.request(shop.cast) for _ in range(3)}
    assert len(follow_ups) == 1
    assert first not in follow_ups
    shop.stage.play()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        states = session.scalars(text("SELECT state FROM run ORDER BY id")).all()
    assert states == ["completed_with_errors", "unchanged"]
