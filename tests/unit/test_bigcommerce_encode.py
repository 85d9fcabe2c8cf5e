"""Items become the bodies that the store takes, and nothing is sent that was not asked for."""

from __future__ import annotations

from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_category, a_product, a_variant
from worker.bigcommerce import encode
from worker.catalog.fields import FIELDS, Group
from worker.catalog.items import Category, Option, Product, Variant

NAME_AND_SKU = {"name": "Product 301", "sku": "P-301", "price": 10.0, "weight": 1.0, "type": "physical"}


def test_a_new_product_carries_everything_in_one_body() -> None:
    product = a_product(
        images=("https://x/a.jpg", "https://x/b.jpg"), custom_fields=(("Paper", "Cotton"),), is_visible=False
    )
    variant = a_variant(1, options={"Size": "S", "Colour": "Red"}, image="https://x/v.jpg", price="9.5")
    assert encode.new_product(product, [variant], category_ids=(5, 6)) == NAME_AND_SKU | {
        "is_visible": False,
        "categories": [5, 6],
        "variants": [
            {
                "sku": "V-1",
                "price": 9.5,
                "option_values": [
                    {"option_display_name": "Size", "label": "S"},
                    {"option_display_name": "Colour", "label": "Red"},
                ],
                "image_url": "https://x/v.jpg",
            }
        ],
        "images": [
            {"image_url": "https://x/a.jpg", "sort_order": 0, "is_thumbnail": True},
            {"image_url": "https://x/b.jpg", "sort_order": 1, "is_thumbnail": False},
        ],
        "custom_fields": [{"name": "Paper", "value": "Cotton"}],
    }


def test_what_a_new_product_lacks_is_left_out() -> None:
    assert encode.new_product(a_product(description=None, is_visible=None), [], category_ids=()) == NAME_AND_SKU | {
        "categories": []
    }


def test_a_new_product_can_go_without_its_pictures() -> None:
    product, variant = a_product(images=("https://x/a.jpg",)), a_variant(image="https://x/v.jpg")
    body = encode.new_product(product, [variant], category_ids=(), with_images=False)
    assert "images" not in body
    assert "image_url" not in body["variants"][0]


def test_a_digital_product_is_not_made_physical() -> None:
    assert encode.new_product(a_product(type="digital"), [], category_ids=())["type"] == "digital"


def test_a_root_category_names_its_tree_and_a_child_its_parent() -> None:
    assert encode.new_category(a_category(11), tree_id=3, parent_store_id=0) == {"name": "Category 11", "tree_id": 3}
    assert encode.new_category(a_category(12, 11, image="https://x/c.jpg"), tree_id=3, parent_store_id=70) == {
        "name": "Category 12",
        "parent_id": 70,
        "image_url": "https://x/c.jpg",
    }


@pytest.mark.parametrize(
    ("category", "groups", "parent", "body"),
    [
        (a_category(is_visible=False), {Group.TEXT}, None, {"name": "Category 11"}),  # only the groups asked for
        (a_category(is_visible=False), {Group.VISIBILITY}, None, {"is_visible": False}),
        (a_category(), set(), 70, {"parent_id": 70}),  # it moves
        (a_category(), set(), 0, {"parent_id": 0}),  # it moves to the top
        (a_category(image="https://x/c.jpg"), {Group.IMAGES}, None, {"image_url": "https://x/c.jpg"}),
        (a_category(), {Group.IMAGES}, None, {}),  # its picture goes by a call of its own
    ],
)
def test_a_changed_category_carries_what_differs(
    category: Category, groups: set[str], parent: int | None, body: dict[str, Any]
) -> None:
    assert encode.changed_category(category, groups, store_id=71, parent_store_id=parent) == body | {"category_id": 71}


