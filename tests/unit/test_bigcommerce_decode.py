"""What the store answers becomes rows that can be compared with the source."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from models.vocabulary import ItemKind
from worker.bigcommerce import decode
from worker.catalog.fields import FIELDS
from worker.catalog.store import StoreRow

CATEGORY, PRODUCT, VARIANT = ItemKind
SIZE_S = {"id": 91, "label": "S", "option_id": 81, "option_display_name": "Size"}
SIZE_M = {"id": 92, "label": "M", "option_id": 81, "option_display_name": "Size"}
RED = {"id": 93, "label": "Red", "option_id": 82, "option_display_name": "Colour"}


def a_raw_product(**more: Any) -> dict[str, Any]:
    return {"id": 501, "name": " Laurel ", "sku": "P-301", "price": 10, "weight": 1.5, "brand_id": 0, **more}


def own(raw: dict[str, Any], brands: dict[int, str] | None = None) -> StoreRow:
    """The row of the product itself."""
    return decode.product(raw, brands or {})[0]


def test_a_category_says_where_it_stands() -> None:
    raw = {"category_id": 71, "parent_id": 70, "tree_id": 3, "name": "Spring  Sale", "url": {"path": "/spring/"}}
    row = decode.category(raw | {"is_visible": False, "image_url": "https://cdn/c.jpg"})
    assert (row.kind, row.store_id, row.parent_id, row.tree_id) == (CATEGORY, 71, 70, 3)
    assert (row.name_key, row.sku_key) == ("spring sale", None)
    assert (row.fields["url"], row.fields["is_visible"]) == ("/spring/", False)
    assert row.fields["images"] == [[0, "https://cdn/c.jpg", 0]]


def test_a_root_category_hangs_on_nothing() -> None:
    row = decode.category({"category_id": 71, "parent_id": 0, "tree_id": 3, "name": "A", "image_url": ""})
    assert (row.parent_id, row.fields["images"]) == (0, [])


def test_a_product_comes_with_its_variants() -> None:
    variants = [
        {"id": 601, "sku": "V-1", "option_values": [SIZE_S]},
        {"id": 602, "sku": "V-2", "option_values": [SIZE_M]},
    ]
    rows = decode.product(a_raw_product(variants=variants), {})
    assert [(row.kind, row.store_id, row.parent_id, row.sku_key) for row in rows] == [
        (PRODUCT, 501, None, "p-301"),
        (VARIANT, 601, 501, "v-1"),
        (VARIANT, 602, 501, "v-2"),
    ]
    assert rows[0].name_key == "laurel"


def test_the_base_variant_is_no_variant() -> None:
    assert len(decode.product(a_raw_product(variants=[{"id": 600, "sku": "P-301", "option_values": []}]), {})) == 1


def test_a_variant_has_its_option_values_in_order() -> None:
    row = decode.variant({"id": 601, "sku": "", "option_values": [SIZE_S, RED], "purchasing_disabled": True}, 501)
    assert row.fields["option_values"] == [["Colour", "Red"], ["Size", "S"]]
    assert row.fields["enabled"] is False
    assert (row.sku_key, row.fields["sku"]) == ("", None)


def test_a_brand_is_known_by_name_and_id() -> None:
    fields = own(a_raw_product(brand_id=7), {7: "Acme"}).fields
    assert (fields["brand"], fields["brand_id"]) == ("Acme", 7)
    assert own(a_raw_product(brand_id=None)).fields["brand"] is None


def test_storefronts_are_known_only_where_the_store_told_them() -> None:
    assert own(a_raw_product(channels=[2, 1])).fields["storefronts"] == [1, 2]
    assert own(a_raw_product(channels=[])).fields["storefronts"] == []
    assert own(a_raw_product()).fields["storefronts"] is None


def test_categories_are_in_order() -> None:
    assert own(a_raw_product(categories=[6, 5])).fields["categories"] == [5, 6]


def test_what_hangs_on_a_product_comes_with_its_ids() -> None:
    found = decode.parts(
        a_raw_product(
            images=[
                {"id": 3, "sort_order": 1, "image_file": "b.jpg", "description": "The back"},
                {"id": 9, "sort_order": 0, "url_zoom": "https://cdn/a.jpg"},
                {"id": 2, "sort_order": 1, "image_file": "c.jpg"},
            ],
            custom_fields=[{"id": 4, "name": "Paper", "value": "Cotton"}],
            bulk_pricing_rules=[
                {"id": 5, "quantity_min": 2, "quantity_max": 0, "type": "percent", "amount": Decimal("10.50")}
            ],
            videos=[{"id": 6, "video_id": "dQw4w9WgXcQ", "type": "youtube", "title": ""}],
            variants=[{"id": 601, "option_values": [SIZE_S, RED]}, {"id": 602, "option_values": [SIZE_M, RED]}],
        )
    )
    assert found == {
        "images": [[9, "https://cdn/a.jpg", 0, ""], [2, "c.jpg", 1, ""], [3, "b.jpg", 1, "The back"]],
        "custom_fields": [["Paper", "Cotton", 4]],
        "bulk_rules": [[2, 0, "percent", "10.5", 5]],
        "videos": [["dQw4w9WgXcQ", 6]],
        "options": {"Size": {"id": 81, "values": {"S": 91, "M": 92}}, "Colour": {"id": 82, "values": {"Red": 93}}},
    }


@pytest.mark.parametrize(
    ("kind", "name", "raw", "value"),
    [
        (PRODUCT, "price", 10, "10"),
        (PRODUCT, "price", 10.50, "10.5"),  # zeros behind the point say nothing, as at the source
        (PRODUCT, "price", "1E+2", "100"),
        (PRODUCT, "sale_price", 0, "0"),
        (PRODUCT, "price", -0.0, "0"),
        (PRODUCT, "price", None, None),
        (PRODUCT, "inventory_level", 0, 0),  # a zero is a value
        (PRODUCT, "is_visible", False, False),  # a no is a value
        (VARIANT, "enabled", False, True),  # the store says whether purchasing is disabled
        (VARIANT, "enabled", True, False),
        (PRODUCT, "description", "", None),  # an empty text is none
        (PRODUCT, "meta_keywords", [], None),
        (PRODUCT, "meta_keywords", ["a", "b"], ["a", "b"]),
        (PRODUCT, "gift_wrapping_options_list", [3, 4], ["3", "4"]),
        (PRODUCT, "condition", "New", "New"),
        (PRODUCT, "url", {"url": "/a/", "is_customized": False}, "/a/"),
        (CATEGORY, "url", {"path": "/a/"}, "/a/"),
        (CATEGORY, "url", None, None),
    ],
)
def test_a_field_that_the_store_holds_has_its_canonical_value(kind: ItemKind, name: str, raw: Any, value: Any) -> None:
    assert decode.held(FIELDS[kind][name], raw) == value


def test_equal_answers_have_equal_hashes_and_others_do_not() -> None:
    one, same, other = (own(a_raw_product(price=price)).hash for price in (10, 10.0, 11))
    assert one == same
    assert one != other
