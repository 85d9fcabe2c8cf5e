"""A product with its variants, compared with what was last sent."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from models.vocabulary import ItemKind, Outcome
from worker.catalog import fingerprint, pictures
from worker.catalog.changes import (
    AssignStorefronts,
    CreateProduct,
    CreateVariant,
    Disable,
    RebuildVariants,
    RelabelOptions,
    ShowOptions,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.fields import Group
from worker.catalog.items import Key, Option, Problem, Product, Settled, Variant
from worker.catalog.store import Relation
from worker.ledger import store_items
from worker.ledger.source_items import SourceRow
from worker.rules import coverage, difference, limits, options
from worker.rules.mapping import Mapped
from worker.rules.options import Moves
from worker.steps import reading
from worker.steps.planned import Plan, waiting
from worker.steps.reading import Family, Trees
from worker.steps.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class FamilyPlan:
    """What is to be done about one product and its variants."""

    tools: Toolbox
    planned: Plan
    family: Family
    known: Mapping[Key, Relation]
    trees: Trees
    there: AbstractSet[tuple[int, int]]
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
            self._gone(Moves())
            return
        product = reading.product(row, self.kinds)
        wanted = coverage.storefronts_of(product.category_ids, self.trees.covered)
        places, crowded = limits.places([place for place in wanted if place in self.there])
        product = replace(product, remarks=(*product.remarks, *crowded))
        without = tuple(
            dict.fromkeys(category for storefront, category in wanted if (storefront, category) not in self.there)
        )
        fit = [reading.variant(one, self.kinds) for one in self.family.variants if not one.gone and one.refused is None]
        shown = options.of_product(fit)
        if relation is not None:
            self._linked(row, product, relation, places, without, shown)
            fit = [one for one in fit if not self._stands_elsewhere(one, relation)]
            moved = self._moved(relation, fit, shown)
            self._variants([one for one in fit if one.source_id not in moved.rebuilt], shown)
            self._gone(moved)
        elif places:
            self._new(product, places, without, fit, shown)
        else:
            self._nowhere(product, without, fit)

    def _new(
        self,
        product: Product,
        places: tuple[tuple[int, int], ...],
        without: tuple[int, ...],
        fit: list[Variant],
        shown: tuple[Option, ...],
    ) -> None:
        said = difference.product_groups(product, places, shown)
        fingerprints = fingerprint.of_groups(said)
        variants = {one.source_id: fingerprint.of_groups(difference.variant_groups(one)) for one in fit}
        self.planned.add(
            CreateProduct(product.source_id, product, tuple(fit), shown, places, fingerprints, variants, without)
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
            self.planned.settled.append(waiting(Key(ItemKind.VARIANT, one.source_id), "product_refused", blocked))

    def _linked(
        self,
        row: SourceRow,
        product: Product,
        relation: Relation,
        places: tuple[tuple[int, int], ...],
        without: tuple[int, ...],
        shown: tuple[Option, ...],
    ) -> None:
        said = difference.product_groups(product, places, shown)
        fingerprints = fingerprint.of_groups(said)
        groups = difference.changed(said, relation.fingerprints, self.tools.profile.switches)
        visible = product.fields.get("is_visible") is not False
        if not relation.enabled and visible:
            groups |= {Group.VISIBILITY}
        groups = difference.with_refused_pictures(groups, said, relation.parts, forced=self.all_due)
        if Group.IMAGES not in groups:
            product = replace(product, remarks=_with_refused(product, relation))
        own = groups - {Group.OPTIONS, Group.STOREFRONTS}
        looked_at = row.due or self.all_due
        if own and looked_at:
            outcome = Outcome.DISABLED if relation.enabled and not visible else Outcome.UPDATED
            self.planned.add(
                UpdateProduct(
                    product.source_id,
                    product,
                    places,
                    own,
                    fingerprints,
                    outcome,
                    without,
                    tries_pictures_again=self.all_due,
                )
            )
        if Group.OPTIONS in groups:
            # Whether or not the product itself is due: its options come from its variants.
            groups -= {Group.OPTIONS} if not self._show(product.source_id, shown, fingerprints) else frozenset[str]()
        if Group.STOREFRONTS in groups and looked_at:
            self._assign(product.source_id, places, fingerprints)
        if looked_at and not groups:
            self.planned.leave(Key(ItemKind.PRODUCT, product.source_id), product.remarks)

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
            groups = difference.with_refused_pictures(groups, said, relation.parts, forced=self.all_due)
            if Group.IMAGES not in groups:
                variant = replace(variant, remarks=_with_refused(variant, relation))  # noqa: PLW2901 the same, told more
            if not due[variant.source_id]:
                continue
            if groups:
                outcome = Outcome.DISABLED if relation.enabled and not enabled else Outcome.UPDATED
                self.planned.add(
                    UpdateVariant(variant.source_id, self.family.id, variant, groups, fingerprints, outcome)
                )
            else:
                self.planned.leave(at, variant.remarks)

    def _gone(self, moved: Moves) -> None:
        """Variants that are gone are not purchasable any more; a rebuild under other options drops them."""
        for row in self.family.variants:
            relation = self.known.get(Key(ItemKind.VARIANT, row.source_id))
            if row.gone and relation is not None and relation.enabled and not moved.is_other_set:
                self.planned.add(Disable(ItemKind.VARIANT, row.source_id))
            elif row.gone:
                self._nothing_to_do(row)

    def _stands_elsewhere(self, variant: Variant, product: Relation) -> bool:
        """A variant that belongs to another product now cannot be moved in the store, nor made twice under its SKU."""
        at = Key(ItemKind.VARIANT, variant.source_id)
        relation = self.known.get(at)
        if relation is None or relation.parent_store_id in (None, product.store_id):
            return False
        text = f"it belonged to product {relation.parent_store_id} of the store; delete it there, then it is made here"
        problem = Problem("variant_moved", text)
        self.planned.settled.append(Settled(at, Outcome.FAILED, problem.code, text, (problem,)))
        return True

    def _moved(self, product: Relation, fit: list[Variant], shown: tuple[Option, ...]) -> Moves:
        """Variants whose option values changed: relabelled where that can be, else rebuilt."""
        linked = {
            one.source_id: self.known[at] for one in fit if (at := Key(ItemKind.VARIANT, one.source_id)) in self.known
        }
        said = {one.source_id: difference.variant_groups(one) for one in fit if one.source_id in linked}
        prints = {one: fingerprint.of_groups(groups) for one, groups in said.items()}
        if all(linked[one].fingerprints.get(Group.OPTIONS) == prints[one][Group.OPTIONS] for one in linked):
            return Moves()
        with self.tools.read() as session:
            held = store_items.variants_of(session, self.tools.connector_id, product.store_id)
        spelled = {one.name.casefold(): one.name for one in shown}
        before = {
            row.store_id: {
                spelled.get(name.casefold(), name): label for name, label in row.fields.get("option_values") or ()
            }
            for row in held
        }
        ours = {relation.store_id for relation in linked.values()}
        known = {
            spelled.get(name.casefold(), name): option["values"]
            for name, option in (product.parts.get("options") or {}).items()
        }
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
                )
            )
        return moved

    def _nothing_to_do(self, *rows: SourceRow | None) -> None:
        """Gone and never synced, or disabled already: nothing is done about it."""
        for row in rows:
            if row is not None and row.gone:
                self.planned.unchanged.setdefault(row.kind, []).append((row.source_id, 0))


def _with_refused(item: Product | Variant, relation: Relation) -> tuple[Problem, ...]:
    """What the item goes without, pictures that the store refused before included."""
    return (*item.remarks, *pictures.still_refused(item.images, relation.parts))
