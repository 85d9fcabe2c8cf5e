"""The table of fields does not contradict itself."""

from __future__ import annotations

from collections import Counter

import pytest

from models.vocabulary import ItemKind
from worker.catalog.fields import CATEGORY, FIELDS, PREFIXES, PRODUCT, TABLES, VARIANT, Field, Group, Type

ALL = [pytest.param(kind, field, id=f"{kind}.{field.name}") for kind in ItemKind for field in FIELDS[kind].values()]


@pytest.mark.parametrize("kind", ItemKind)
def test_a_column_name_means_one_field_only(kind: ItemKind) -> None:
    names = Counter(name for field in FIELDS[kind].values() for name in (field.name, *field.aliases))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("kind", ItemKind)
def test_no_field_is_lost_and_none_shares_its_place_in_the_store(kind: ItemKind) -> None:
    table = {ItemKind.CATEGORY: CATEGORY, ItemKind.PRODUCT: PRODUCT, ItemKind.VARIANT: VARIANT}[kind]
    assert len(FIELDS[kind]) == len(table)
    assert len({field.store for field in table}) == len(table)


@pytest.mark.parametrize(("kind", "field"), ALL)
def test_names_are_found_as_columns_are_compared(kind: ItemKind, field: Field) -> None:
    names = {field.name, *field.aliases}
    assert names == {name.casefold() for name in names}
    # The prefix is taken off a column's name before it is compared.
    assert {name.removeprefix(prefix) for name in names for prefix in PREFIXES[kind]} <= names


@pytest.mark.parametrize(("kind", "field"), ALL)
def test_a_field_fits_its_type(kind: ItemKind, field: Field) -> None:
    assert bool(field.choices) == (field.type is Type.CHOICE)
    assert (field.most is not None) == (field.type in (Type.INTEGER, Type.NUMBER))
    assert (field.group is Group.IMAGES) == (field.type in (Type.IMAGES, Type.TEXTS))
    assert not field.inverted or field.type is Type.FLAG
    if field.type is Type.TEXT:
        assert field.longest, f"{kind}: every text has a limit in the store"


@pytest.mark.parametrize(("kind", "field"), ALL)
def test_a_required_field_is_never_cleared(kind: ItemKind, field: Field) -> None:
    assert field.blank is None or not field.required, kind


def test_what_the_store_requires_is_required() -> None:
    required = {kind: {name for name, field in FIELDS[kind].items() if field.required} for kind in ItemKind}
    assert required == {
        ItemKind.CATEGORY: {"name"},
        ItemKind.PRODUCT: {"name", "sku", "price", "weight"},  # the original's §7
        ItemKind.VARIANT: {"sku"},
    }


@pytest.mark.parametrize("kind", [ItemKind.PRODUCT, ItemKind.VARIANT])
def test_an_empty_sale_price_is_left_alone(kind: ItemKind) -> None:
    assert FIELDS[kind]["sale_price"].blank is None  # the original's §11: 0 removes it, empty does not


def test_enabled_is_the_contrary_of_what_the_store_calls_it() -> None:
    enabled = FIELDS[ItemKind.VARIANT]["enabled"]
    assert (enabled.store, enabled.inverted) == ("purchasing_disabled", True)


def test_every_kind_has_a_table_and_prefixes() -> None:
    assert set(TABLES) == set(PREFIXES) == set(FIELDS) == set(ItemKind)
