"""What of an item the store holds already, when the two are linked for the first time."""

from __future__ import annotations

from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_category, a_product, a_store_row, a_variant, an_option
from worker.catalog import fingerprint, pictures
from worker.catalog.fields import Group
from worker.catalog.items import Category, Image, Item, Product, Variant
from worker.rules import difference, holding

CATEGORY, PRODUCT, VARIANT = ItemKind


def groups_of(item: Item) -> tuple[ItemKind, dict[str, Any]]:
    """The kind of the item, and what it says."""
    match item:
        case Category():
            return CATEGORY, difference.category_groups(item, None)
        case Product():
            return PRODUCT, difference.product_groups(item, ((1, 11), (2, 11)), ())
        case Variant():
            return VARIANT, difference.variant_groups(item)


def holds(item: Item, group: Group, *, category_ids: tuple[int, ...] = (), **held: Any) -> bool:
    """Whether the store, which holds these fields, has what the item says in this group."""
    kind, said = groups_of(item)
    found = holding.coinciding(item, said, a_store_row(kind, **held), category_ids=category_ids)
    assert all(found[one] == fingerprint.of(said[one]) for one in found), "what coincides counts as sent"
    return group in found


@pytest.mark.parametrize(
    ("said", "held", "group", "coincides"),
    [
        pytest.param({"name": "A"}, {"name": "A"}, Group.TEXT, True, id="equal text"),
        pytest.param({"name": "A"}, {"name": "a"}, Group.TEXT, False, id="text in another case"),
        pytest.param({"name": "A"}, {}, Group.TEXT, False, id="text that the store lacks"),
        pytest.param(
            {"name": "A", "description": "x"},
            {"name": "A", "description": "y"},
            Group.TEXT,
            False,
            id="all of a group count",
        ),
        pytest.param({"description": None, "name": "A"}, {"name": "A"}, Group.TEXT, True, id="empty here and there"),
        pytest.param(
            {"description": None, "name": "A"},
            {"name": "A", "description": "x"},
            Group.TEXT,
            False,
            id="empty here only",
        ),
        pytest.param(
            {"sale_price": None, "price": "1"},
            {"price": "1", "sale_price": "9"},
            Group.PRICE,
            True,
            id="an empty sale price says nothing",
        ),
        pytest.param(
            {"price": "1", "sale_price": "0"}, {"price": "1"}, Group.PRICE, True, id="zero where nothing is held"
        ),
        pytest.param(
            {"price": "1", "cost_price": None},
            {"price": "1", "cost_price": "0"},
            Group.PRICE,
            True,
            id="empty where zero is held",
        ),
        pytest.param({"price": "1"}, {"price": "2"}, Group.PRICE, False, id="another price"),
        pytest.param({"is_visible": False}, {"is_visible": True}, Group.VISIBILITY, False, id="another visibility"),
        pytest.param({"url": "my-url"}, {"url": "/my-url/"}, Group.URL, True, id="slashes around a path are no matter"),
        pytest.param({"url": "my-url"}, {"url": "/other/"}, Group.URL, False, id="another path"),
        pytest.param({"url": "my-url"}, {}, Group.URL, False, id="no path"),
        pytest.param({"brand": "Acme"}, {"brand": "Acme", "brand_id": 7}, Group.BRAND, True, id="a brand by name"),
        pytest.param(
            {"brand": "7"}, {"brand": "Acme", "brand_id": 7}, Group.BRAND, True, id="a number is a brand's id"
        ),
        pytest.param(
            {"brand": "8"}, {"brand": "8", "brand_id": 7}, Group.BRAND, False, id="a number is no brand's name"
        ),
        pytest.param(
            {"brand": "12345678901"},
            {"brand": "12345678901", "brand_id": 7},
            Group.BRAND,
            True,
            id="a number too long for an id is a name, as it is sent",
        ),
        pytest.param({"brand": "m²"}, {"brand": "m²", "brand_id": 7}, Group.BRAND, True, id="a raised digit is a text"),
        pytest.param({"brand": "²"}, {"brand": "²", "brand_id": 7}, Group.BRAND, True, id="also where it stands alone"),
    ],
)
def test_a_field_coincides(said: dict[str, Any], held: dict[str, Any], group: Group, coincides: bool) -> None:
    # The other fields that a builder says are held as they are.
    item = a_product(**said)
    assert holds(item, group, **{**item.fields, "description": None, **dict.fromkeys(said), **held}) is coincides


@pytest.mark.parametrize(
    ("categories", "coincides"),
    [([5, 6], True), ([5, 6, 7], True), ([5], False), ([], False)],  # others' categories are no matter
)
def test_a_product_stands_in_all_its_categories(categories: list[int], coincides: bool) -> None:
    assert holds(a_product(), Group.CATEGORIES, category_ids=(5, 6), categories=categories) is coincides


