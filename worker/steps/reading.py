"""Rows of the mirror as items: what cleaning, linking and planning begin with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from models.vocabulary import ItemKind
from worker.catalog.items import Category, Key, Product, Read, Variant
from worker.errors import ProfileUnusable, RootCategoryGone
from worker.ledger import connectors, mirror, relations, source_items, store_facts
from worker.ledger.connectors import Storefront
from worker.ledger.session import Session
from worker.ledger.source_items import SourceRow
from worker.rules import coverage, mapping, reading, storefronts
from worker.rules.coverage import Covered
from worker.rules.mapping import Mapped
from worker.steps.toolbox import Toolbox

FAMILIES, ROWS = 200, 1_200
"""Products that a step holds in memory at a time, and rows of theirs and of their variants; one product at least."""


def mapped(tools: Toolbox, session: Session) -> dict[ItemKind, Mapped]:
    """The profile's mapping over the columns that the source exports, and the storefronts that cells may name."""
    columns = mirror.state(session, tools.connector_id).columns
    if columns is None:
        raise ProfileUnusable(["the source has not been read yet"])
    settled, faults = mapping.settle(tools.profile, columns)
    if faults:
        raise ProfileUnusable(faults)
    there = store_facts.storefronts(session, tools.connector_id)
    zone = store_facts.time_zone(session, tools.connector_id)
    return {kind: replace(one, storefronts=there, time_zone=zone) for kind, one in settled.items()}


def item(row: SourceRow, kinds: Mapping[ItemKind, Mapped]) -> Read:
    """The item of a row with all that is wrong with it."""
    read = reading.read(row.kind, row.source_id, row.parent_id or None, row.cells, kinds[row.kind])
    return storefronts.noticed(read, kinds[row.kind].storefronts)


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
    left_alone: frozenset[int] = frozenset()
    """Storefronts without a valid category, and those that are linked no more: nothing is synchronised there.

    (The original's §5.)
    """

    def places_of(self, product: Product, held: Iterable[int] = ()) -> tuple[tuple[int, int], ...]:
        """(storefront, category) wherever the product is to stand; `held`: the storefronts where we show it."""
        there = frozenset(held)
        return tuple(
            (storefront, category)
            for storefront, category in coverage.storefronts_of(product.category_ids, self.covered)
            if storefronts.shows(product.storefronts, storefront, is_there=storefront in there)
        )

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
    if rootless := [one for one in found if one.root_id is not None and one.root_id not in parents]:
        gone = (f"category {one.root_id}, the root of storefront {one.storefront_id} ({one.name})," for one in rootless)
        raise RootCategoryGone(f"{' and '.join(gone)} is gone in Sales Layer; link the storefront to another root")
    covered = tuple(coverage.cover(parents, one.storefront_id, one.root_id) for one in found)
    covered = _selected(tools, session, rows, _occupied(tools, session, parents, covered))
    without = (one for one in covered if all(rows[category].refused is not None for category in one.places))
    unlinked = relations.storefronts(session, tools.connector_id) - {one.storefront_id for one in found}
    return Trees(rows, found, covered, unlinked | {one.storefront_id for one in without})


def _occupied(
    tools: Toolbox, session: Session, parents: Mapping[int, int | None], covered: tuple[Covered, ...]
) -> tuple[Covered, ...]:
    """The trees without empty categories, where the profile leaves these out."""
    if tools.profile.switches.include_empty_categories:
        return covered
    occupied = coverage.occupied(parents, source_items.categories_with_products(session, tools.connector_id))
    return tuple(coverage.only(tree, occupied.__contains__) for tree in covered)


def _selected(
    tools: Toolbox, session: Session, rows: Mapping[int, SourceRow], covered: tuple[Covered, ...]
) -> tuple[Covered, ...]:
    """The trees with the categories that name their storefront, where a field says so."""
    kinds = mapped(tools, session)
    if storefronts.FIELD not in kinds[ItemKind.CATEGORY].fields:
        return covered
    named = {source_id: category(row, kinds).storefronts for source_id, row in rows.items() if not row.gone}
    doubtful = any(told is not None and told.unknown for told in named.values())
    linked = relations.of_categories(session, tools.connector_id) if doubtful else {}
    shown = {at for at, relation in linked.items() if relation.enabled}

    def shows(source_id: int, storefront_id: int) -> bool:
        is_there = Key(ItemKind.CATEGORY, source_id, storefront_id) in shown
        return storefronts.shows(named[source_id], storefront_id, is_there=is_there)

    return tuple(coverage.only(tree, partial(shows, storefront_id=tree.storefront_id)) for tree in covered)


@dataclass(frozen=True, slots=True)
class Family:
    """A product, if the source has it, with its variants."""

    id: int
    product: SourceRow | None
    variants: tuple[SourceRow, ...]

    @property
    def is_settled(self) -> bool:
        """Whether all of it is at the source, fit to be sent, and waits for no outcome."""
        rows = (self.product, *self.variants)
        return all(row is not None and not (row.gone or row.due or row.refused) for row in rows)


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
