"""What counts as sent of an item that is compared with the store anew."""

from __future__ import annotations

from typing import Any

from models.vocabulary import ItemKind
from worker.catalog import fingerprint
from worker.catalog.items import Key, Product, Variant
from worker.catalog.store import Relation, StoreRow
from worker.rules import anew, difference

P = Key(ItemKind.PRODUCT, 1)


def row(**fields: Any) -> StoreRow:
    return StoreRow(ItemKind.PRODUCT, 11, None, None, "cup", "c", fields, "h")


def test_what_the_store_has_otherwise_is_to_be_sent_and_the_rest_is_not() -> None:
    item = Product(1, (5,), {"name": "Cup", "price": "9", "inventory_level": 4}, custom_fields=(("Material", "Clay"),))
    said = difference.product_groups(item, ((1, 5),), ())
    before = Relation(P, 11, fingerprints={**fingerprint.of_groups(said), "stock": "sold", "options": "o"})
    held = row(name="Mug", price="9.0", inventory_level=1, custom_fields=[["Material", "Clay", 3]], categories=[21],
               storefronts=[1], images=[])  # fmt: skip
    after = anew.compared(before, item, said, held, category_ids=[21])
    assert set(said) - set(after.fingerprints) == {"text"}
    assert (after.fingerprints["stock"], after.fingerprints["options"]) == ("sold", "o")
    assert "categories" not in anew.compared(before, item, said, held).fingerprints, "one of them is not there yet"


def test_what_hangs_on_it_is_ours_as_the_store_has_it_now() -> None:
    parts = {
        "custom_fields": [["Material", "Clay", 3], ["Colour", "Red", 4]],
        "images": {"a": [7, "u", 0, ""], "b": [8, "v", 1, ""]},
        "refused_images": {"c": ["w", "no"]},
        "metafields": [["ours", "care", 9, "mark"]],
        "storefronts": [1],
    }
    held = row(custom_fields=[["Material", "Gold", 3], ["Theirs", "x", 5]], images=[[8, "v.jpg", 0, ""]])
    item = Product(1, (), {"name": "Cup"})
    after = anew.compared(Relation(P, 11, parts=parts), item, difference.product_groups(item, (), ()), held)
    assert after.parts == {
        "custom_fields": [["Material", "Gold", 3]],
        "images": {"b": [8, "v", 1, ""]},
        "metafields": [["ours", "care", 9, ""]],
        "storefronts": [1],
    }


def test_a_variants_options_are_never_sent_twice() -> None:
    at = Key(ItemKind.VARIANT, 2)
    item = Variant(2, 1, {"sku": "C-S", "price": "10"})
    held = StoreRow(ItemKind.VARIANT, 22, 11, None, None, "c-s", {"sku": "C-S", "price": "2", "images": []}, "h")
    before = Relation(at, 22, fingerprints={"options": "o", "price": "p", "identity": "i"})
    after = anew.compared(before, item, difference.variant_groups(item), held)
    assert after.fingerprints["options"] == "o"
    assert "price" not in after.fingerprints
    assert "identity" in after.fingerprints
