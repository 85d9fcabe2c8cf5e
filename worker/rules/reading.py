"""Cells read as an item, with all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog import values
from worker.catalog.columns import CATEGORIES
from worker.catalog.fields import FIELDS, Type, WhenEmpty
from worker.catalog.items import Category, Image, OptionValue, Problem, Product, Read, Variant
from worker.catalog.values import Unreadable, Value
from worker.rules import limits, parts
from worker.rules.mapping import Mapped

_MOST_IMAGES = {ItemKind.CATEGORY: 1, ItemKind.PRODUCT: limits.MOST_IMAGES, ItemKind.VARIANT: 1}
MOST_OPTION_VALUES = 4_096
"""Option values that are kept as read: a catalogue has few, and each in many variants."""
_HEX = re.compile(r"[0-9A-Fa-f]{6}")


def read(kind: ItemKind, source_id: int, parent_id: int | None, cells: Mapping[str, Any], mapped: Mapped) -> Read:
    """The item that the cells describe; what cannot be read, or is beyond the limits, is left out and reported."""
    fields, problems = _fields(kind, cells, mapped)
    fields, wrong = limits.fitting(kind, fields)
    problems += wrong
    descriptions = fields.pop("image_descriptions", None)
    found = _images(cells, mapped, descriptions)
    images, wrong = limits.images(found, most=_MOST_IMAGES[kind])
    problems += wrong
    # Where none can be sent, nothing is said of pictures: a value that is left out clears nothing.
    says_none = not found and mapped.when_empty.get("images") is not WhenEmpty.LEAVE_ALONE
    pictured = "images" in mapped.fields and bool(images or says_none)
    match kind:
        case ItemKind.CATEGORY:
            return Read(Category(source_id, parent_id, fields, images, pictured=pictured), tuple(problems))
        case ItemKind.PRODUCT:
            categories = tuple(dict.fromkeys(int(c) for c in cells.get(CATEGORIES) or ()))
            pairs, wrong = limits.custom_fields(_custom_fields(cells, mapped))
            problems += wrong
            spared = tuple(one.source_id for one in found if one not in images)
            product = Product(source_id, categories, fields, images, pairs, pictured=pictured, spared=spared)
            product = parts.of_product(product, cells, mapped)
            return Read(product, (*problems, *product.remarks))
        case ItemKind.VARIANT:
            options = _options(cells, mapped)
            variant = Variant(source_id, parent_id or 0, fields, options, images, pictured=pictured)
            variant = parts.of_variant(variant, cells, mapped)
            return Read(variant, (*problems, *variant.remarks))


def _fields(kind: ItemKind, cells: Mapping[str, Any], mapped: Mapped) -> tuple[dict[str, Value], list[Problem]]:
    read_fields: dict[str, Value] = {}
    problems = []
    for name, column in mapped.fields.items():
        field = FIELDS[kind][name]
        if field.type is Type.IMAGES or column not in cells:
            continue
        try:
            value = values.read(cells[column], field, mapped.time_zone)
        except Unreadable as fault:
            problems.append(Problem("unreadable_value", f"{name} (column {column}): {fault}", name))
            continue
        if value is not None:
            read_fields[name] = value
            continue
        when_empty = mapped.when_empty.get(name, WhenEmpty.OVERWRITE)
        if when_empty is not WhenEmpty.LEAVE_ALONE:
            read_fields[name] = field.cleared if field.is_cleared_by(when_empty) else None
    return read_fields, problems


def _images(cells: Mapping[str, Any], mapped: Mapped, descriptions: Value) -> tuple[Image, ...]:
    """The pictures in their order; a description alone stands for all, else each picture has its own."""
    column = mapped.fields.get("images")
    found = cells.get(column) if column else None
    unique = {str(source_id): str(url) for source_id, url in found or ()}
    told = descriptions if isinstance(descriptions, list) else []
    each = told * len(unique) if len(told) == 1 else [*told, *[""] * len(unique)]
    return tuple(Image(*entry, each[place]) for place, entry in enumerate(unique.items()))


def _custom_fields(cells: Mapping[str, Any], mapped: Mapped) -> tuple[tuple[str, str], ...]:
    """Name and value pairs; a list becomes several pairs of one name, a pair stands once."""
    pairs = []
    for column, shown in mapped.extras:
        cell = cells.get(column)
        parts = cell if isinstance(cell, list) else [cell]
        pairs += [(shown, values.text(part)) for part in parts if part not in (None, "", [])]
    return tuple(dict.fromkeys(pair for pair in pairs if pair[1]))


def _options(cells: Mapping[str, Any], mapped: Mapped) -> tuple[OptionValue, ...]:
    found = []
    for column, shown in mapped.extras:
        written = values.text(cells.get(column) if cells.get(column) is not None else "")
        if written and (value := option_value(shown, written)):
            found.append(value)
    return tuple(found)


@lru_cache(maxsize=MOST_OPTION_VALUES)
def option_value(option: str, written: str) -> OptionValue | None:
    """`Name#HEX#HEX#HEX` as a swatch value; a plain text as it stands; None where the name is missing.

    A code that is not exactly six hex digits makes it a plain value of that name (the original's §8).
    """
    name, *codes = (part.strip() for part in written.split("#"))
    if not name:
        return None
    if not codes or not _HEX.fullmatch(codes[0]):
        # "Size #5" has no code after the mark: the text is the label.
        looks_coded = bool(codes) and all(re.fullmatch(r"[0-9A-Za-z]{3,8}", code) for code in codes)
        return OptionValue(option, name if looks_coded else written)
    return OptionValue(option, name, tuple(f"#{code.upper()}" for code in codes[:3] if _HEX.fullmatch(code)))
