"""One item: what it is at the source, as last sent and in the store; and that it be synchronised now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from models.vocabulary import ItemKind
from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.stage import TOKEN
from tests.playing import Shop, a_catalogue, photo
from worker.commands import item
from worker.commands.item import Detail, Field
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]
PRODUCT, VARIANT, CATEGORY = ItemKind.PRODUCT, ItemKind.VARIANT, ItemKind.CATEGORY
PROFILE = {
    "switches": {"overwrite_stock": True},
    "metafields": {"product": [{"key": "fabric", "column": "fabric"}]},
    "custom_fields": ["Material"],
    "options": ["size"],
}


class Corner:
    """A shop with one cup in two sizes, and the merchant's own hands."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.merchant = httpx.Client(
            transport=SandboxTransport(shop.stage.stores),
            headers={"X-Auth-Token": TOKEN},
            base_url=f"https://store.test/stores/{shop.cast.store_hash}/v3",
        )

    def detail(self, kind: ItemKind, source_id: int) -> Detail:
        with as_tenant(self.shop.stage.engine, self.shop.cast.tenant_id) as session:
            found = item.detail(session, self.shop.cast.connector_id, kind, source_id)
        assert found is not None
        return found

    def fields(self, kind: ItemKind, source_id: int, storefront: int = 0) -> dict[str, Field]:
        place = next(one for one in self.detail(kind, source_id).places if one.storefront_id == storefront)
        return {one.name: one for one in place.fields}

    def synchronise(self, kind: ItemKind, source_id: int) -> bool:
        with as_tenant(self.shop.stage.engine, self.shop.cast.tenant_id) as session:
            return item.synchronise(session, self.shop.cast.connector_id, kind, source_id)

    def change(self, path: str, **body: Any) -> None:
        self.merchant.put(path, json=body).raise_for_status()


@pytest.fixture
def corner(open_playing: Open) -> Corner:
    cup = {"ID": 301, "ID_catalogue": [1], "REF": "CUP", "product_name": "Cup", "product_price": "9"}
    cup |= {"product_weight": "1", "product_description": "Holds tea.", "Material": "Clay", "fabric": "none"}
    cup |= {"product_is_visible": "1"}
    sizes = [
        {"ID": 9000 + n, "ID_products": 301, "REF": f"CUP-{size}", "size": size, "format_price": str(9 + n),
         "stock": "5", "image": [photo(size)]}
        for n, size in enumerate("SL", 1)
    ]  # fmt: skip
    other = {"ID": 302, "ID_catalogue": [1], "REF": "POT", "product_name": "Pot", "product_price": "20"}
    other |= {"product_weight": "1", "product_image": [photo("pot")]}
    shop = open_playing(
        a_catalogue(
            [{"ID": 1, "ID_PARENT": 0, "REF": "C1", "section_name": "Kitchen", "image": [photo("kitchen")]}],
            [cup | {"product_image": [photo("a"), photo("b")]}, other],
            sizes,
        ),
        profile=PROFILE,
    )
    assert shop.run() == "completed"
    return Corner(shop)


def held(shop: Shop, **but: Any) -> dict[str, Any]:
    """All that the store holds of the catalogue, without the times of its changes."""

    def plain(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: plain(value) for name, value in one.items() if "date" not in name} | (
                {name: value for name, value in but.items() if name in one}
            )
        return [plain(value) for value in one] if isinstance(one, list) else one

    found = shop.snapshot()
    return {name: plain(found[name]) for name in ("categories", "products")}


