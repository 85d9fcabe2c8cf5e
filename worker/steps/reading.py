"""Rows of the mirror as items: what cleaning, linking and planning begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from models.vocabulary import ItemKind
from worker.catalog.items import Category, Product, Read, Variant
from worker.errors import ProfileUnusable, RootCategoryGone
from worker.ledger import connectors, mirror, source_items
from worker.ledger.connectors import Storefront
from worker.ledger.source_items import SourceRow
from worker.rules import coverage, mapping, reading
from worker.rules.coverage import Covered
from worker.rules.mapping import Mapped
from worker.steps.toolbox import Toolbox

FAMILIES = 200
"""Products, with their variants, that a step holds in memory at a time."""


def mapped(tools: Toolbox, session: Session) -> dict[ItemKind, Mapped]:
    """The profile's mapping over the columns that the source exports."""
    columns = mirror.state(session, tools.connector_id).columns
    if columns is None:
        raise ProfileUnusable(["the source has not been read yet"])
    settled, faults = mapping.settle(tools.profile, columns)
    if faults:
        raise ProfileUnusable(faults)
    return settled


def item(row: SourceRow, kinds: Mapping[ItemKind, Mapped]) -> Read:
    """The item of a row with all that is wrong with it."""
    return reading.read(row.kind, row.source_id, row.parent_id or None, row.cells, kinds[row.kind])


def category(row: SourceRow, kinds: Mapping[ItemKind, Mapped]) -> Category:
    """The category of a row, with what it goes without."""
    read = item(row, kinds)
    assert isinstance(read.item, Category)
    return replace(read.item, remarks=read.problems)


def product(row: SourceRow, kinds: Mapping[ItemKind, Mapped]) -> Product:
    """The product of a row, with what it goes without."""
    read = item(row, kinds)
    assert isinstance(read.item, Product)
    return replace(read.item, remarks=read.problems)


def variant(row: SourceRow, kinds: Mapping[ItemKind, Mapped]) -> Variant:
    """The variant of a row, with what it goes without."""
    read = item(row, kinds)
    assert isinstance(read.item, Variant)
    return replace(read.item, remarks=read.problems)


@dataclass(frozen=True, slots=True)
class Trees:
    """The categories of the source, and which of them each storefront shows."""

    rows: Mapping[int, SourceRow]
    storefronts: tuple[Storefront, ...]
    covered: tuple[Covered, ...]

    def place(self, storefront_id: int) -> Covered:
        """The part of the tree that this storefront shows."""
        return next(one for one in self.covered if one.storefront_id == storefront_id)

    def tree_id(self, storefront_id: int) -> int:
        """The store's tree of this storefront."""
        return next(one.tree_id for one in self.storefronts if one.storefront_id == storefront_id)


def trees(tools: Toolbox, session: Session) -> Trees:
    """The categories, and the coverage of each storefront; a root that is gone stops the run (the original's §5)."""
    rows = {row.source_id: row for row in source_items.categories(session, tools.connector_id)}
    parents = {source_id: row.parent_id or None for source_id, row in rows.items() if not row.gone}
    found = tuple(connectors.storefronts(session, tools.connector_id))
    for storefront in found:
        if storefront.root_id is not None and storefront.root_id not in parents:
            raise RootCategoryGone(
                f"category {storefront.root_id}, the root of storefront {storefront.storefront_id}"
                f" ({storefront.name}), is gone in Sales Layer; link the storefront to another root"
            )
    covered = tuple(coverage.cover(parents, one.storefront_id, one.root_id) for one in found)
    return Trees(rows, found, covered)


@dataclass(frozen=True, slots=True)
class Family:
    """A product, if the source has it, with its variants."""

    id: int
    product: SourceRow | None
    variants: tuple[SourceRow, ...]


def families(session: Session, connector_id: int, ids: Iterable[int]) -> list[Family]:
    """The families of these product ids, in their order."""
    found = source_items.families(session, connector_id, list(ids))
    return [
        Family(
            family_id,
            next((row for row in rows if row.kind is ItemKind.PRODUCT), None),
            tuple(row for row in rows if row.kind is ItemKind.VARIANT),
        )
        for family_id, rows in found.items()
    ]
