"""The page of fields names every field of every kind with its type and its limit, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS, Type

PAGE = (Path(__file__).parents[2] / "docs" / "fields.md").read_text(encoding="utf-8")
TITLES = {ItemKind.CATEGORY: "Categories", ItemKind.PRODUCT: "Products", ItemKind.VARIANT: "Variants"}
UNLIMITED = {"sort_order"}


def rows(kind: ItemKind) -> dict[str, list[str]]:
    """Field -> type, limit and remark, as the page tells them."""
    part = PAGE.partition(f"\n## {TITLES[kind]}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"][2:]
    return {name: rest for first, *rest in cells for name in re.findall(r"`(\w+)`", first)}


@pytest.mark.parametrize("kind", ItemKind)
def test_every_field_stands_in_the_page(kind: ItemKind) -> None:
    assert rows(kind).keys() == FIELDS[kind].keys()


@pytest.mark.parametrize("kind", ItemKind)
def test_types_limits_and_choices_are_those_of_the_table(kind: ItemKind) -> None:
    told = rows(kind)
    for name, field in FIELDS[kind].items():
        type_, limit, remark = told[name]
        assert type_ == field.type.value, name
        bound = field.longest or field.most
        if bound and name not in UNLIMITED:
            assert f"{bound:,}" in limit, name
        assert all(choice in remark for choice in field.choices), name
        assert (f"**`{name}`**" in PAGE) >= field.required, name


def test_every_type_is_explained() -> None:
    assert set(re.findall(r"^\| (\w+) \|", PAGE.partition("\n## ")[0], re.MULTILINE)) - {"type"} == set(Type)