def test_what_was_edited_by_hand_is_as_the_source_says_and_nothing_else_is_touched(corner: Corner) -> None:
    shop = corner.shop
    before = held(shop)
    cup, pot = shop.products()["CUP"], shop.products()["POT"]
    small, large = shop.variants()["CUP-S"], shop.variants()["CUP-L"]
    path = f"/catalog/products/{cup['id']}"
    corner.change(path, name="Mug", price=1, description="Cheap!", is_visible=False)
    corner.change(f"{path}/variants/{small['id']}", price=2)
    (note,) = cup["metafields"]
    corner.change(f"{path}/metafields/{note['id']}", value="gold")
    corner.change(f"{path}/custom-fields/{cup['custom_fields'][0]['id']}", name="Material", value="Gold")
    corner.change(f"/catalog/products/{pot['id']}", name="Kettle")
    sold = {"location_id": 1, "sku": "CUP-L", "quantity": 2}
    corner.merchant.put("/inventory/adjustments/absolute", json={"items": [sold]}).raise_for_status()
    assert shop.run() == "unchanged", "an edit in the store is no change at the source"
    assert shop.products()["CUP"]["name"] == "Mug"

    assert corner.synchronise(PRODUCT, 301)
    assert shop.run() == "completed"
    assert not [one for one in shop.writes() if one.startswith("POST") or "image" in one], shop.writes()
    assert not any(b"image_url" in (entry.body or b"") for entry in shop.store.log.entries if entry.method != "GET")
    after = {one["sku"]: one for one in held(shop)["products"]}
    assert after["POT"]["name"] == "Kettle", "nobody has asked for that one"
    assert shop.variants()["CUP-L"]["inventory_level"] == 2, "what was sold meanwhile is no difference"
    assert shop.variants()["CUP-S"]["inventory_level"] == 5
    expected = {one["sku"]: one for one in before["products"]}["CUP"]
    levels = {"inventory_level": after["CUP"]["inventory_level"], "variants": after["CUP"]["variants"]}
    assert after["CUP"] == expected | levels
    for now, then in zip(after["CUP"]["variants"], expected["variants"], strict=True):
        assert now == then | {"inventory_level": now["inventory_level"]}
    assert (shop.variants()["CUP-S"]["id"], shop.variants()["CUP-L"]["id"]) == (small["id"], large["id"])
    assert held(shop)["categories"] == before["categories"]
    assert shop.status("product", 301)[0] == "updated"
    assert shop.run() == "unchanged"


def test_what_was_taken_away_by_hand_is_made_again_once(corner: Corner) -> None:
    shop = corner.shop
    cup = shop.products()["CUP"]
    path = f"/catalog/products/{cup['id']}"
    first = min(cup["images"], key=lambda one: one["sort_order"])
    corner.merchant.delete(f"{path}/images/{first['id']}").raise_for_status()
    corner.merchant.delete(f"{path}/custom-fields/{cup['custom_fields'][0]['id']}").raise_for_status()
    corner.merchant.post(f"{path}/custom-fields", json={"name": "Theirs", "value": "stays"}).raise_for_status()
    small = shop.variants()["CUP-S"]
    corner.merchant.post(f"{path}/images", json={"image_url": "https://media.test/theirs.jpg"}).raise_for_status()
    corner.change(f"{path}/variants/{small['id']}", image_url="")
    for _ in range(2):
        assert corner.synchronise(PRODUCT, 301)
        assert shop.run() == "completed"
        now = shop.products()["CUP"]
        assert sorted(one["image_file"] for one in now["images"]) == ["a.jpg", "b.jpg", "theirs.jpg"]
        assert sorted((one["name"], one["value"]) for one in now["custom_fields"]) == [
            ("Material", "Clay"), ("Theirs", "stays"),
        ]  # fmt: skip
        assert "S.jpg" in shop.variants()["CUP-S"]["image_url"]
        assert shop.variants()["CUP-S"]["id"] == small["id"]
    assert not [one for one in shop.writes() if one.startswith("POST")], "the second time nothing was lacking"


def test_a_variant_and_a_category_are_synchronised_alone(corner: Corner) -> None:
    shop = corner.shop
    cup, small = shop.products()["CUP"], shop.variants()["CUP-S"]
    (kitchen,) = shop.categories().values()
    corner.change(f"/catalog/products/{cup['id']}", name="Mug")
    corner.change(f"/catalog/products/{cup['id']}/variants/{small['id']}", price=2)
    corner.merchant.put(
        "/catalog/trees/categories", json=[{"category_id": kitchen["category_id"], "name": "Cellar"}]
    ).raise_for_status()
    assert corner.synchronise(VARIANT, 9001)
    assert corner.synchronise(CATEGORY, 1)
    assert shop.run() == "completed"
    assert shop.variants()["CUP-S"]["price"] == 10
    assert list(shop.categories()) == ["1 Kitchen"]
    assert [row["name"] for row in shop.products().values()] == ["Mug", "Pot"], "its product was not asked for"
    assert not [one for one in shop.writes() if one.startswith("POST")]


