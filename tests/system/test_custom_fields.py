"""Custom fields follow the source: lists as several pairs, others' own untouched; texts in the chosen language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.stage import TOKEN
from tests.playing import Shop, a_catalogue
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]


def a_cup(**cells: Any) -> dict[str, Any]:
    plain = {"name": "Cup", "sku": "C-1", "price": "9", "weight": "1"}
    return a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}], [{"ID": 301, "ID_catalogue": 1, **plain, **cells}])


def pairs(shop: Shop) -> list[tuple[str, str]]:
    (product,) = shop.snapshot()["products"]
    return sorted((one["name"], one["value"]) for one in product["custom_fields"])


def by_hand(shop: Shop, name: str, value: str) -> None:
    """A merchant adds a custom field in the store."""
    (product,) = shop.snapshot()["products"]
    url = f"https://store.test/stores/{shop.cast.store_hash}/v3/catalog/products/{product['id']}/custom-fields"
    with httpx.Client(transport=SandboxTransport(shop.stage.stores), headers={"X-Auth-Token": TOKEN}) as client:
        client.post(url, json={"name": name, "value": value}).raise_for_status()


def test_custom_fields_are_made_changed_and_removed_and_others_stay(open_playing: Open) -> None:
    shop = open_playing(a_cup(Glaze="Blue", Use=["Tea", "Coffee"]))
    assert shop.run() == "completed"
    assert pairs(shop) == [("Glaze", "Blue"), ("Use", "Coffee"), ("Use", "Tea")]
    by_hand(shop, "Shelf", "7")
    by_hand(shop, "Use", "Soup")
    shop.edit("products", 301, Use=["Tea", "Milk"], Glaze="Green")
    assert shop.run() == "completed"
    assert pairs(shop) == [("Glaze", "Green"), ("Shelf", "7"), ("Use", "Milk"), ("Use", "Soup"), ("Use", "Tea")]
    shop.edit("products", 301, Use=[], Glaze="")
    assert shop.run() == "completed"
    assert pairs(shop) == [("Shelf", "7"), ("Use", "Soup")]
    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == []


def test_texts_come_in_the_language_of_the_profile_and_another_one_with_the_next_refresh(open_playing: Open) -> None:
    source = a_cup(uses_it="Per il tè", uses_en="For tea")
    for language in ("it", "en"):
        told = {"type": "string", "language_code": language, "basename": "Uses"}
        source["data_schema_info"]["products"][f"uses_{language}"] = told
    source["schema"]["languages"] = ["en", "it"]
    shop = open_playing(source)
    shop.run()
    assert [value for _, value in pairs(shop)] == ["For tea"]
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        connectors.change_profile(session, shop.cast.connector_id, Profile.model_validate({"language": "it"}))
    assert shop.run() == "unchanged"
    assert [value for _, value in pairs(shop)] == ["For tea"]
    assert shop.run(refresh=True) == "completed"
    assert [value for _, value in pairs(shop)] == ["Per il tè"]
