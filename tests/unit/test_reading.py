"""Cells are read as an item; what cannot be read is left out and reported."""

from __future__ import annotations

from typing import Any

import pytest

from models.vocabulary import ItemKind
from worker.catalog.items import Category, Image, OptionValue, Product, Variant
from worker.rules import reading
from worker.rules.mapping import Mapped

CATEGORY, PRODUCT, VARIANT = ItemKind
PRICED = Mapped({"price": "PVP", "name": "name", "is_visible": "visible"})


def a_read_product(cells: dict[str, Any], mapped: Mapped = PRICED) -> Product:
    item = reading.read(PRODUCT, 301, None, cells, mapped).item
    assert isinstance(item, Product)
    return item


def test_fields_are_read_from_their_columns() -> None:
    product = a_read_product({"PVP": "2.50", "name": " Laurel ", "visible": "no", "other": "x"})
    assert product.fields == {"price": "2.5", "name": "Laurel", "is_visible": False}


def test_a_column_that_was_not_sent_leaves_the_field_unsaid() -> None:
    assert a_read_product({"name": "A"}).fields == {"name": "A"}


def test_an_empty_cell_says_that_the_field_is_empty() -> None:
    assert a_read_product({"PVP": "", "name": None}).fields == {"price": None, "name": None}


def test_what_cannot_be_read_is_left_out_and_reported() -> None:
    read = reading.read(PRODUCT, 301, None, {"PVP": "on request", "name": "A", "visible": "V"}, PRICED)
    assert read.item.fields == {"name": "A"}
    assert [(one.code, one.field) for one in read.problems] == [
        ("unreadable_value", "price"),
        ("unreadable_value", "is_visible"),
    ]
    assert "column PVP" in read.problems[0].text
    assert "'on request' is not a number" in read.problems[0].text


def test_each_kind_hangs_where_its_row_says() -> None:
    cells: dict[str, Any] = {"ID_catalogue": ["12", 11, 12]}
    assert reading.read(CATEGORY, 11, 5, {}, Mapped({})).item == Category(11, 5, {}, pictured=False)
    assert reading.read(PRODUCT, 301, None, cells, Mapped({})).item == Product(301, (12, 11), {}, pictured=False)
    assert reading.read(VARIANT, 1, 301, {}, Mapped({})).item == Variant(1, 301, {}, pictured=False)


def test_a_product_without_categories_has_none() -> None:
    assert a_read_product({"ID_catalogue": None}).category_ids == ()


def test_pictures_come_in_order_each_once() -> None:
    mapped = Mapped({"images": "photo"})
    cells = {"photo": [["b", "https://x/b.jpg"], [7, "https://x/7.jpg"], ["b", "https://x/b2.jpg"]]}
    product = a_read_product(cells, mapped)
    assert product.images == (Image("b", "https://x/b2.jpg"), Image("7", "https://x/7.jpg"))
    assert product.fields == {}, "pictures are not a field's value"
    assert a_read_product({}, mapped).images == ()


@pytest.mark.parametrize(
    ("told", "descriptions"),
    [
        (["Front", "Back"], ["Front", "Back"]),  # each its own
        (["Front"], ["Front", "Front"]),  # one alone stands for all
        ("A cup, in blue", ["A cup, in blue"] * 2),
        (["", "Back", "too many"], ["", "Back"]),
        (["", "", ""], ["", ""]),
        ("", ["", ""]),
    ],
)
def test_pictures_have_descriptions(told: Any, descriptions: list[str]) -> None:
    mapped = Mapped({"images": "photo", "image_descriptions": "alt"})
    cells = {"photo": [["a", "https://x/a.jpg"], ["b", "https://x/b.jpg"]], "alt": told}
    product = a_read_product(cells, mapped)
    assert [one.description for one in product.images] == descriptions
    assert product.fields == {}


def test_what_is_beyond_the_limits_is_left_out_and_reported() -> None:
    mapped = Mapped({"name": "name", "warranty": "warranty", "images": "photo"}, (("paper", "Paper"),))
    cells = {
        "name": "A",
        "warranty": "x" * 70_000,
        "photo": [["a", "https://x/" + "a" * 300]],
        "paper": ["x" * 251, "Cotton"],
    }
    read = reading.read(PRODUCT, 301, None, cells, mapped)
    pairs = (("Paper", "Cotton"),)
    assert read.item == Product(301, (), {"name": "A"}, (), pairs, pictured=False, spared=("a",))
    assert [one.code for one in read.problems] == ["value_too_long", "image_refused", "value_too_long"]


@pytest.mark.parametrize(
    ("cell", "pairs"),
    [
        pytest.param(" Cotton ", (("Paper", "Cotton"),), id="a text"),
        pytest.param(0, (("Paper", "0"),), id="a zero is a value"),
        pytest.param(False, (("Paper", "No"),), id="a no is a value"),
        pytest.param(["Cotton", "Linen"], (("Paper", "Cotton"), ("Paper", "Linen")), id="a list is several pairs"),
        pytest.param(["Cotton", "Cotton"], (("Paper", "Cotton"),), id="the same pair stands once"),
        pytest.param(["", None, "  ", "Linen"], (("Paper", "Linen"),), id="what is empty is no pair"),
        pytest.param("", (), id="empty"),
        pytest.param(None, (), id="absent"),
    ],
)
def test_custom_fields_are_pairs_of_name_and_value(cell: Any, pairs: tuple[tuple[str, str], ...]) -> None:
    assert a_read_product({"paper_en": cell}, Mapped({}, (("paper_en", "Paper"),))).custom_fields == pairs


def test_a_variant_has_the_options_for_which_it_has_a_value() -> None:
    mapped = Mapped({}, (("colour", "Colour"), ("size", "Size"), ("fit", "Fit"), ("cups", "Cups")))
    item = reading.read(VARIANT, 1, 301, {"colour": "Red#FF0000", "size": "", "fit": "#00FF00", "cups": 0}, mapped).item
    assert isinstance(item, Variant)
    assert item.options == (OptionValue("Colour", "Red", ("#FF0000",)), OptionValue("Cups", "0"))


@pytest.mark.parametrize(
    ("written", "label", "colors"),
    [
        ("S", "S", ()),  # a plain text is a dropdown's value
        ("Red#FF0000", "Red", ("#FF0000",)),
        (" Red # ff0000 ", "Red", ("#FF0000",)),  # blanks and case do not matter
        ("Flag#FF0000#00FF00#0000FF", "Flag", ("#FF0000", "#00FF00", "#0000FF")),  # up to three colours
        ("Four#FF0000#00FF00#0000FF#FFFFFF", "Four", ("#FF0000", "#00FF00", "#0000FF")),  # the fourth is too much
        ("Two#FF0000#nope", "Two", ("#FF0000",)),  # second and third are optional
        ("Two#FF0000#", "Two", ("#FF0000",)),
        ("Red#F00", "Red", ()),  # a first code of not exactly six digits makes a dropdown's value
        ("Red#GG0000", "Red", ()),
        ("Red#", "Red#", ()),  # no code at all: the text is the label
        ("Size #5", "Size #5", ()),  # idem: too short for a code
        ("No #5 # wide", "No #5 # wide", ()),
    ],
)
def test_a_swatch_is_a_name_and_its_colours(written: str, label: str, colors: tuple[str, ...]) -> None:
    assert reading.option_value("Colour", written) == OptionValue("Colour", label, colors)


@pytest.mark.parametrize("written", ["#FF0000", " #FF0000#00FF00", "#"])
def test_colours_without_a_name_are_no_value(written: str) -> None:
    assert reading.option_value("Colour", written) is None
