"""A new profile makes nothing due; a forced refresh applies it to all (law 6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.stage.stage import Cast, Stage
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()
PRODUCTS = {301: "Lamp", 302: "Chair", 303: "Table"}


def catalogue() -> dict[str, Any]:
    """Three products with two prices, and a flag."""
    columns = {
        "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
        "products": ["STATUS", "ID", "ID_catalogue", "REF", "product_name", "product_weight", "product_price", "outlet",
                     "is_new"],
    }  # fmt: skip
    info = {table: {name: {"type": "string"} for name in names[3:]} for table, names in columns.items()}
    info["products"]["is_new"] = {"type": "boolean"}
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": columns,
        "data_schema_info": info,
        "data": {
            "catalogue": [["M", 1, 0, "C1", "Root"]],
            "products": [["M", one, [1], f"P{one}", name, "1", "10", "7", 1] for one, name in PRODUCTS.items()],
        },
    }


class Shop:
    """A connector on a stage, its first run behind it."""

    def __init__(self, config: Settings) -> None:
        self.stage = Stage(config, haste=50)
        self.cast: Cast = self.stage.connect(f"profile-{next(_names)}", catalogue())
        self.run()

    def run(self, *, refresh: bool = False) -> str:
        """A requested run to its end; its state."""
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        return str(self.one("SELECT state FROM run ORDER BY id DESC LIMIT 1"))

    def one(self, sql: str) -> Any:
        """One value out of the tenant's rows."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql))

    def save(self, **profile: Any) -> None:
        """Save another profile."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.change_profile(session, self.cast.connector_id, Profile.model_validate(profile))

    def prices(self) -> dict[str, float]:
        """Product -> price, as the store has it."""
        rows = self.stage.stores.snapshot(self.cast.store_hash)["products"]
        return {row["name"]: float(row["price"]) for row in rows}

    def asked(self) -> dict[str, Any]:
        """The store's counters since this was last asked."""
        log = self.stage.stores.store(self.cast.store_hash).log
        counted = log.counters()
        log.clear()
        return counted


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = Shop(config)
    yield made
    made.stage.close()


OUTLET = {"mapping": {"product": {"price": "outlet"}}}


def test_saving_a_profile_makes_nothing_due_and_asks_nothing_of_the_store(shop: Shop) -> None:
    shop.asked()
    shop.save(**OUTLET)
    shop.stage.check(shop.cast)
    shop.stage.play()
    assert shop.run() == "unchanged"
    assert shop.asked()["requests"] == 0
    assert shop.one("SELECT count(*) FROM source_item WHERE due") == 0
    assert shop.prices() == {"Lamp": 10, "Chair": 10, "Table": 10}


def test_what_the_source_changes_goes_out_by_the_new_profile_alone(shop: Shop) -> None:
    shop.save(**OUTLET)
    shop.stage.sources.edit(shop.cast.code, "products", 302, {"outlet": "6"})
    assert shop.run() == "completed"
    assert shop.prices() == {"Lamp": 10, "Chair": 6, "Table": 10}


def test_a_forced_refresh_applies_a_new_profile_to_all(shop: Shop) -> None:
    shop.save(**OUTLET)
    assert shop.run(refresh=True) == "completed"
    assert shop.prices() == {"Lamp": 7, "Chair": 7, "Table": 7}
    shop.asked()
    assert shop.run(refresh=True) == "completed"
    assert shop.asked()["writes"] == 0


def test_a_mapping_that_cannot_be_is_told_whole_when_the_run_begins_and_nothing_is_sent(shop: Shop) -> None:
    shop.asked()
    shop.save(
        mapping={"product": {"price": "is_new", "cost_price": "cost", "images": "outlet"}}, custom_fields=["Paper"]
    )
    shop.stage.sources.edit(shop.cast.code, "products", 302, {"outlet": "6"})
    assert shop.run() == "failed"
    told = str(shop.one("SELECT text FROM run_message WHERE code = 'profile_unusable'"))
    for fault in ("'is_new'", "'cost'", "'outlet'", "'Paper'"):
        assert fault in told
    assert shop.asked()["requests"] == 0
    shop.save()
    assert shop.run() in {"completed", "unchanged"}
    assert shop.one("SELECT count(*) FROM source_item WHERE due") == 0


def test_a_stored_profile_with_unknown_fields_fails_the_run_and_names_them_all(shop: Shop) -> None:
    stored = '{"mapping": {"product": {"prize": "p", "wait": "w"}}, "sock": 1}'
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(text("UPDATE connector SET profile = CAST(:profile AS jsonb)"), {"profile": stored})
    assert shop.run() == "failed"
    told = str(shop.one("SELECT text FROM run_message WHERE code = 'profile_unusable' ORDER BY id DESC LIMIT 1"))
    for fault in ("product.prize", "product.wait", "sock is no field"):
        assert fault in told
    shop.stage.check(shop.cast)
    shop.stage.play()
    assert shop.one("SELECT count(*) FROM run WHERE state = 'failed' AND listed") == 2, "a check tells it too"
    shop.save()
    assert shop.run() == "unchanged"