@pytest.mark.parametrize(
    ("storefronts", "coincides"),
    [([1, 2], True), ([1, 2, 3], True), ([1], False), (None, False)],  # None: the store was not asked
)
def test_a_product_sells_on_all_its_storefronts(storefronts: list[int] | None, coincides: bool) -> None:
    assert holds(a_product(), Group.STOREFRONTS, storefronts=storefronts) is coincides


@pytest.mark.parametrize(
    ("held", "coincides"),
    [
        ([["Paper", "Cotton", 1]], True),
        ([["Paper", "Cotton", 1], ["Season", "Summer", 2]], True),  # others' custom fields are no matter
        ([["Paper", "Linen", 1]], False),
        ([], False),
    ],
)
def test_a_product_has_all_its_custom_fields(held: list[list[Any]], coincides: bool) -> None:
    assert holds(a_product(custom_fields=(("Paper", "Cotton"),)), Group.CUSTOM_FIELDS, custom_fields=held) is coincides


@pytest.mark.parametrize(
    ("held", "coincides"),
    [
        ([["Colour", "Red"], ["Size", "S"]], True),
        ([["SIZE", "s"], ["colour", "red"]], True),  # the store ignores case
        ([["Size", "S"]], False),
        ([["Colour", "Red"], ["Size", "S"], ["Fit", "Slim"]], False),  # an option too many tells another variant
    ],
)
def test_a_variant_has_just_its_option_values(held: list[list[str]], coincides: bool) -> None:
    assert holds(a_variant(options={"Size": "S", "Colour": "Red"}), Group.OPTIONS, option_values=held) is coincides


def test_how_a_product_shows_its_options_is_never_known() -> None:
    said = difference.product_groups(a_product(), (), (an_option("Size", "S"),))
    assert Group.OPTIONS not in holding.coinciding(a_product(), said, a_store_row(PRODUCT, options={"Size": {}}))


@pytest.mark.parametrize(
    ("files", "coincides"),
    [
        pytest.param(["x/red_shirt__123.jpg", "x/back__4.jpg"], True, id="the store puts its own mark behind the name"),
        pytest.param(["x/RED-SHIRT.jpg", "x/back.png"], True, id="signs, case and format are no matter"),
        pytest.param(["x/own.jpg", "x/red_shirt.jpg", "x/back.jpg"], True, id="others' pictures are no matter"),
        pytest.param(["x/red_shirt.jpg"], False, id="one is missing"),
        pytest.param(["x/red_shirt_back.jpg"], False, id="one file is not two pictures"),
        pytest.param([], False, id="none is there"),
    ],
)
def test_a_picture_coincides_by_the_name_of_its_file(files: list[str], coincides: bool) -> None:
    product = a_product(images=("https://x/red-shirt.jpg?size=ORG", "https://x/back.jpg"))
    assert holds(product, Group.IMAGES, images=[[n, file, n] for n, file in enumerate(files, 1)]) is coincides


def test_the_pictures_that_are_found_are_told_with_their_ids() -> None:
    held = [[71, "x/back__4.jpg", 0, ""], [72, "x/front__5.jpg", 1, "From the front"]]
    wanted = (Image("p1", "https://x/front.jpg"), Image("p2", "https://x/none.jpg"), Image("p3", "https://x/back.jpg"))
    assert pictures.held_by(wanted, held) == {
        "p1": [72, "https://x/front.jpg", 1, "From the front"],
        "p3": [71, "https://x/back.jpg", 0, ""],
    }


def test_pictures_in_another_order_or_with_another_description_do_not_coincide() -> None:
    product = a_product(images=("https://x/front.jpg", "https://x/back.jpg"))
    front, back = [72, "x/front__5.jpg", 0, ""], [71, "x/back__4.jpg", 1, ""]
    assert holds(product, Group.IMAGES, images=[front, back])
    assert holds(product, Group.IMAGES, images=[front, [70, "x/others.jpg", 1, ""], [71, "x/back__4.jpg", 2, ""]])
    assert not holds(product, Group.IMAGES, images=[[71, "x/back__4.jpg", 0, ""], [72, "x/front__5.jpg", 1, ""]])
    assert not holds(product, Group.IMAGES, images=[front, [71, "x/back__4.jpg", 1, "The back"]])


def test_a_picture_without_a_name_is_never_found() -> None:
    assert pictures.held_by((Image("p1", "https://x/"),), [[71, "x/a.jpg", 0]]) == {}


def test_of_a_category_one_picture_counts() -> None:
    category = a_category(image="https://x/spring.jpg")
    assert holds(category, Group.IMAGES, images=[[0, "https://cdn/spring.jpg", 0]])
    assert not holds(category, Group.IMAGES, images=[])
    assert holds(a_category(), Group.IMAGES, images=[]), "no picture coincides with none"
