"""The rest is to be created, or changed: all is made ready and stored."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from models.vocabulary import ItemKind, Outcome, RunState
from worker.catalog import fingerprint
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    RebuildVariants,
    RelabelOptions,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.changes import action as action_of
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.items import Category, Key, Option, Problem, Product, Settled, Variant
from worker.catalog.store import Relation
from worker.ledger import changes, mirror, relations, runs, statuses, store_items
from worker.ledger.mirror import SourceRow
from worker.rules import coverage, difference, options, ordering, validity
from worker.rules.coverage import Covered
from worker.rules.mapping import Mapped
from worker.rules.options import Moves
from worker.steps import reading
from worker.steps.reading import Family, Trees
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write


@dataclass(slots=True)
class Plan:
    """What a portion of items comes to."""

    changes: list[tuple[int, Change]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    unchanged: dict[ItemKind, list[tuple[int, int]]] = field(default_factory=dict)
    blocked: list[Key] = field(default_factory=list)

    def add(self, change: Change, *, level: int = 0) -> None:
        """One more change, in its wave."""
        at = key_of(change)
        self.changes.append((ordering.wave(at.kind, action_of(change), level), change))

    def leave(self, at: Key) -> None:
        """The item is as it was last sent."""
        self.unchanged.setdefault(at.kind, []).append((at.source_id, at.storefront_id))


def plan(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Compare what the source says with what was last sent, and store what is to be done about it."""
    kept = dict(cursor or {"part": "categories"})
    with tools.read() as session:
        kinds = reading.mapped(tools, session)
        trees = reading.trees(tools, session)
        all_due = mirror.state(session, tools.connector_id).all_due
    if kept["part"] == "categories":
        with tools.read() as session:
            linked = relations.of_categories(session, tools.connector_id)
        planned = _categories(tools, trees, linked, kinds, all_due=all_due)
        kept = {"part": "families", "after": -1}
        if (yield Save(dict(kept), _writing(tools, planned, first=True))):
            return False
    with tools.read() as session:
        there = changes.categories_to_come(session, tools.connector_id)
        there |= {(at.storefront_id, at.source_id) for at in relations.of_categories(session, tools.connector_id)}
    after = int(kept["after"])
    while True:
        with tools.read() as session:
            ids = mirror.family_ids(session, tools.connector_id, after=after, limit=reading.FAMILIES, all_due=all_due)
            families = reading.families(session, tools.connector_id, ids)
            known = relations.of_families(
                session, tools.connector_id, ids, [row.source_id for one in families for row in one.variants],
            )
        if not families:
            break
        after = families[-1].id
        planned = Plan()
        for family in families:
            _Family(tools, planned, family, known, trees, there, kinds, all_due).plan()
        if (yield Save({"part": "families", "after": after}, _writing(tools, planned))):
            return False
    yield Save(None, lambda session: _finish(tools, session, trees))
    return True


def _categories(
    tools: Toolbox, trees: Trees, linked: Mapping[Key, Relation], kinds: Mapping[ItemKind, Mapped], *, all_due: bool,
) -> Plan:
    planned = Plan()
    for covered in trees.covered:
        blocked: dict[int, int] = {}
        for source_id, (parent, level) in covered.places.items():
            row = trees.rows[source_id]
            at = Key(ItemKind.CATEGORY, source_id, covered.storefront_id)
            if row.refused is not None:
                blocked[source_id] = source_id
            elif parent in blocked and at not in linked:
                blocked[source_id] = blocked[parent]
                text = f"category {blocked[parent]} above it cannot be sent; see that category's status"
                planned.settled.append(_blocked(at, "parent_refused", text))
                planned.blocked.append(at)
            elif level > validity.DEEPEST_CATEGORY:
                text = f"it stands on level {level}, the store takes {validity.DEEPEST_CATEGORY}; move it up"
                problem = Problem("category_too_deep", text)
                planned.settled.append(Settled(at, Outcome.REJECTED, problem.code, text, (problem,)))
            else:
                looked_at = row.due or all_due
                _category(tools, planned, at, covered, reading.category(row, kinds), linked.get(at), looked_at=looked_at)
    for at, relation in linked.items():
        covered_there = any(at.storefront_id == one.storefront_id and at.source_id in one for one in trees.covered)
        if not covered_there and relation.enabled:
            planned.add(Disable(at.kind, at.source_id, at.storefront_id))
    return planned


