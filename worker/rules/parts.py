"""What hangs on products and variants, read from their cells.

What is wrong with a part costs the item that part alone, and is a remark on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from worker.catalog import values
from worker.catalog.items import Metafield, Problem, Product, Variant
from worker.catalog.values import Value
from worker.rules import bulk_pricing, videos
from worker.rules.mapping import Mapped

MOST_RELATED = 50  # related products of one (Help Center, platform limits)
LONGEST_METAFIELD = 65_535  # characters of a value (API reference, metafields)
READ_APART = frozenset({"videos", "related_products"})
"""Fields of products that are no plain value of the product itself."""


def of_product(product: Product, cells: Mapping[str, Any], mapped: Mapped) -> Product:
    """The product with its bulk pricing rules, videos, related products and metafields."""
    said = {name: _words(product.fields[name]) for name in READ_APART if name in product.fields}
    rules, remarks = bulk_pricing.read(cells, mapped.bulk_rules)
    watched, wrong = videos.read(said["videos"]) if "videos" in said else (None, [])
    remarks += wrong
    related, wrong = _related(said["related_products"]) if "related_products" in said else (None, [])
    remarks += wrong
    metafields, wrong = _metafields(cells, mapped)
    return replace(
        product,
        fields={name: value for name, value in product.fields.items() if name not in READ_APART},
        bulk_rules=rules,
        videos=watched,
        related=related,
        metafields=metafields,
        remarks=(*product.remarks, *remarks, *wrong),
    )


def of_variant(variant: Variant, cells: Mapping[str, Any], mapped: Mapped) -> Variant:
    """The variant with its metafields."""
    metafields, wrong = _metafields(cells, mapped)
    return replace(variant, metafields=metafields, remarks=(*variant.remarks, *wrong))


def _words(value: Value) -> list[str]:
    return value if isinstance(value, list) else []


def _related(words: list[str]) -> tuple[tuple[str, ...], list[Problem]]:
    """The references to related products, each once, as many as the store takes."""
    related = tuple(dict.fromkeys(words))
    if len(related) <= MOST_RELATED:
        return related, []
    text = f"{len(related)} related products, the store takes {MOST_RELATED}: it goes with the first ones"
    return related[:MOST_RELATED], [Problem("too_many_related", text, "related_products")]


def _metafields(cells: Mapping[str, Any], mapped: Mapped) -> tuple[tuple[Metafield, ...], list[Problem]]:
    """The metafields that have a value; the store takes no empty one."""
    found, problems = [], []
    for column, one in mapped.metafields:
        value = values.text(cells.get(column) if cells.get(column) is not None else "")
        if len(value) > LONGEST_METAFIELD:
            name = f"{one.namespace}.{one.key}"
            text = f"metafield {name} has {len(value)} characters, the store takes {LONGEST_METAFIELD}"
            problems.append(Problem("metafield_too_long", text, name))
        elif value:
            found.append(Metafield(one.namespace, one.key, value, one.permission_set))
    return tuple(found), problems
