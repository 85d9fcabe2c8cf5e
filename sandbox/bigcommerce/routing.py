"""Which room answers which path."""

import re

from sandbox.bigcommerce import (
    assignments,
    brands,
    categories,
    images,
    info,
    inventory,
    metafields,
    option_values,
    options,
    parts,
    price_lists,
    products,
    trees,
    variant_calls,
)
from sandbox.bigcommerce.call import Route

ROOMS = (
    assignments,
    brands,
    categories,
    images,
    info,
    inventory,
    metafields,
    option_values,
    options,
    parts,
    price_lists,
    products,
    trees,
    variant_calls,
)
NUMBER = re.compile(r"\d{1,18}")

TABLE: dict[str, dict[str, Route]] = {}
for room in ROOMS:
    for route in room.ROUTES:
        TABLE.setdefault(route.pattern, {})[route.method] = route


def pattern_of(path: str) -> tuple[str, tuple[int, ...]]:
    """The path with its numbers left out, and the numbers."""
    parts_of_path = path.split("/")
    ids = tuple(int(part) for part in parts_of_path if NUMBER.fullmatch(part))
    return "/".join("{id}" if NUMBER.fullmatch(part) else part for part in parts_of_path), ids