def _category(
    tools: Toolbox, planned: Plan, at: Key, covered: Covered, category: Category, relation: Relation | None, *,
    looked_at: bool,
) -> None:
    parent, level = covered.places[at.source_id]
    said = difference.category_groups(category, parent)
    fingerprints = fingerprint.of_groups(said)
    if relation is None:
        planned.add(
            CreateCategory(at.source_id, at.storefront_id, level, parent, category, fingerprints), level=level,
        )
        return
    groups = difference.changed(said, relation.fingerprints, tools.profile.switches)
    visible = category.fields.get("is_visible") is not False
    if not relation.enabled and visible:
        groups |= {Group.VISIBILITY}
    if not looked_at and relation.enabled:
        return
    if groups:
        outcome = Outcome.DISABLED if relation.enabled and not visible else Outcome.UPDATED
        planned.add(
            UpdateCategory(at.source_id, at.storefront_id, level, parent, category, groups, fingerprints, outcome),
            level=level,
        )
    else:
        planned.leave(at)


@dataclass(frozen=True, slots=True)
class _Family:
    """One product with its variants, compared with what was last sent."""

    tools: Toolbox
    planned: Plan
    family: Family
    known: Mapping[Key, Relation]
    trees: Trees
    there: Set[tuple[int, int]]
    """(storefront, category) that are in the store, or will be when products are sent."""
    kinds: Mapping[ItemKind, Mapped]
    all_due: bool

    def plan(self) -> None:
        """Plan the product and its variants."""
        row = self.family.product
        relation = self.known.get(Key(ItemKind.PRODUCT, self.family.id))
        if row is None or row.gone:
            if relation is not None and relation.enabled:
                self.planned.add(Disable(ItemKind.PRODUCT, self.family.id))
            self._nothing_to_do(row, *self.family.variants)
            return
        if row.refused is not None:
            return
        product = reading.product(row, self.kinds)
        wanted = coverage.storefronts_of(product.category_ids, self.trees.covered)
        places = tuple(place for place in wanted if place in self.there)
        without = tuple(dict.fromkeys(category for storefront, category in wanted if (storefront, category) not in places))
        fit = [
            reading.variant(one, self.kinds) for one in self.family.variants if not one.gone and one.refused is None
        ]
        shown = options.of_product(fit)
        if relation is not None:
            self._linked(row, product, relation, places, without, shown)
            moved = self._moved(relation, fit, shown)
            self._variants([one for one in fit if one.source_id not in moved.rebuilt], shown)
            self._gone(moved)
        elif places:
            self._new(product, places, without, fit, shown)
        else:
            self._nowhere(product, without, fit)

    def _new(
        self, product: Product, places: tuple[tuple[int, int], ...], without: tuple[int, ...], fit: list[Variant],
        shown: tuple[Option, ...],
    ) -> None:
        said = difference.product_groups(product, places, shown)
        fingerprints = fingerprint.of_groups(said)
        variants = {one.source_id: fingerprint.of_groups(difference.variant_groups(one)) for one in fit}
        self.planned.add(
            CreateProduct(product.source_id, product, tuple(fit), shown, places, fingerprints, variants, without),
        )
        self._show(product.source_id, shown, fingerprints)
        self._assign(product.source_id, places, fingerprints)

    def _nowhere(self, product: Product, without: tuple[int, ...], fit: list[Variant]) -> None:
        """A product with no category is not sent (the original's §4); it waits for those that cannot be sent yet."""
        if without:
            text = f"category {without[0]} cannot be sent, and it stands in no other; see that category's status"
            outcome, problem = Outcome.BLOCKED, Problem("category_missing", text)
        else:
            text = "none of its categories is shown on a storefront; add it to one that is, or link more of the tree"
            outcome, problem = Outcome.REJECTED, Problem("no_category", text)
        at = Key(ItemKind.PRODUCT, product.source_id)
        self.planned.settled.append(Settled(at, outcome, problem.code, text, (problem,)))
        for one in fit:
            blocked = f"its product {product.source_id} cannot be sent; see the product's status"
            self.planned.settled.append(_blocked(Key(ItemKind.VARIANT, one.source_id), "product_refused", blocked))

    def _linked(
        self, row: SourceRow, product: Product, relation: Relation, places: tuple[tuple[int, int], ...],
        without: tuple[int, ...], shown: tuple[Option, ...],
    ) -> None:
        said = difference.product_groups(product, places, shown)
        fingerprints = fingerprint.of_groups(said)
        groups = difference.changed(said, relation.fingerprints, self.tools.profile.switches)
        visible = product.fields.get("is_visible") is not False
        if not relation.enabled and visible:
            groups |= {Group.VISIBILITY}
        own = groups - {Group.OPTIONS, Group.STOREFRONTS}
        looked_at = row.due or self.all_due
        if own and looked_at:
            outcome = Outcome.DISABLED if relation.enabled and not visible else Outcome.UPDATED
            self.planned.add(UpdateProduct(product.source_id, product, places, own, fingerprints, outcome, without))
        if Group.OPTIONS in groups:
            # Whether or not the product itself is due: its options come from its variants.
            groups -= {Group.OPTIONS} if not self._show(product.source_id, shown, fingerprints) else frozenset[str]()
        if Group.STOREFRONTS in groups and looked_at:
            self._assign(product.source_id, places, fingerprints)
        if looked_at and not groups:
            self.planned.leave(Key(ItemKind.PRODUCT, product.source_id))

    def _show(self, source_id: int, shown: tuple[Option, ...], fingerprints: Mapping[str, str]) -> bool:
        if self.tools.profile.switches.option_display == "as_created" or not shown:
            return False
        self.planned.add(ShowOptions(source_id, shown, fingerprints[Group.OPTIONS]))
        return True

    def _assign(self, source_id: int, places: tuple[tuple[int, int], ...], fingerprints: Mapping[str, str]) -> None:
        storefronts = tuple(sorted({storefront for storefront, _ in places}))
        self.planned.add(AssignStorefronts(source_id, storefronts, fingerprints[Group.STOREFRONTS]))

    def _variants(self, fit: list[Variant], shown: tuple[Option, ...]) -> None:
        due = {row.source_id: row.due or self.all_due for row in self.family.variants}
        for variant in fit:
            at = Key(ItemKind.VARIANT, variant.source_id)
            relation = self.known.get(at)
            said = difference.variant_groups(variant)
            fingerprints = fingerprint.of_groups(said)
            if relation is None:
                self.planned.add(CreateVariant(variant.source_id, self.family.id, variant, shown, fingerprints))
                continue
            groups = difference.changed(said, relation.fingerprints, self.tools.profile.switches) - {Group.OPTIONS}
            enabled = variant.fields.get("enabled") is not False
            if not relation.enabled and enabled:
                groups |= {Group.VISIBILITY}
            if not due[variant.source_id]:
                continue
            if groups:
                outcome = Outcome.DISABLED if relation.enabled and not enabled else Outcome.UPDATED
                self.planned.add(
                    UpdateVariant(variant.source_id, self.family.id, variant, groups, fingerprints, outcome),
                )
            else:
                self.planned.leave(at)

    def _gone(self, moved: Moves) -> None:
        """Variants that are gone are not purchasable any more; a rebuild under other options drops them."""
        for row in self.family.variants:
            relation = self.known.get(Key(ItemKind.VARIANT, row.source_id))
            if row.gone and relation is not None and relation.enabled and not moved.is_other_set:
                self.planned.add(Disable(ItemKind.VARIANT, row.source_id))
            elif row.gone:
                self._nothing_to_do(row)

    def _moved(self, product: Relation, fit: list[Variant], shown: tuple[Option, ...]) -> Moves:
        """Variants whose option values changed: relabelled where that can be, else rebuilt."""
        linked = {one.source_id: self.known[at] for one in fit if (at := Key(ItemKind.VARIANT, one.source_id)) in self.known}
        said = {one.source_id: difference.variant_groups(one) for one in fit if one.source_id in linked}
        prints = {one: fingerprint.of_groups(groups) for one, groups in said.items()}
        if all(linked[one].fingerprints.get(Group.OPTIONS) == prints[one][Group.OPTIONS] for one in linked):
            return Moves()
        with self.tools.read() as session:
            held = store_items.variants_of(session, self.tools.connector_id, product.store_id)
        before = {row.store_id: dict(row.fields.get("option_values") or ()) for row in held}
        ours = {relation.store_id for relation in linked.values()}
        known = {name: option["values"] for name, option in (product.parts.get("options") or {}).items()}
        moved = options.moves(
            {one: before.get(relation.store_id, {}) for one, relation in linked.items()},
            {one.source_id: {v.option: v.label for v in one.options} for one in fit if one.source_id in linked},
            strangers=[combination for store_id, combination in before.items() if store_id not in ours],
            known_labels=known,
        )
        if moved.relabels:
            stay = {one: prints[one][Group.OPTIONS] for one in linked if one not in moved.rebuilt}
            self.planned.add(RelabelOptions(self.family.id, moved.relabels, stay))
        if moved.rebuilt:
            gone = {
                row.source_id: relation.store_id
                for row in self.family.variants
                if row.gone and (relation := self.known.get(Key(ItemKind.VARIANT, row.source_id))) is not None
            }
            self.planned.add(
                RebuildVariants(
                    self.family.id,
                    tuple(one for one in fit if one.source_id in moved.rebuilt),
                    {one: linked[one].store_id for one in sorted(moved.rebuilt)},
                    gone if moved.is_other_set else {},
                    shown,
                    {one: prints[one] for one in moved.rebuilt},
                    sends_stock=self.tools.profile.switches.overwrite_stock,
                ),
            )
        return moved

    def _nothing_to_do(self, *rows: SourceRow | None) -> None:
        """Gone and never synced, or disabled already: nothing is done about it."""
        for row in rows:
            if row is not None and row.gone:
                self.planned.unchanged.setdefault(row.kind, []).append((row.source_id, 0))


