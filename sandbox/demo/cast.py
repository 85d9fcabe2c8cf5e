"""Who plays: tenants with their catalogues, stores and storefronts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.demo import tree
from sandbox.demo.order import Order
from sandbox.generator.catalogue import generate
from sandbox.generator.dirt import Dirt
from sandbox.processes.trouble import CannotPlay
from sandbox.saleslayer.credentials import default_code

LATENCY = {"median": 0.15, "sigma": 0.3}
QUICK = {"median": 0.04, "sigma": 0.3}
"""The one catalogue waits for the store's quota anyway."""


@dataclass(frozen=True, slots=True)
class Role:
    """One tenant with one connector: what it sells, and where."""

    tenant: str
    connector: str
    code: str
    store_hash: str
    catalogue: Mapping[str, Any]
    plan: str
    latency: Mapping[str, float]
    storefronts: tuple[tuple[str, int | None], ...]
    """(name, source id of its root category; None = the full tree), in the order of the channels."""
    switches: Mapping[str, Any]


def of(order: Order) -> list[Role]:
    """The roles of the demo that was asked for."""
    return [_of_file(order.catalogue, order.root)] if order.catalogue else _generated(order.scale)


def _of_file(file: Path, root: str | None) -> Role:
    try:
        catalogue = json.loads(file.read_text("utf-8"))
    except OSError as trouble:
        raise CannotPlay(f"CATALOGUE={file} cannot be opened: {trouble.strerror}") from trouble
    except ValueError as trouble:
        raise CannotPlay(f"CATALOGUE={file} is not JSON: {trouble}") from trouble
    missing = {"schema", "data_schema", "data"} - set(catalogue if isinstance(catalogue, dict) else ())
    if missing:
        raise CannotPlay(f"CATALOGUE={file} is no catalogue: it lacks {', '.join(sorted(missing))}")
    name = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:32] or "catalogue"
    linked = tree.root(catalogue, root)
    second = () if linked is None else ((f"{linked.name} store", linked.id),)
    return Role(
        name,
        name,
        default_code(),
        name.replace("-", ""),
        catalogue,
        "Pro",
        QUICK,
        (("Main store", None), *second),
        switches={},
    )


def _generated(scale: float) -> list[Role]:
    """A corner shop, a garden house, and a bazaar of which each product has a few variants."""
    return [
        _make(1, "corner-shop", products=round(20 * scale), categories=6, plan="Standard", second=False),
        _make(2, "garden-house", products=round(150 * scale), categories=25, plan="Pro", second=True),
        # One call an option saved: else this one alone would take three minutes of its store's quota.
        _make(
            3,
            "grand-bazaar",
            products=round(900 * scale),
            categories=60,
            plan="Pro",
            second=True,
            switches={"option_display": "as_created"},
        ),
    ]


def _make(
    number: int,
    name: str,
    *,
    products: int,
    categories: int,
    plan: str,
    second: bool,
    switches: Mapping[str, Any] | None = None,
) -> Role:
    catalogue = generate(
        seed=number,
        categories=min(categories, 3 + products),
        products=max(4, products),
        variants_per_product=(2, 6),
        dirt=Dirt(no_weight=0.01, no_price=0.01, orphans=0.002, duplicate_names=0.02, over_long=0.01),
        company_id=5000 + number,
    )
    linked = tree.root(catalogue, None) if second else None
    more = () if linked is None else ((f"{linked.name} store", linked.id),)
    return Role(
        name,
        name.partition("-")[0],
        default_code(number),
        name.replace("-", ""),
        catalogue,
        plan,
        LATENCY,
        (("Main store", None), *more),
        switches or {},
    )
