"""What is sold while everything dies: some two hundred items of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.generator.catalogue import generate
from sandbox.generator.dirt import Dirt

NEVER = 100_000
"""Seconds between scheduled checks: whoever plays asks for the runs."""
DRAWER = 9_999
"""Id of a category that is hidden at the source."""
CHANNELS = [{"id": number, "name": f"Storefront {number}"} for number in (1, 2)]
STORE: Mapping[str, Any] = {"plan": "Enterprise", "channels": CHANNELS}


def catalogue(
    seed: int, *, products: int = 20, categories: int = 12, variants: tuple[int, int] = (7, 10)
) -> dict[str, Any]:
    """Categories, products, variants, pictures, custom fields and stock, with a little of every dirt among them."""
    dirt = Dirt(no_weight=0.02, no_price=0.02, orphans=0.01, duplicate_names=0.02, duplicate_skus=0.01)
    return generate(seed=seed, categories=categories, products=products, variants_per_product=variants, dirt=dirt)


def with_drawer(catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue with one category more, which whoever serves it hides: for products that are not to be seen yet."""
    rows = catalogue["data"]["catalogue"]
    drawer = ["M", DRAWER, rows[0][2], "DRAWER", "Drawer", *rows[0][5:]]
    return {**catalogue, "data": {**catalogue["data"], "catalogue": [*rows, drawer]}}


def profile(catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Two storefronts: one shows the whole tree, the other a branch of it."""
    rows = catalogue["data"]["catalogue"]
    top = next(row[1] for row in rows if not row[2])
    branch = next(row[1] for row in rows if row[2] == top)
    storefronts = [{"storefront": 1}, {"storefront": 2, "root": branch}]
    return {"storefronts": storefronts, "check_every_seconds": NEVER}
