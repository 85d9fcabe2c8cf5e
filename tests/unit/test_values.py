"""A cell becomes the field's canonical value, or says why it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from models.vocabulary import ItemKind
from worker.catalog import values
from worker.catalog.fields import FIELDS, Group, Type
from worker.catalog.fields import Field as AField
from worker.catalog.values import Unreadable

PRODUCT = FIELDS[ItemKind.PRODUCT]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("52.10", "52.1", id="zeros behind the point say nothing"),
        pytest.param(52.1, "52.1", id="a JSON number is its text"),
        pytest.param(52, "52", id="a whole number has no point"),
        pytest.param("100", "100", id="zeros before the point stay"),
        pytest.param(" 7 ", "7", id="blanks around it are dropped"),
        pytest.param("+3", "3", id="a plus is dropped"),
        pytest.param("-0.50", "-0.5", id="a minus stays"),
        pytest.param("-0.0", "0", id="there is one zero"),
        pytest.param("0e99999999", "0", id="a zero is a zero at any power"),
        pytest.param(".5", "0.5", id="a point may come first"),
        pytest.param("5.", "5", id="a point may come last"),
        pytest.param("1e3", "1000", id="powers are written out"),
        pytest.param("25e-4", "0.0025", id="small powers too"),
        pytest.param("2,95", "2.95", id="a comma that can only be decimal is one"),
        pytest.param("0,250", "0.25", id="no thousands begin with a zero"),
        pytest.param("1234,567", "1234.567", id="no thousands have four digits before the mark"),
        pytest.param(["8"], "8", id="a list of one is that one"),
        pytest.param([], None, id="an empty list is empty"),
        pytest.param("  ", None, id="blanks are empty"),
        pytest.param(
            "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827", id="all digits stay"
        ),
    ],
)
def test_a_number_is_an_exact_decimal_text(cell: Any, number: str | None) -> None:
    assert values.number(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("abc", id="no digits"),
        pytest.param("12 kg", id="a unit"),
        pytest.param("1.234,56", id="both marks"),
        pytest.param("1,234,567", id="many commas"),
        pytest.param("1,234", id="a decimal comma or a thousands separator: no guess"),
        pytest.param("-12,500", id="idem, below zero"),
        pytest.param("NaN", id="not a number by name"),
        pytest.param("Infinity", id="infinity"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("1_000", id="Python's own spelling"),
        pytest.param(["1", "2"], id="several values"),
        pytest.param("1e1000000", id="a power beyond Python's decimals"),
        pytest.param("1e999999", id="a short text that would be a long number"),
        pytest.param("1e-999999", id="a short text that would be a long fraction"),
        pytest.param("1" * 5000, id="a long text"),
        pytest.param("1e99999999999999999999", id="a power beyond all"),
    ],
)
def test_what_is_no_number_is_unreadable(cell: Any) -> None:
    with pytest.raises(Unreadable):
        values.number(cell)


def test_a_flag_is_no_number() -> None:
    assert values.number(cell=True) is None


@pytest.mark.parametrize(
    ("cell", "whole"),
    [
        ("3.0", 3),  # zeros behind the point say nothing
        ("-2", -2),
        (7, 7),
        ("", None),  # empty is empty
    ],
)
def test_an_integer_is_a_whole_number(cell: Any, whole: int | None) -> None:
    assert values.integer(cell) == whole


@pytest.mark.parametrize("cell", ["3.5", "1" * 5000, "1,000", "three"])
def test_what_is_no_whole_number_is_unreadable(cell: str) -> None:
    with pytest.raises(Unreadable):
        values.integer(cell)


@pytest.mark.parametrize(
    "cell", [True, 1, "1", 1.0, "true", "TRUE", "Yes", "y", "si", "sí", "SÍ", "on", " yes ", ["yes"], [True]]
)
def test_every_spelling_of_yes_is_yes(cell: Any) -> None:
    assert values.flag(cell) is True


@pytest.mark.parametrize("cell", [False, 0, "0", 0.0, "false", "False", "no", "N", "off", [False]])
def test_every_spelling_of_no_is_no(cell: Any) -> None:
    assert values.flag(cell) is False


@pytest.mark.parametrize(
    "cell",
    [
        "V",  # the source's own status letters are not in the list (the original's §9)
        "I",
        "D",
        "2",
        "maybe",
        ["yes", "no"],
    ],
)
def test_what_is_neither_yes_nor_no_is_unreadable(cell: Any) -> None:
    with pytest.raises(Unreadable):
        values.flag(cell)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" Laurel ", "Laurel"),  # blanks around it are dropped
        (7, "7"),
        (True, "Yes"),  # a flag is a word a shopper can read
        (False, "No"),
        (["a", "", None, "b"], "a, b"),  # lists are joined, without what is empty
        ([["Paper", "Cotton"], ["Weight"]], "Paper, Cotton, Weight"),
        ([0, False], "0, No"),  # zero and no are not empty
    ],
)
def test_text_is_what_a_reader_sees(cell: Any, text: str) -> None:
    assert values.text(cell) == text


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("a, b ,,c", ["a", "b", "c"]),  # cut at commas, without what is empty
        (["a", " ", "b,c"], ["a", "b,c"]),  # a list's own parts are not cut
        (12, ["12"]),
    ],
)
def test_words_are_a_list(cell: Any, words: list[str]) -> None:
    assert values.words(cell) == words


def test_a_choice_is_spelled_as_the_store_spells_it() -> None:
    assert values.choice(" used", ("New", "Used")) == "Used"
    with pytest.raises(Unreadable, match="'Old' is none of New, Used"):
        values.choice("Old", ("New", "Used"))


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2026-01-15", "2026-01-15T00:00:00+00:00"),  # a day begins at midnight
        ("2026-01-15 08:30:00", "2026-01-15T08:30:00+00:00"),  # no zone = UTC
        ("2026-01-15T08:30:00+02:00", "2026-01-15T06:30:00+00:00"),  # any zone becomes UTC
        ("0000-00-00 00:00:00", None),  # the zero date is none
        ("", None),
    ],
)
def test_a_date_is_a_moment_in_utc(cell: str, date: str | None) -> None:
    assert values.date(cell) == date


@pytest.mark.parametrize("cell", ["15/01/2026", "2026-13-01", "soon", "0001-01-01T00:00:00+05:00"])
def test_what_is_no_date_is_unreadable(cell: str) -> None:
    with pytest.raises(Unreadable):
        values.date(cell)


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("name", " A ", "A"),
        ("price", "1.50", "1.5"),
        ("inventory_level", "4", 4),
        ("is_visible", "no", False),
        ("meta_keywords", "a,b", ["a", "b"]),
        ("condition", "new", "New"),
        ("preorder_release_date", "2026-01-15", "2026-01-15T00:00:00+00:00"),
        ("gift_wrapping_options_list", "3, 07,3", ["3", "7"]),
        ("gift_wrapping_options_list", [3, "7"], ["3", "7"]),
        ("image_descriptions", "Front, in blue", ["Front, in blue"]),  # a text is one, whatever commas it has
        ("image_descriptions", ["Front", "", None, "Back"], ["Front", "", "", "Back"]),  # places count
        ("price", 0, "0"),  # a zero is a value, not emptiness
        ("is_visible", False, False),
    ],
)
def test_a_cell_is_read_as_its_field_s_type(field: str, cell: Any, value: Any) -> None:
    assert values.read(cell, PRODUCT[field]) == value


@pytest.mark.parametrize("cell", [None, "", "  ", [], [""], [None]])
@pytest.mark.parametrize("kind", [one for one in Type if one is not Type.IMAGES])
def test_an_empty_cell_is_none_whatever_the_type(kind: Type, cell: Any) -> None:
    assert values.read(cell, AField("x", kind, Group.TEXT, "x", choices=("a",))) is None


@pytest.mark.parametrize("cell", ["blue", "3, blue", "-3", "3.5", "²"])
def test_what_is_no_id_of_the_store_is_unreadable(cell: str) -> None:
    with pytest.raises(Unreadable):
        values.read(cell, PRODUCT["gift_wrapping_options_list"])


def test_words_without_a_word_are_none() -> None:
    assert values.read(", ,", PRODUCT["meta_keywords"]) is None


def test_pictures_are_not_read_as_a_value() -> None:
    with pytest.raises(Unreadable):
        values.read([["1", "https://x/a.jpg"]], PRODUCT["images"])


def test_a_quoted_cell_is_trimmed_to_60_characters() -> None:
    assert values.shown("x" * 60) == "x" * 60
    assert values.shown("x" * 61) == "x" * 57 + "..."


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("  Laurel   Invitation ", "laurel invitation"),  # case and blanks do not tell names apart
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("   ", None),
        ("", None),
        (None, None),
    ],
)
def test_names_are_compared_without_case_and_blanks(name: str | None, key: str | None) -> None:
    assert values.key(name) == key