@pytest.mark.parametrize(
    ("fields", "groups", "body"),
    [
        pytest.param({"price": "12.5"}, {Group.PRICE}, {"price": 12.5}, id="only the groups asked for"),
        pytest.param(
            {"description": None}, {Group.TEXT}, {"name": "Product 301", "description": ""}, id="a text is cleared"
        ),
        pytest.param({"width": None}, {Group.SHIPPING}, {"weight": 1.0, "width": 0}, id="a number is cleared"),
        pytest.param({"sale_price": None}, {Group.PRICE}, {"price": 10.0}, id="an empty sale price is left alone"),
        pytest.param({"sale_price": "0"}, {Group.PRICE}, {"price": 10.0, "sale_price": 0.0}, id="a zero removes it"),
        pytest.param({"inventory_level": 0}, {Group.STOCK}, {"inventory_level": 0}, id="no stock is a stock"),
        pytest.param({"inventory_level": None}, {Group.STOCK}, {}, id="an empty stock is left alone"),
        pytest.param({"is_visible": False}, {Group.VISIBILITY}, {"is_visible": False}, id="a flag"),
        pytest.param(
            {"url": " my/url/ "},
            {Group.URL},
            {"custom_url": {"url": "/my/url/", "is_customized": True, "create_redirect": True}},
            id="a changed URL leaves a redirect",
        ),
        pytest.param({"brand": "Acme"}, {Group.BRAND}, {"brand_name": "Acme"}, id="a brand by name"),
        pytest.param({"brand": "12"}, {Group.BRAND}, {"brand_id": 12}, id="a number is a brand's id"),
        pytest.param({"brand": "12345678901"}, {Group.BRAND}, {"brand_name": "12345678901"}, id="too long for an id"),
        pytest.param(
            {"gift_wrapping_options_list": ["3", "04"]},
            {Group.SELLING},
            {"gift_wrapping_options_list": [3, 4]},
            id="ids",
        ),
        pytest.param({"meta_keywords": ["a", "b"]}, {Group.SEO}, {"meta_keywords": ["a", "b"]}, id="words"),
        pytest.param({}, set(), {}, id="nothing asked for, nothing sent"),
    ],
)
def test_a_changed_product_carries_what_differs(fields: dict[str, Any], groups: set[str], body: dict[str, Any]) -> None:
    assert encode.changed_product(a_product(**fields), groups, category_ids=None) == body


def test_a_changed_product_carries_its_categories_only_when_they_are_given() -> None:
    assert encode.changed_product(a_product(), set(), category_ids=[]) == {"categories": []}
    assert encode.changed_product(a_product(), set(), category_ids=(5, 6)) == {"categories": [5, 6]}


@pytest.mark.parametrize(
    ("variant", "groups", "body"),
    [
        (a_variant(enabled=True), {Group.VISIBILITY}, {"purchasing_disabled": False}),  # the store asks the contrary
        (a_variant(enabled=False), {Group.VISIBILITY}, {"purchasing_disabled": True}),
        (a_variant(price=None), {Group.PRICE}, {"price": None}),  # an empty price is null: the product's counts
        (a_variant(image="https://x/v.jpg"), {Group.IMAGES}, {"image_url": "https://x/v.jpg"}),
        (a_variant(image="https://x/v.jpg"), {Group.IDENTITY}, {"sku": "V-1"}),
        (a_variant(), {Group.IMAGES}, {"image_url": ""}),  # its picture goes
    ],
)
def test_a_changed_variant_carries_what_differs(variant: Variant, groups: set[str], body: dict[str, Any]) -> None:
    assert encode.changed_variant(variant, groups) == body


def test_a_category_s_url_is_called_path() -> None:
    body = encode.changed_category(a_category(url="spring"), {Group.URL}, store_id=71, parent_store_id=None)
    assert body["url"] == {"path": "/spring/", "is_customized": True}


def test_an_option_is_shown_with_all_its_values_and_the_ids_they_have() -> None:
    option = Option("Colour", "swatch", (("Red", ("#FF0000",)), ("Plain", ())))
    assert encode.shown_option(option, 2, {"Red": 91}) == {
        "display_name": "Colour",
        "type": "swatch",
        "sort_order": 2,
        "option_values": [
            {"label": "Red", "sort_order": 0, "id": 91, "value_data": {"colors": ["#FF0000"]}},
            {"label": "Plain", "sort_order": 1},
        ],
    }


@pytest.mark.parametrize("name", [name for name, field in FIELDS[ItemKind.PRODUCT].items() if field.blank is not None])
def test_what_can_be_cleared_is_cleared_by_an_update_and_left_out_of_a_creation(name: str) -> None:
    field = FIELDS[ItemKind.PRODUCT][name]
    product = Product(1, (), {name: None})
    # A brand is cleared by its id.
    key = "brand_id" if name == "brand" else field.store
    assert encode.changed_product(product, {field.group}, category_ids=None) == {key: field.blank}
    assert field.store not in encode.new_product(product, [], category_ids=())
