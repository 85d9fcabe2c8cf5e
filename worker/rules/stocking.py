"""Whose stock is set, where, and how a new product is tracked.

| stock is told of           | a new product is tracked by | a new figure goes to                        |
| -------------------------- | --------------------------- | ------------------------------------------- |
| any of its variants        | variant                     | each variant, unless tracked as a whole     |
| the product, variants none | product                     | the product                                 |
| the product, with variants | product                     | the product, only where tracked as a whole  |
| nothing                    | as the store makes it       | nobody                                      |

What the source says about tracking (`inventory_tracking`) comes first; how an existing product is tracked is changed
by nothing else. A stock that is empty at the source is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

from worker.catalog.items import Product, Variant
from worker.catalog.store import DEFAULT_LOCATION

Stocked = TypeVar("Stocked", Product, Variant)

LEVEL = "inventory_level"


def quantity(item: Product | Variant) -> int | None:
    """How many there are, where the source says it."""
    told = item.fields.get(LEVEL)
    return told if isinstance(told, int) else None


def said_tracking(product: Product) -> str | None:
    """How the source says that the product is tracked."""
    told = product.fields.get("inventory_tracking")
    return str(told) if told is not None else None


def tracking_of_new(product: Product, variants: Collection[Variant]) -> str | None:
    """How a new product is tracked: a stock that the shop ignores would surprise; None = as the store makes it."""
    if (said := said_tracking(product)) is not None:
        return said
    if any(quantity(one) is not None for one in variants):
        return "variant"
    return "product" if quantity(product) is not None else None


def inline(
    product: Product, variants: Sequence[Variant], *, location: int
) -> tuple[Product, tuple[Variant, ...], list[Product | Variant]]:
    """Product and variants as they are created, and those whose stock follows by a change of its own."""
    tracking = tracking_of_new(product, variants)
    items: tuple[Product | Variant, ...] = (product, *variants)
    told = {one.source_id for one in variants if is_told(one, tracking, has_variants=True)}
    tells = is_told(product, tracking, has_variants=bool(variants))
    if location != DEFAULT_LOCATION:
        follow = [one for one in items if (tells if isinstance(one, Product) else one.source_id in told)]
        told, tells = set(), False
    else:
        follow = []
    made = product if tells else _without_level(product)
    if tracking is not None:
        made = replace(made, fields={**made.fields, "inventory_tracking": tracking})
    return made, tuple(one if one.source_id in told else _without_level(one) for one in variants), follow


def inline_variant(variant: Variant, tracking: str | None, *, location: int) -> tuple[Variant, bool]:
    """A further variant of a product as it is created, and whether its stock follows by a change of its own."""
    if not is_told(variant, tracking, has_variants=True):
        return _without_level(variant), False
    return (variant, False) if location == DEFAULT_LOCATION else (_without_level(variant), True)


def goes_along(item: Product | Variant, as_made: Product | Variant) -> bool:
    """Whether all of the item's stock, if it has any, is in what is created."""
    return quantity(item) == quantity(as_made)


def is_told(item: Product | Variant, tracking: str | None, *, has_variants: bool) -> bool:
    """Whether the item's stock is one to be set, under this tracking of its product."""
    if quantity(item) is None:
        return False
    if isinstance(item, Variant):
        return tracking != "product"
    return not has_variants or tracking == "product"


def _without_level(item: Stocked) -> Stocked:
    return replace(item, fields={name: value for name, value in item.fields.items() if name != LEVEL})
