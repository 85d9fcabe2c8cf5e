"""A format makes an address, or says what is wrong with it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.vocabulary import ItemKind
from tests.builders import a_profile
from worker.catalog import urls

CATEGORY, PRODUCT, _ = ItemKind
SAID = {"productname": "Café “Ñandú” 2", "sku": "A/1 b", "upc": "0123", "category": "Hot & Cold"}


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("short", "/cafe-nandu-2/"),
        ("long", "/products/cafe-nandu-2/"),
        ("category", "/hot-cold/cafe-nandu-2/"),
        ("/p/%sku%.html", "/p/a-1-b.html"),
        ("/%category%/%upc%-%productname%", "/hot-cold/0123-cafe-nandu-2"),
    ],
)
def test_a_product_has_the_address_that_its_format_makes(written: str, path: str) -> None:
    assert urls.fault(PRODUCT, written) is None
    assert urls.made(PRODUCT, written, SAID) == path


@pytest.mark.parametrize(
    ("parent", "path"), [("Women", "/shop/women/tops/"), (None, "/shop/tops/"), ("女装", "/shop/tops/")]
)
def test_a_category_s_parent_is_left_out_where_there_is_none(parent: str | None, path: str) -> None:
    assert urls.made(CATEGORY, "/shop/%parent%/%categoryname%/", {"categoryname": "Tops", "parent": parent}) == path


def test_a_name_without_latin_letters_makes_no_address() -> None:
    assert urls.made(CATEGORY, "short", {"categoryname": "女装", "parent": "Women"}) is None
    assert urls.made(PRODUCT, "category", {"productname": "", "category": "Women"}) is None


def test_an_address_is_no_longer_than_the_store_takes() -> None:
    path = urls.made(PRODUCT, "/p/%productname%/", {"productname": "word " * 100})
    assert path is not None
    assert len(path) <= urls.LONGEST_URL
    assert path.endswith("/")
    assert not path.endswith("-/")


@pytest.mark.parametrize(
    ("kind", "written", "says"),
    [
        (PRODUCT, "medium", "neither a mask (short, long, category) nor a pattern"),
        (CATEGORY, "category", "neither a mask (short, long) nor a pattern"),
        (PRODUCT, "/%name%/", "no placeholder %name%; there are %productname%, %sku%, %upc%, %category%"),
        (CATEGORY, "/%productname%/", "no placeholder %productname%; there are %categoryname%, %parent%"),
        (PRODUCT, "/%category%/", "without %productname% or %sku% or %upc% all pages would have the same address"),
        (CATEGORY, "/%parent%/", "without %categoryname%"),
        (PRODUCT, "/a b/%sku%", "it may hold letters, digits"),
        (PRODUCT, "/é/%sku%", "it may hold letters, digits"),
        (PRODUCT, "/%SKU%/", "without %productname%"),
        (PRODUCT, f"/{'x' * 260}/%sku%/", "longer than the 255 characters"),
    ],
)
def test_a_format_that_cannot_be_used_says_why(kind: ItemKind, written: str, says: str) -> None:
    assert says in str(urls.fault(kind, written))


def test_a_made_address_is_within_the_limit_with_the_slash_that_it_is_sent_with() -> None:
    for length in (253, 254, 255):
        path = urls.made(PRODUCT, "/%sku%", {"sku": "x" * length})
        assert path is not None
        assert len(path.rstrip("/")) + 1 <= urls.LONGEST_URL


def test_a_fault_never_repeats_what_stands_in_the_field() -> None:
    assert "token" not in str(urls.fault(PRODUCT, "a-token-in-the-wrong-field"))


def test_a_profile_is_refused_with_the_sentence() -> None:
    with pytest.raises(ValidationError, match="no placeholder %name%"):
        a_profile(product_url="/%name%/")
    with pytest.raises(ValidationError, match="neither a mask"):
        a_profile(category_url="brief")
    assert a_profile(product_url="/%sku%/", category_url="long").product_url == "/%sku%/"
