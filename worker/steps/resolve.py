"""What a change refers to, as ids of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from models.vocabulary import ItemKind
from worker.catalog import values
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    ProveStock,
    PutMetafields,
    RebuildVariants,
    RelabelOptions,
    RelateProducts,
    SetStock,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.changes import key as key_of
from worker.catalog.items import Item, Key
from worker.catalog.sending import Job
from worker.catalog.store import Relation, StoreRow
from worker.ledger import changes as pending_changes
from worker.ledger import connectors, related, relations, store_items
from worker.ledger.changes import Pending
from worker.ledger.session import Session
from worker.steps.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Orphan:
    """A change that cannot be sent: what it hangs on is not in the store."""

    pending: Pending
    missing: Key


def jobs(tools: Toolbox, session: Session, taken: Sequence[Pending]) -> tuple[list[Job], list[Orphan]]:
    """The changes as jobs, and those whose parent could not be sent."""
    if not taken:
        return [], []
    resolver = _Resolver(tools, session, taken)
    found: list[Job] = []
    orphans: list[Orphan] = []
    for one in taken:
        job = resolver.job(one)
        if isinstance(job, Key):
            orphans.append(Orphan(one, job))
        else:
            found.append(job)
    behind = _behind_ours(tools, session, taken, found)
    return [replace(job, waits_for_ours=True) if job.pending_id in behind else job for job in found], orphans


def _keys(item: Item) -> list[str]:
    """Name and SKU as they are compared."""
    found = (values.key(str(item.fields.get(name) or "")) for name in ("name", "sku"))
    return [key for key in found if key]


def _behind_ours(tools: Toolbox, session: Session, taken: Sequence[Pending], found: Sequence[Job]) -> frozenset[int]:
    """The ids of the changes that have met a name or SKU before which another item of this run may still give up."""
    again = {one.id for one in taken if one.attempts == 1}
    behind = set()
    for kind in ItemKind:
        met = [(job, item) for job in found if job.pending_id in again and (item := _updated(job.change, kind))]
        keys = {key for _, item in met for key in _keys(item)}
        held = pending_changes.holders_waiting(session, tools.connector_id, kind, keys) if keys else []
        for job, item in met:
            others = (one for one in held if one.source_id != job.change.source_id)
            if kind is ItemKind.CATEGORY:
                # A category's name is its parent's affair alone.
                others = (one for one in others if one.parent_id == job.parent_store_id)
            behind |= {job.pending_id for one in others if one.keys & {*_keys(item)}}
    return frozenset(behind)


def _updated(change: Change, kind: ItemKind) -> Item | None:
    """The item of this kind that the change updates."""
    match change:
        case UpdateCategory() if kind is ItemKind.CATEGORY:
            return change.category
        case UpdateProduct() if kind is ItemKind.PRODUCT:
            return change.product
        case UpdateVariant() if kind is ItemKind.VARIANT:
            return change.variant
        case _:
            return None


def _variants_of(change: Change) -> Iterable[int]:
    """The variants that a change of their product is about."""
    match change:
        case RelabelOptions():
            return change.fingerprints
        case RebuildVariants():
            return change.old_ids
        case _:
            return ()


class _Resolver:
    """Looks up, in as few queries as there are kinds, what a portion of changes refers to."""

    def __init__(self, tools: Toolbox, session: Session, taken: Sequence[Pending]) -> None:
        changes = [one.change for one in taken]
        doubtful = [one.change for one in taken if one.unsure]
        self._taken = {
            kind: frozenset(relations.holding(session, tools.connector_id, kind, keys)) if keys else frozenset[int]()
            for kind, keys in (
                (
                    ItemKind.PRODUCT,
                    [k for one in doubtful if isinstance(one, CreateProduct) for k in _keys(one.product)],
                ),
                (
                    ItemKind.VARIANT,
                    [k for one in doubtful if isinstance(one, CreateVariant) for k in _keys(one.variant)],
                ),
            )
        }
        own = {key_of(change) for change in changes}
        parents = {
            Key(ItemKind.PRODUCT, change.product_id)
            for change in changes
            if isinstance(change, CreateVariant | UpdateVariant)
        }
        variants = {Key(ItemKind.VARIANT, one) for change in changes for one in _variants_of(change)}
        self._known = relations.of(session, tools.connector_id, own | parents | variants)
        storefronts = connectors.storefronts(session, tools.connector_id)
        self._trees = {one.storefront_id: one.tree_id for one in storefronts}
        self._names = {one.storefront_id: one.name for one in storefronts}
        self._categories: Mapping[Key, Relation] = {}
        if any(isinstance(c, CreateCategory | UpdateCategory | CreateProduct | UpdateProduct) for c in changes):
            self._categories = relations.of_categories(session, tools.connector_id)
        self._ours = {relation.store_id: at.storefront_id for at, relation in self._categories.items()}
        held = [
            self._known[key_of(change)].store_id
            for change in changes
            if isinstance(change, UpdateProduct | RelateProducts) and key_of(change) in self._known
        ]
        self._held: Mapping[int, StoreRow] = (
            store_items.load(session, tools.connector_id, ItemKind.PRODUCT, held) if held else {}
        )
        updated = [
            self._known[key_of(change)].store_id
            for change in changes
            if isinstance(change, UpdateCategory) and key_of(change) in self._known
        ]
        self._urls: Mapping[int, str] = (
            store_items.urls(session, tools.connector_id, ItemKind.CATEGORY, updated) if updated else {}
        )
        named = {one for change in changes if isinstance(change, RelateProducts) for one in change.references}
        self._related = related.linked(session, tools.connector_id, named) if named else {}

    def job(self, pending: Pending) -> Job | Key:
        """The change as a job; the key of what is missing where it cannot be one."""
        change = pending.change
        relation = self._known.get(key_of(change))
        if relation is not None and isinstance(change, CreateCategory | CreateProduct | CreateVariant):
            return key_of(change)  # it has been linked meanwhile: there is nothing left to create
        match change:
            case CreateCategory() | UpdateCategory():
                above = Key(ItemKind.CATEGORY, change.parent_id or 0, change.storefront_id)
                parent = self._categories.get(above)
                if change.parent_id is not None and parent is None:
                    return above
                if isinstance(change, UpdateCategory) and relation is None:
                    return key_of(change)
                return Job(
                    pending.id,
                    change,
                    pending.attempts,
                    pending.unsure,
                    relation=relation,
                    tree_id=self._trees.get(change.storefront_id, 0),
                    parent_store_id=parent.store_id if parent else 0,
                    url_before=self._urls.get(relation.store_id) if relation else None,
                )
            case CreateProduct():
                ids, there, missing = self._places(change.places, change.without)
                if not ids:
                    return Key(ItemKind.CATEGORY, missing[0])
                return Job(
                    pending.id,
                    change,
                    pending.attempts,
                    pending.unsure,
                    self._taken[ItemKind.PRODUCT],
                    relation,
                    category_ids=ids,
                    places=there,
                    missing_categories=missing,
                )
            case UpdateProduct():
                if relation is None:
                    return key_of(change)
                ids, there, missing = self._places(change.places, change.without)
                row = self._held.get(relation.store_id)
                # Categories that Sales Layer does not manage stay, and those of storefronts that are left alone.
                stay = {None, *change.left_alone}
                held = row.fields.get("categories") or () if row else ()
                others = tuple(c for c in held if self._ours.get(c) in stay)
                return Job(
                    pending.id,
                    change,
                    pending.attempts,
                    pending.unsure,
                    relation=relation,
                    category_ids=(*ids, *others),
                    places=there,
                    missing_categories=missing,
                    images_before=tuple(
                        (int(one[0]), str(one[1])) for one in (row.fields.get("images") or () if row else ())
                    ),
                    parts_before={name: row.fields.get(name) or [] for name in ("bulk_rules", "videos")}
                    if row
                    else None,
                )
            case RelateProducts():
                return self._relating(pending, change, relation) if relation is not None else key_of(change)
            case CreateVariant() | UpdateVariant():
                product = self._known.get(Key(ItemKind.PRODUCT, change.product_id))
                if product is None:
                    return Key(ItemKind.PRODUCT, change.product_id)
                if isinstance(change, UpdateVariant) and relation is None:
                    return key_of(change)
                taken = self._taken[ItemKind.VARIANT]
                return Job(pending.id, change, pending.attempts, pending.unsure, taken, relation, parent=product)
            case RelabelOptions() | RebuildVariants():
                if relation is None:
                    return key_of(change)
                siblings = {
                    one: found
                    for one in _variants_of(change)
                    if (found := self._known.get(Key(ItemKind.VARIANT, one))) is not None
                }
                return Job(pending.id, change, pending.attempts, pending.unsure, relation=relation, siblings=siblings)
            case AssignStorefronts():
                if relation is None:
                    return key_of(change)
                doubt = (pending.attempts, pending.unsure)
                return Job(pending.id, change, *doubt, relation=relation, storefront_names=self._names)
            case ShowOptions() | PutMetafields() | SetStock() | ProveStock() | Disable():
                if relation is None:
                    return key_of(change)
                return Job(pending.id, change, pending.attempts, pending.unsure, relation=relation)

    def _relating(self, pending: Pending, change: RelateProducts, relation: Relation) -> Job:
        """The related products that are in the store, and the references to those that are not."""
        found = [self._related.get(one) for one in change.references]
        row = self._held.get(relation.store_id)
        # What was made in this run has no row yet: the store holds what it gives by itself.
        before = row.fields.get("related_products") if row else None
        return Job(
            pending.id,
            change,
            pending.attempts,
            pending.unsure,
            relation=relation,
            related=tuple(dict.fromkeys(one for one in found if one is not None and one != relation.store_id)),
            unrelated=tuple(one for one, store_id in zip(change.references, found, strict=True) if store_id is None),
            related_before=tuple(int(one) for one in before) if before is not None else None,
        )

    def _places(
        self, places: Sequence[tuple[int, int]], without: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...], tuple[int, ...]]:
        """The store's ids of these categories, the places that they are, and the categories that are not there."""
        ids, there, missing = [], [], list(without)
        for storefront_id, source_id in places:
            relation = self._categories.get(Key(ItemKind.CATEGORY, source_id, storefront_id))
            if relation is None:
                missing.append(source_id)
            else:
                ids.append(relation.store_id)
                there.append((storefront_id, source_id))
        return tuple(ids), tuple(there), tuple(dict.fromkeys(missing))
