"""Videos, related products and metafields, read from cells."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.vocabulary import ItemKind
from tests.builders import a_column, a_profile, the_columns
from worker.catalog.items import Metafield, Product, Read, Variant
from worker.rules import mapping, reading, videos

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "word",
    [
        ID,
        f"https://www.youtube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?feature=share&v={ID}&t=12s",
        f"youtube.com/watch?v={ID}",
        f"https://youtu.be/{ID}?si=abc",
        f"https://www.youtube.com/embed/{ID}?rel=0",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}",
        f"https://www.youtube.com/v/{ID}",
    ],
)
def test_a_video_is_told_by_id_or_address(word: str) -> None:
    assert videos.video_id(word) == ID


@pytest.mark.parametrize(
    "word",
    [
        "https://vimeo.com/123456789",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/@channel",
        f"https://evil.example/watch?v={ID}",
        "film.mp4",
        "https://[broken",
    ],
)
def test_anything_else_is_a_problem_that_quotes_it(word: str) -> None:
    found, problems = videos.read([ID, word, ID])
    assert found == (ID,)
    assert [(one.code, one.field) for one in problems] == [("video_unreadable", "videos")]
    assert word in problems[0].text


def read(kind: ItemKind, cells: dict[str, Any], **profile: Any) -> Read:
    """An item of these cells, all columns being texts."""
    settled, faults = mapping.settle(a_profile(**profile), the_columns(kind, *map(a_column, cells)))
    assert faults == []
    return reading.read(kind, 301, 7, cells, settled[kind])


def a_read_product(cells: dict[str, Any], **profile: Any) -> Product:
    item = read(ItemKind.PRODUCT, cells, **profile).item
    assert isinstance(item, Product)
    return item


def test_related_products_are_references_and_no_field() -> None:
    product = a_read_product({"related_products": "P-1, 302,P-1"})
    assert product.related == ("P-1", "302")
    assert "related_products" not in product.fields
    assert a_read_product({"related_products": ""}).related == ()
    assert a_read_product({"name": "A"}).related is None


def test_the_first_fifty_related_products_go() -> None:
    found = read(ItemKind.PRODUCT, {"related_products": [f"P-{number}" for number in range(51)]})
    assert isinstance(found.item, Product)
    assert found.item.related == tuple(f"P-{number}" for number in range(50))
    assert [one.code for one in found.problems] == ["too_many_related"]
    assert found.item.remarks == found.problems


PAPER = {"metafields": {"product": [{"key": "paper", "column": "fabric"}]}}
PLY = {"namespace": "specs", "key": "ply", "column": "plies", "permission_set": "read_and_sf_access"}


def test_metafields_are_those_that_the_profile_names() -> None:
    product = a_read_product({"fabric": ["Cotton", "Silk"], "climate": "Warm"}, **PAPER)
    assert product.metafields == (Metafield("saleslayer", "paper", "Cotton, Silk", "app_only"),)
    assert product.custom_fields == (("climate", "Warm"),)
    variant = read(ItemKind.VARIANT, {"plies": 3, "size": "S"}, metafields={"variant": [PLY]}).item
    assert isinstance(variant, Variant)
    assert variant.metafields == (Metafield("specs", "ply", "3", "read_and_sf_access"),)
    assert [one.option for one in variant.options] == ["size"]


def test_an_empty_metafield_is_none_and_a_long_one_is_said() -> None:
    assert a_read_product({"fabric": ""}, **PAPER).metafields == ()
    assert len(a_read_product({"fabric": "x" * 65_535}, **PAPER).metafields) == 1
    found = read(ItemKind.PRODUCT, {"fabric": "x" * 65_536}, **PAPER)
    assert isinstance(found.item, Product)
    assert found.item.metafields == ()
    assert [(one.code, one.field) for one in found.problems] == [("metafield_too_long", "saleslayer.paper")]


def test_a_column_may_be_a_metafield_and_a_custom_field_where_both_are_named() -> None:
    product = a_read_product({"fabric": "Silk"}, custom_fields=["fabric"], **PAPER)
    assert product.custom_fields == (("fabric", "Silk"),)
    assert len(product.metafields) == 1


def test_metafields_of_missing_columns_and_of_pictures_are_faults() -> None:
    columns = the_columns(ItemKind.PRODUCT, a_column("photo", "image"))
    named = [{"key": "a", "column": "photo"}, {"key": "b", "column": "gone"}]
    _, faults = mapping.settle(a_profile(metafields={"product": named}), columns)
    assert faults == [
        "the product metafield saleslayer.a is mapped to 'photo', which holds images",
        "the product metafield saleslayer.b is mapped to 'gone', which the source does not export",
    ]


@pytest.mark.parametrize(
    "named",
    [
        [{"key": "a", "column": "x"}, {"key": "a", "column": "y"}],  # the same name twice
        [{"key": "a" * 65, "column": "x"}],
        [{"key": "a", "namespace": "", "column": "x"}],
        [{"key": "a", "column": "x", "permission_set": "everybody"}],
        [{"key": str(number), "column": "x"} for number in range(251)],
    ],
)
def test_a_profile_with_impossible_metafields_is_refused(named: list[dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        a_profile(metafields={"product": named})