def test_an_item_nobody_has_heard_of_is_not_synchronised(corner: Corner) -> None:
    assert not corner.synchronise(PRODUCT, 404)
    with as_tenant(corner.shop.stage.engine, corner.shop.cast.tenant_id) as session:
        assert item.detail(session, corner.shop.cast.connector_id, PRODUCT, 404) is None
    with as_tenant(corner.shop.stage.engine, corner.shop.cast.tenant_id + 1) as session:
        assert item.detail(session, corner.shop.cast.connector_id, PRODUCT, 301) is None
        assert not item.synchronise(session, corner.shop.cast.connector_id, PRODUCT, 301)
    assert corner.shop.run() == "unchanged"


def test_a_field_is_told_at_the_source_as_last_sent_and_in_the_store(corner: Corner) -> None:
    shop = corner.shop
    cup = shop.products()["CUP"]
    corner.change(f"/catalog/products/{cup['id']}", price=1)
    shop.edit("products", 302, product_name="Pan")
    assert shop.run() == "completed"  # reads the store, and has nothing to say of the cup
    shop.edit("products", 301, product_price="12", product_name="")
    assert shop.run() == "completed_with_errors"  # the cup has no name: it stays as it was sent
    told = corner.fields(PRODUCT, 301)
    assert (told["price"].source, told["price"].sent, told["price"].store) == ("12", "9", "1")
    assert (told["name"].source, told["name"].sent, told["name"].store) == (None, "Cup", "Cup")
    assert told["custom_fields"] == Field("custom_fields", [["Material", "Clay"]], *[[["Material", "Clay"]]] * 2)
    assert told["images"].source == told["images"].sent == ["https://media.test/a.jpg", "https://media.test/b.jpg"]
    assert told["images"].store == ["a.jpg", "b.jpg"]
    assert told["categories"] == Field("categories", [1], [1], [1])
    assert told["metafields"].source == told["metafields"].sent == [["saleslayer", "fabric", "none"]]
    assert told["storefronts"].sent == [1]
    known = corner.detail(PRODUCT, 301).known
    assert [(one.outcome, one.code) for one in known.statuses] == [("rejected", "no_name")]
    assert known.links[0].store_id == cup["id"]
    assert (known.links[0].created_here, known.links[0].enabled) == (True, True)
    assert known.store_read_at is not None
    assert known.source_read_at is not None


def test_what_was_sent_of_variants_and_categories_is_kept_too(corner: Corner) -> None:
    shop = corner.shop
    assert corner.fields(VARIANT, 9001)["options"] == Field("options", [["size", "S"]], [["size", "S"]], None)
    assert corner.fields(VARIANT, 9001)["price"].sent == "10"
    assert corner.fields(VARIANT, 9001)["inventory_level"].sent == 5
    assert corner.fields(CATEGORY, 1, 1)["name"] == Field("name", "Kitchen", "Kitchen", None)
    shop.edit("product_formats", 9001, stock="8")
    shop.edit("product_formats", 9002, format_price="44")
    shop.stage.sources.delete(shop.cast.code, "products", 302)
    assert shop.run() == "completed"
    assert corner.fields(VARIANT, 9001)["inventory_level"] == Field("inventory_level", 8, 8, 5)
    assert corner.fields(VARIANT, 9002)["price"] == Field("price", "44", "44", "11")
    assert corner.fields(VARIANT, 9002)["sku"].sent == "CUP-L"
    assert corner.fields(PRODUCT, 302)["is_visible"].sent is False
    assert corner.fields(PRODUCT, 302)["name"] == Field("name", None, "Pot", "Pot")
    shop.edit("product_formats", 9001, size="XS")
    assert shop.run() == "completed"
    assert corner.fields(VARIANT, 9001)["options"].source == [["size", "XS"]]
    assert corner.fields(VARIANT, 9001)["options"].sent in (None, [["size", "XS"]])
    detail = corner.detail(VARIANT, 9001)
    assert (detail.name, detail.reference) == (None, "CUP-S")