def _blocked(at: Key, code: str, text: str) -> Settled:
    return Settled(at, Outcome.BLOCKED, code, text, (Problem(code, text),))


def _writing(tools: Toolbox, planned: Plan, *, first: bool = False) -> Write:
    def write(session: Session) -> None:
        if first:
            changes.clear(session, tools.connector_id)
            made = [change.source_id for _, change in planned.changes if isinstance(change, CreateCategory)]
            # Products that were blocked for want of them, or sent without, are planned in this run.
            statuses.heal_products_of(session, tools.connector_id, made)
        changes.plan(session, tools.tenant_id, tools.connector_id, tools.run_id, planned.changes)
        figures = {
            (kind.value, storefront, f"to_{action}"): count
            for (kind, storefront, action), count in changes.sizes(change for _, change in planned.changes).items()
        }
        statuses.add(session, tools.tenant_id, tools.run_id, figures)
        statuses.record(session, tools.tenant_id, tools.connector_id, tools.run_id, planned.settled)
        for kind in ItemKind:
            leave = planned.unchanged.get(kind, [])
            statuses.clear_trouble(session, tools.connector_id, kind, leave, tools.run_id)
            changed = {key_of(change).source_id for _, change in planned.changes if key_of(change).kind is kind}
            done = {source_id for source_id, _ in leave}
            done |= {one.key.source_id for one in planned.settled if one.key.kind is kind}
            mirror.settle(session, tools.connector_id, kind, done - changed)
            # Under a forced refresh everything counts as due; from here on what has a change says so itself.
            mirror.make_due(session, tools.connector_id, kind, changed)

    return write


def _finish(tools: Toolbox, session: Session, trees: Trees) -> None:
    """All is planned and stored; nothing is sent yet."""
    mirror.all_planned(session, tools.connector_id)
    statuses.forget_gone(session, tools.connector_id)
    known = mirror.known(session, tools.connector_id)
    figures = {(kind, 0, "known"): count for kind, count in known.items() if kind != ItemKind.CATEGORY}
    for covered in trees.covered:
        shown = len(covered.places) + len(covered.in_circle)
        figures[ItemKind.CATEGORY.value, covered.storefront_id, "known"] = shown
    statuses.put(session, tools.tenant_id, tools.run_id, figures)
    runs.become(session, tools.run_id, RunState.PREPARED)
