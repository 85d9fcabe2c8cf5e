"""Which storefronts a cell names, and how they are listed at the source."""

from __future__ import annotations

import pytest

from tests.builders import a_category, a_product, a_variant
from worker.catalog.items import Named, Read
from worker.rules import storefronts

KNOWN = {1: "Main shop", 2: "Outlet", 3: "Outlet (2)", 7: "Shoes, hats & more", 12: "Twin", 13: "twin", 20: "1"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        pytest.param("Main shop", 1, id="its name"),
        pytest.param("  main  SHOP ", 1, id="its name in any case, with blanks"),
        pytest.param("2", 2, id="its id"),
        pytest.param("2 - Outlet", 2, id="id and name"),
        pytest.param("Outlet (2)", 2, id="as it is listed, though another one is called so"),
        pytest.param("Outlet (2) (3)", 3, id="the other one, as it is listed"),
        pytest.param("Former name (7)", 7, id="as it was listed under a former name"),
        pytest.param("7 - Former name", 7, id="id and former name"),
        pytest.param("Shoes, hats & more", 7, id="a name with a comma, whole"),
        pytest.param("Shoes hats & more (7)", 7, id="a name with a comma, as it is listed"),
        pytest.param("1", 1, id="an id goes before a name"),
        pytest.param("Twin", None, id="a name that two have names neither"),
        pytest.param("Twin (13)", 13, id="but listed it is one of them"),
        pytest.param("Shop", None, id="a part of a name"),
        pytest.param("99", None, id="an id that there is not"),
        pytest.param("Main shop (99)", None, id="a listed id that there is not"),
    ],
)
def test_a_word_names_a_storefront(word: str, meant: int | None) -> None:
    expected = Named((), (word,)) if meant is None else Named((meant,))
    assert storefronts.named([word], KNOWN) == expected


def test_what_is_listed_names_each_storefront_and_survives_a_text_cut_at_commas() -> None:
    listed = storefronts.options(KNOWN)
    assert listed[0] == "Main shop (1)"
    assert storefronts.named(", ".join(listed).split(", "), KNOWN) == Named(tuple(KNOWN))


def test_words_are_told_once_and_in_order() -> None:
    told = storefronts.named(["2", "Main shop", "outlet", "Nowhere", "Nowhere"], KNOWN)
    assert told == Named((1, 2), ("Nowhere",))


def test_an_item_is_read_with_its_storefronts_apart_from_its_fields() -> None:
    for item in (a_product(storefronts=["2", "Nowhere"]), a_category(storefronts=["2", "Nowhere"])):
        read = storefronts.noticed(Read(item), KNOWN)
        assert "storefronts" not in read.item.fields
        assert getattr(read.item, "storefronts", None) == Named((2,), ("Nowhere",))
        assert [(one.code, one.field) for one in read.problems] == [("unknown_storefront", "storefronts")]


def test_an_item_that_is_not_asked_is_read_as_it_is() -> None:
    for item in (a_product(), a_category(), a_variant()):
        assert storefronts.noticed(Read(item), KNOWN) == Read(item)


def test_an_empty_field_is_said() -> None:
    read = storefronts.noticed(Read(a_product(storefronts=None)), KNOWN)
    assert [one.code for one in read.problems] == ["no_storefront"]


@pytest.mark.parametrize(
    ("told", "there", "shown"),
    [
        pytest.param(None, False, True, id="nobody is asked"),
        pytest.param(Named((2,)), False, True, id="named"),
        pytest.param(Named((1,)), True, False, id="another one is named"),
        pytest.param(Named(()), True, False, id="none is named"),
        pytest.param(Named((), ("Nowhere",)), False, False, id="a word that cannot be understood brings nothing"),
        pytest.param(Named((1,), ("Nowhere",)), True, True, id="nor does it take anything away"),
    ],
)
def test_a_storefront_shows_who_names_it(told: Named | None, *, there: bool, shown: bool) -> None:
    assert storefronts.shows(told, 2, is_there=there) is shown
