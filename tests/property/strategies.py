"""Any item that the source may mean, and what a store makes of the bodies that it is sent."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from models.vocabulary import ItemKind
from worker.bigcommerce import decode
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.fields import FIELDS, Field, Group, Type
from worker.catalog.items import Category, Image, OptionValue, Product, Variant
from worker.catalog.values import Value

BRANDS = {7: "Acme", 8: "Bodega Ñ"}

ids = st.integers(1, 60)
# Postgres and HTTP take no surrogates; the source's client takes them out, and NUL.
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip).filter(bool)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
# As the store keeps them: it takes JSON numbers, and four digits behind the point.
numbers = st.decimals(0, 100_000, places=4, allow_nan=False).map(decode.number)


def values(field: Field) -> st.SearchStrategy[Value]:
    """Any canonical value of a field; None = the source says that it is empty."""
    of: dict[Type, st.SearchStrategy[Value]] = {
        Type.TEXT: words,
        Type.NUMBER: numbers,
        Type.INTEGER: st.integers(0, field.most or 10),
        Type.FLAG: st.booleans(),
        Type.WORDS: st.lists(words, min_size=1, max_size=3),
        Type.IDS: st.lists(ids.map(str), min_size=1, max_size=3),
        Type.CHOICE: st.sampled_from(field.choices or ("",)),
        Type.DATE: st.datetimes().map(lambda moment: moment.isoformat() + "+00:00"),
    }
    if field.group is Group.BRAND:
        return st.sampled_from([*BRANDS.values(), *map(str, BRANDS)])
    if field.group is Group.URL:
        return words.map(lambda word: word.strip("/ ") or "a")
    some = of[field.type]
    return some if field.required else some | st.none()


PARTS = frozenset({"videos", "related_products", "storefronts"})
"""Read apart, like pictures."""


def fields(kind: ItemKind) -> st.SearchStrategy[dict[str, Value]]:
    """The required fields, and any others of those that are mapped."""
    apart = (Type.IMAGES, Type.TEXTS)
    table = [one for one in FIELDS[kind].values() if one.type not in apart and one.name not in PARTS]
    return st.fixed_dictionaries(
        {one.name: values(one) for one in table if one.required},
        optional={one.name: values(one) for one in table if not one.required},
    )


def images(most: int) -> st.SearchStrategy[tuple[Image, ...]]:
    """Pictures whose names no other picture's name holds."""
    numbered = st.tuples(st.integers(10, 99), st.sampled_from(["", "From the side", "Año"]))
    made = numbered.map(lambda one: Image(f"p{one[0]}", f"https://media.test/Photo-{one[0]}.jpg?size=ORG", one[1]))
    return st.lists(made, max_size=most, unique_by=lambda one: one.source_id).map(tuple)


BULK_RULES = [BulkRule(2, 9, "fixed", "1.5"), BulkRule(10, 19, "percent", "10"), BulkRule(20, 0, "price", "0.0001")]
one_image = images(1).map(lambda found: tuple(replace(one, description="") for one in found))
categories = st.builds(Category, ids, st.none() | ids, fields(ItemKind.CATEGORY), one_image)
products = st.builds(
    Product,
    ids,
    st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    fields(ItemKind.PRODUCT),
    images(3),
    st.lists(st.tuples(words, words), max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from(BULK_RULES), max_size=3, unique=True).map(tuple),
    st.lists(st.sampled_from(["dQw4w9WgXcQ", "abc_def-123", "00000000000"]), max_size=3, unique=True).map(tuple),
)
option_values = st.lists(
    st.builds(OptionValue, st.sampled_from(["Size", "Colour", "Fit"]), st.sampled_from(["S", "s", "M", "Red"])),
    max_size=3,
    unique_by=lambda value: value.option,
).map(tuple)
variants = st.builds(Variant, ids, st.just(301), fields(ItemKind.VARIANT), option_values, one_image)
bare_variants = st.builds(Variant, ids, st.just(301), st.just({}), option_values)
"""Where only options matter: made much faster."""


def stored(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a store that held `before` answers after the body: its own ids, names of files, no source URL."""
    number = itertools.count(1000)
    held = dict(before or {}) | {name: value for name, value in body.items() if name != "brand_name"}
    if "brand_name" in body:
        held["brand_id"] = next(brand for brand, name in BRANDS.items() if name == body["brand_name"])
    if "images" in body:
        held["images"] = [
            {**one, "id": next(number), "image_file": f"x/{_file(one['image_url'])}"} for one in body["images"]
        ]
    if "custom_fields" in body:
        held["custom_fields"] = [{"id": next(number), **one} for one in body["custom_fields"]]
    for name in ("bulk_pricing_rules", "videos"):
        if name in body:
            held[name] = [{"id": next(number), **one} for one in body[name]]
    if body.get("image_url"):
        held["image_url"] = f"https://cdn.test/{_file(body['image_url'])}"
    if "option_values" in body:
        held["option_values"] = [
            {"id": next(number), "option_id": next(number), **one} for one in body["option_values"]
        ]
    if "variants" in body:
        held["variants"] = [{"id": next(number), **stored(one)} for one in body["variants"]]
    return held


def _file(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0].lower().replace("-", "_").replace(".jpg", "__41.jpg")
