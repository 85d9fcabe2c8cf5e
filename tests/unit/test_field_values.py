"""An item's fields in one shape, whoever says them."""

from __future__ import annotations

import pytest

from models.vocabulary import ItemKind
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateProduct,
    CreateVariant,
    Disable,
    ProveStock,
    PutMetafields,
    RebuildVariants,
    RelabelOptions,
    RelateProducts,
    SetStock,
    UpdateProduct,
)
from worker.catalog.items import Image, Key, Metafield, Option, OptionValue, Product, Variant
from worker.rules import field_values

NOTE = Metafield("ours", "care", "wash", "app_only")
PRODUCT = Product(
    1,
    (7, 5),
    {"name": "Cup", "sku": "C", "price": "9", "inventory_level": 4},
    (Image("i", "https://m.test/i.jpg"),),
    (("Material", "Clay"),),
    related=("P-2",),
    metafields=(NOTE,),
)
VARIANT = Variant(2, 1, {"sku": "C-S", "price": "10", "inventory_level": 3}, (OptionValue("size", "S"),), (), (NOTE,))
OPTIONS = (Option("size", "dropdown", (("S", ()),)),)
P, V = Key(ItemKind.PRODUCT, 1), Key(ItemKind.VARIANT, 2)


def test_what_an_item_has_none_of_is_left_out() -> None:
    told = field_values.of_item(PRODUCT)
    assert told["images"] == ["https://m.test/i.jpg"]
    assert told["categories"] == [5, 7]
    assert told["custom_fields"] == [["Material", "Clay"]]
    assert not {"bulk_rules", "videos", "options"} & set(told)
    assert field_values.of_item(VARIANT)["options"] == [["size", "S"]]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (
            CreateProduct(1, PRODUCT, (VARIANT,), OPTIONS, ((1, 5), (2, 5)), {}),
            {
                P: {"name": "Cup", "sku": "C", "price": "9", "inventory_level": 4, "images": ["https://m.test/i.jpg"],
                    "custom_fields": [["Material", "Clay"]], "categories": [5], "options": [["size", ["S"]]]},
                V: {"sku": "C-S", "price": "10", "inventory_level": 3, "options": [["size", "S"]]},
            },
        ),
        (UpdateProduct(1, PRODUCT, (), frozenset({"price"}), {}), {P: {"price": "9"}}),
        (
            UpdateProduct(1, PRODUCT, ((1, 5),), frozenset({"categories", "videos", "related"}), {}),
            {P: {"categories": [5], "videos": []}},
        ),
        (CreateVariant(2, 1, VARIANT, OPTIONS, {}),
         {V: {"sku": "C-S", "price": "10", "inventory_level": 3, "options": [["size", "S"]]}}),
        (RebuildVariants(1, (VARIANT,), {2: 20}, {}, OPTIONS, {}, sends_stock=False, sends_prices=False),
         {V: {"sku": "C-S", "options": [["size", "S"]]}}),
        (RelabelOptions(1, (), {2: "f"}), {V: {"options": None}}),
        (Disable(ItemKind.PRODUCT, 1), {P: {"is_visible": False}}),
        (Disable(ItemKind.VARIANT, 2), {V: {"enabled": False}}),
        (SetStock(ItemKind.VARIANT, 2, 8, 1, "f"), {V: {"inventory_level": 8}}),
        (RelateProducts(1, ("P-2",), "f"), {P: {"related_products": ["P-2"]}}),
        (PutMetafields(ItemKind.PRODUCT, 1, (NOTE,), "f"), {P: {"metafields": [["ours", "care", "wash"]]}}),
        (AssignStorefronts(1, (1, 2), "f"), {P: {"storefronts": [1, 2]}}),
        (ProveStock(2, 1, (), ""), {}),
    ],
    ids=lambda one: getattr(one, "what", ""),
)  # fmt: skip
def test_a_change_tells_what_it_sends_and_no_more(change: Change, sent: dict[Key, dict[str, object]]) -> None:
    assert field_values.sent_by(change) == sent


def test_what_the_store_holds_has_the_same_shape() -> None:
    fields = {
        "name": "Cup", "price": "9", "brand_id": 4, "description": None, "images": [[11, "i.jpg", 0, ""]],
        "custom_fields": [["Material", "Clay", 3]], "bulk_rules": [[2, 9, "percent", "5", 8]], "videos": [["v", 1]],
        "categories": [22, 21], "options": {"size": {"id": 1, "values": {"S": 5, "M": 6}}},
    }  # fmt: skip
    assert field_values.in_store(ItemKind.PRODUCT, fields) == {
        "name": "Cup", "price": "9", "images": ["i.jpg"], "custom_fields": [["Material", "Clay"]],
        "bulk_rules": [[2, 9, "percent", "5"]], "videos": ["v"], "categories": [21, 22],
        "options": [["size", ["S", "M"]]],
    }  # fmt: skip
    held = {"option_values": [["size", "S"]], "sku": "C-S", "images": []}
    assert field_values.in_store(ItemKind.VARIANT, held) == {"sku": "C-S", "options": [["size", "S"]]}


def test_rules_of_the_source_and_of_the_store_are_told_alike() -> None:
    rule = BulkRule(2, 9, "percent", "5")
    said = field_values.of_item(Product(1, (), {}, bulk_rules=(rule,)))["bulk_rules"]
    held = field_values.in_store(ItemKind.PRODUCT, {"bulk_rules": [[2, 9, "percent", "5", 8]]})["bulk_rules"]
    assert said == held
