"""What is beyond the store's limits costs the item that field, and is told."""

from __future__ import annotations

import pytest

from models.vocabulary import ItemKind
from worker.catalog.items import Image
from worker.catalog.values import Value
from worker.rules import limits

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (PRODUCT, "warranty", "x" * 65_535),
        (PRODUCT, "meta_keywords", ["x" * 65_535]),
        (PRODUCT, "upc", "1" * 14),
        (PRODUCT, "cost_price", "0"),
        (PRODUCT, "width", "9999999999"),
        (PRODUCT, "tax_class_id", 255),
        (PRODUCT, "sort_order", -5),  # places may be negative
        (PRODUCT, "inventory_level", 2_147_483_647),
        (PRODUCT, "brand", "1000000000"),  # an id
        (PRODUCT, "url", "/" + "x" * 253 + "/"),  # the store's 255 count the slashes
        (PRODUCT, "url", "piñata/año-2026_b.html"),
        (CATEGORY, "url", "straße/ÿ"),
        (VARIANT, "weight", None),  # an empty value is no trouble
    ],
)
def test_it_is_within_the_limits(kind: ItemKind, name: str, value: Value) -> None:
    assert limits.fitting(kind, {name: value}) == ({name: value}, [])


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        (PRODUCT, "warranty", "x" * 65_536, "value_too_long"),
        (PRODUCT, "meta_keywords", ["x" * 40_000] * 2, "value_too_long"),  # words are counted together
        (PRODUCT, "price_hidden_label", "x" * 201, "value_too_long"),
        (PRODUCT, "gtin", "1" * 15, "value_too_long"),
        (PRODUCT, "cost_price", "-0.01", "value_negative"),
        (PRODUCT, "sale_price", "-1", "value_negative"),
        (VARIANT, "price", "-1", "value_negative"),
        (PRODUCT, "width", "10000000000", "value_out_of_range"),
        (PRODUCT, "map_price", "10000000000", "value_out_of_range"),
        (PRODUCT, "tax_class_id", 256, "value_out_of_range"),
        (PRODUCT, "inventory_level", -1, "value_out_of_range"),
        (PRODUCT, "inventory_level", 2_147_483_648, "value_out_of_range"),
        (PRODUCT, "sort_order", -2_147_483_649, "value_out_of_range"),
        (PRODUCT, "order_quantity_minimum", 1_000_000_001, "value_out_of_range"),
        (PRODUCT, "brand", "1000000001", "value_out_of_range"),
        (PRODUCT, "brand", "x" * 256, "value_too_long"),
        (PRODUCT, "url", "x" * 254, "value_too_long"),
        (PRODUCT, "url", "чашка", "url_unusable"),
        (PRODUCT, "url", "a cup", "url_unusable"),
        (CATEGORY, "url", "cups?all", "url_unusable"),
        (CATEGORY, "search_keywords", "x" * 256, "value_too_long"),
        (VARIANT, "bin_picking_number", "x" * 256, "value_too_long"),
    ],
)
def test_it_is_left_out_and_told(kind: ItemKind, name: str, value: Value, code: str) -> None:
    kept, (problem,) = limits.fitting(kind, {name: value, "name": "stays"} if kind is not VARIANT else {name: value})
    assert name not in kept
    assert kept.get("name", "stays") == "stays"
    assert (problem.code, problem.field) == (code, name)


def test_a_required_field_is_left_to_the_verdict() -> None:
    assert limits.fitting(PRODUCT, {"name": "x" * 251, "price": "-1"}) == ({"name": "x" * 251, "price": "-1"}, [])


