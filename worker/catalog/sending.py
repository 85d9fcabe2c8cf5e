"""A change on its way: what the sender needs to know, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.catalog import fingerprint
from worker.catalog.calls import Call
from worker.catalog.changes import Change
from worker.catalog.items import Problem
from worker.catalog.store import Relation
from worker.errors import WorkerError


@dataclass(frozen=True, slots=True)
class Job:
    """A change with all that it refers to, resolved to ids of the store."""

    pending_id: int
    change: Change
    attempts: int = 0
    unsure: bool = False
    """An earlier slice may have sent it: look before creating again."""
    taken: frozenset[int] = frozenset()
    """Store ids under the same name or SKU that other items are linked to: never adopted (design §6)."""
    relation: Relation | None = None
    """That of the change's own item."""
    parent: Relation | None = None
    """That of a variant's product."""
    siblings: Mapping[int, Relation] = field(default_factory=dict)
    """Relations of a product's variants, by source id, where the change is about them."""
    images_before: tuple[tuple[int, str], ...] = ()
    """(store id, file) of the product's pictures at the last read, others' included."""
    parts_before: Mapping[str, Any] | None = None
    """The product's bulk pricing rules and videos at the last read, others' included; None = not known."""
    related: tuple[int, ...] = ()
    """The store's ids of the related products that are there."""
    unrelated: tuple[str, ...] = ()
    """References to related products that are not."""
    related_before: tuple[int, ...] | None = None
    """The store's list at the last read; None = not known."""
    tree_id: int = 0
    parent_store_id: int = 0
    url_before: str | None = None
    """The path that the store's category had at the last read; None = not known."""
    category_ids: tuple[int, ...] | None = None
    """The whole set of the store's categories that the product is to stand in, those of others included."""
    places: tuple[tuple[int, int], ...] = ()
    """(storefront, category) of the product's categories that are in the store."""
    missing_categories: tuple[int, ...] = ()
    """Source ids of categories that are not in the store: the product goes without them."""
    storefront_names: Mapping[int, str] = field(default_factory=dict)
    """What the storefronts are called, where something may have to be said of one."""
    waits_for_ours: bool = False
    """Its name or SKU is held by another item of ours that waits in this run too, and it has met it before."""

    def categories_sent(self) -> str:
        """The fingerprint of the places that the product is really told."""
        return fingerprint.of(sorted([storefront, category] for storefront, category in self.places))


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a job: new or changed relations, what was done without, or the trouble.

    Relations beside a trouble are what was done before it: they are remembered, the change stays pending.
    """

    job: Job
    relations: tuple[Relation, ...] = ()
    problems: tuple[Problem, ...] = ()
    trouble: WorkerError | None = None
    revised: Change | None = None
    """What the change has become: its intent is kept before it goes on (law 3)."""
    following: tuple[Change, ...] = ()
    """What is to be done later in the run because of it."""
    notes: Mapping[int, Problem] = field(default_factory=dict)
    """Variant -> what is worth telling of it, e.g. what a rebuild kept."""
    of_variants: Mapping[int, tuple[Problem, ...]] = field(default_factory=dict)
    """Variant -> what it was made without, where the job is its product's."""
    stepped_aside: bool = False
    """The item has a makeshift name or SKU, so that another one can have its own: the change is tried again."""
    adopted: bool = False
    """The store item was found, not made, by this call."""
    calls: tuple[Call, ...] = ()
    """What was asked of the store for it; none where the store had it already."""