@pytest.mark.parametrize(
    ("fields", "kept", "codes"),
    [
        # A hidden price needs what cannot be bought.
        ({"availability": "disabled", "is_price_hidden": True, "price_hidden_label": "Ask"}, None, []),
        ({"availability": "available", "is_price_hidden": False, "price_hidden_label": None}, None, []),
        (
            {"availability": "available", "is_price_hidden": True},
            {"availability": "available", "is_price_hidden": False},
            ["needs_availability"],
        ),
        ({"is_price_hidden": True, "price_hidden_label": "Ask"}, {}, ["needs_availability"] * 2),
        # Ids are listed with the type `list` alone.
        ({"gift_wrapping_options_type": "list", "gift_wrapping_options_list": ["3"]}, None, []),
        ({"gift_wrapping_options_type": "any", "gift_wrapping_options_list": None}, None, []),
        (
            {"gift_wrapping_options_type": "any", "gift_wrapping_options_list": ["3"]},
            {"gift_wrapping_options_type": "any"},
            ["gift_wrapping_differs"],
        ),
        (
            {"gift_wrapping_options_type": "list", "gift_wrapping_options_list": None},
            {"gift_wrapping_options_list": None},
            ["gift_wrapping_differs"],
        ),
        ({"gift_wrapping_options_list": ["3"]}, {}, ["gift_wrapping_differs"]),
        # The least is not more than the most; 0 is no limit.
        ({"order_quantity_minimum": 2, "order_quantity_maximum": 2}, None, []),
        ({"order_quantity_minimum": 2, "order_quantity_maximum": 0}, None, []),
        ({"order_quantity_minimum": 3, "order_quantity_maximum": 2}, {}, ["quantities_differ"]),
    ],
)
def test_what_does_not_go_together_is_left_out(
    fields: dict[str, Value], kept: dict[str, Value] | None, codes: list[str]
) -> None:
    found, problems = limits.fitting(PRODUCT, fields)
    assert found == (fields if kept is None else kept)
    assert [one.code for one in problems] == codes


def test_a_custom_field_beyond_250_characters_is_left_out() -> None:
    good = ("Paper", "x" * 250)
    kept, problems = limits.custom_fields([good, ("Ink", "x" * 251), ("y" * 251, "v")])
    assert kept == (good,)
    assert [(one.code, one.field) for one in problems] == [("value_too_long", "Ink"), ("value_too_long", "y" * 251)]


def test_of_more_than_200_custom_fields_the_last_are_left_out() -> None:
    pairs = [(f"n{i}", "v") for i in range(202)]
    kept, (problem,) = limits.custom_fields(pairs)
    assert kept == tuple(pairs[:200])
    assert (problem.code, problem.text) == (
        "too_many_custom_fields",
        "202 custom fields, the store takes 200; the last were left out",
    )


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://media.test/" + "x" * 236, True),
        ("https://media.test/" + "x" * 237, False),  # beyond 255 characters
        ("http://media.test/a.jpg?size=ORG", True),
        ("ftp://media.test/a.jpg", False),
        ("//media.test/a.jpg", False),
        ("https://media.test/a cup.jpg", False),
        ("https://", False),
    ],
)
def test_a_picture_that_no_store_can_fetch_is_refused_without_a_call(url: str, fits: bool) -> None:
    kept, problems = limits.images([Image("p1", url), Image("p2", "https://media.test/b.jpg")], most=1000)
    assert [one.source_id for one in kept] == (["p1", "p2"] if fits else ["p2"])
    assert [one.code for one in problems] == ([] if fits else ["image_refused"])


def test_a_product_has_at_most_1000_pictures() -> None:
    many = [Image(f"p{n}", f"https://media.test/{n}.jpg") for n in range(1001)]
    kept, (problem,) = limits.images(many, most=limits.MOST_IMAGES)
    assert len(kept) == 1000
    assert problem.code == "image_refused"


def test_a_category_has_one_picture_and_that_is_no_trouble() -> None:
    many = [Image(f"p{n}", f"https://media.test/{n}.jpg") for n in range(2)]
    assert limits.images(many, most=1) == ((many[0],), [])


def test_a_product_stands_in_at_most_1000_categories() -> None:
    many = [(1, n) for n in range(1001)]
    assert limits.places(many[:1000]) == (tuple(many[:1000]), ())
    kept, (problem,) = limits.places(many)
    assert kept == tuple(many[:1000])
    assert problem.code == "too_many_places"
