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
    RelateProducts,
    ShowOptions,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.fields import Group
from worker.catalog.items import Key, Option, Problem, Product, Settled, Variant
from worker.catalog.store import Relation
from worker.ledger.source_items import SourceRow
from worker.rules import difference, limits, options, stocking, storefronts
from worker.rules.mapping import Mapped
from worker.steps import plan_options, plan_stock, reading
from worker.steps.addressing import Addresses
from worker.steps.plan_options import Moved
from worker.steps.planned import Plan, inline, put_metafields, waiting
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
    addresses: Addresses
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
            self._gone(Moved())
            return
        product = self.addresses.of_product(reading.product(row, self.kinds))
        wanted = self.trees.places_of(product, _shown_on(relation))
        places, crowded = limits.places(
            [one for one in wanted if one in self.there and one[0] not in self.trees.left_alone]
        )
        product = replace(product, remarks=(*product.remarks, *crowded))
        # On a storefront that is left alone, a product keeps what it has.
        alone = self.trees.left_alone
        lacking = (one for one in wanted if one not in self.there or (relation is None and one[0] in alone))
        without = tuple(dict.fromkeys(category for _, category in lacking))
        fit = options.spelled_alike(
            [reading.variant(one, self.kinds) for one in self.family.variants if not one.gone and one.refused is None]
        )
        shown = options.of_product(fit)
        if relation is not None:
            self._linked(row, product, relation, places, without, shown, has_variants=bool(fit))
            fit = [one for one in fit if not self._stands_elsewhere(one, relation)]
            moved = plan_options.moved(self.tools, self.planned, self.family, self.known, product, fit, shown)
            self._variants([one for one in fit if one.source_id not in moved.rebuilt], shown, product, relation)
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
        made, as_made, follow = stocking.inline(product, fit, location=self.tools.profile.stock_location)
        goes_along = {
            one.source_id: stocking.goes_along(one, made_as) for one, made_as in zip(fit, as_made, strict=True)
        }
        own = inline(fingerprints, with_stock=stocking.goes_along(product, made))
        theirs = {one: inline(prints, with_stock=goes_along[one]) for one, prints in variants.items()}
        self.planned.add(CreateProduct(product.source_id, made, as_made, shown, places, own, theirs, without))
        plan_stock.after_creation(self.tools, self.planned, follow, stocking.tracking_of_new(product, fit))
        if product.related:
            self._relate(product, fingerprints)
        if product.metafields:
            self.planned.add(put_metafields(product, fingerprints))
        for variant in fit:
            if variant.metafields:
                self.planned.add(put_metafields(variant, variants[variant.source_id]))
        self._show(product.source_id, shown, fingerprints)
        self._assign(product.source_id, places, fingerprints)

    def _nowhere(self, product: Product, without: tuple[int, ...], fit: list[Variant]) -> None:
        """A product with no category is not sent (the original's §4); it waits for those that cannot be sent yet."""
        if without:
            text = f"category {without[0]} cannot be sent, and it stands in no other; see that category's status"
            outcome, problem = Outcome.BLOCKED, Problem("category_missing", text)
        else:
            text = "none of its categories is shown on a storefront; add it to one that is, or link more of the tree"
            unnamed = storefronts.problems(product.storefronts, self.kinds[ItemKind.PRODUCT].storefronts)
            outcome, problem = Outcome.REJECTED, next(iter(unnamed), Problem("no_category", text))
        at = Key(ItemKind.PRODUCT, product.source_id)
        self.planned.settled.append(Settled.of(at, outcome, problem))
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
        *,
        has_variants: bool,
    ) -> None:
        kept = frozenset(_shown_on(relation)) & self.trees.left_alone
        said = difference.product_groups(product, places, shown, kept=kept)
        fingerprints = fingerprint.of_groups(said)
        groups = difference.changed(said, relation.fingerprints, self.tools.profile.switches)
        if self._stands_as_sent(product, places, relation):
            groups -= {Group.CATEGORIES}
        visible = product.fields.get("is_visible") is not False
        if not relation.enabled and visible:
            groups |= {Group.VISIBILITY}
        groups = difference.with_refused_pictures(groups, said, relation.parts, forced=self.all_due)
        if Group.IMAGES not in groups:
            product = replace(product, remarks=_with_refused(product, relation))
        own = groups - {Group.OPTIONS, Group.STOREFRONTS, Group.RELATED, Group.METAFIELDS, Group.STOCK}
        looked_at = row.due or self.all_due
        if own and looked_at:
            outcome = Outcome.DISABLED if relation.enabled and not visible else Outcome.UPDATED
            alone = tuple(sorted(self.trees.left_alone))
            self.planned.add(
                UpdateProduct(
                    product.source_id,
                    product,
                    places,
                    own,
                    fingerprints,
                    outcome,
                    without,
                    left_alone=alone,
                    tries_pictures_again=self.all_due,
                )
            )
        if Group.OPTIONS in groups:
            # Whether or not the product itself is due: its options come from its variants.
            groups -= {Group.OPTIONS} if not self._show(product.source_id, shown, fingerprints) else frozenset[str]()
        if Group.STOREFRONTS in groups and looked_at:
            self._assign(product.source_id, places, fingerprints, kept=kept)
        if Group.RELATED in groups and looked_at:
            self._relate(product, fingerprints)
        if Group.METAFIELDS in groups and looked_at:
            self.planned.add(put_metafields(product, fingerprints))
        if Group.STOCK in groups and looked_at:
            told = plan_stock.of_product(self.tools, self.planned, product, relation, has_variants=has_variants)
            groups -= {Group.STOCK} if not told else frozenset[str]()
        # A product that only has follow-ups says itself what it goes without: they add to what was told.
        follows = looked_at or Group.OPTIONS in groups
        if follows and not (own and looked_at) and (product.remarks or not groups):
            self.planned.leave(Key(ItemKind.PRODUCT, product.source_id), product.remarks)

    def _stands_as_sent(self, product: Product, places: tuple[tuple[int, int], ...], relation: Relation) -> bool:
        """Whether it was last sent with these places, and with what it keeps on storefronts that are left alone."""
        alone = ((storefront, one) for storefront in self.trees.left_alone for one in product.category_ids)
        kept = [place for place in alone if place in self.there]
        sent = fingerprint.of(sorted([storefront, one] for storefront, one in (*places, *kept)))
        return bool(kept) and relation.fingerprints.get(Group.CATEGORIES) == sent

    def _show(self, source_id: int, shown: tuple[Option, ...], fingerprints: Mapping[str, str]) -> bool:
        if self.tools.profile.switches.option_display == "as_created" or not shown:
            return False
        self.planned.add(ShowOptions(source_id, shown, fingerprints[Group.OPTIONS]))
        return True

    def _assign(
        self,
        source_id: int,
        places: tuple[tuple[int, int], ...],
        fingerprints: Mapping[str, str],
        *,
        kept: AbstractSet[int] = frozenset(),
    ) -> None:
        wanted = tuple(sorted({storefront for storefront, _ in places} | kept))
        self.planned.add(AssignStorefronts(source_id, wanted, fingerprints[Group.STOREFRONTS], tuple(sorted(kept))))

    def _relate(self, product: Product, fingerprints: Mapping[str, str]) -> None:
        self.planned.add(RelateProducts(product.source_id, product.related or (), fingerprints[Group.RELATED]))

    def _variants(
        self, fit: list[Variant], shown: tuple[Option, ...], product: Product, product_relation: Relation
    ) -> None:
        tracking = stocking.said_tracking(product)
        stocked: list[Variant] = []
        due = {row.source_id: row.due or self.all_due for row in self.family.variants}
        new = [one for one in fit if Key(ItemKind.VARIANT, one.source_id) not in self.known]
        held = plan_options.held(self.tools, self.family, self.known, new, shown)
        for variant in fit:
            at = Key(ItemKind.VARIANT, variant.source_id)
            if problem := held.get(variant.source_id):
                self.planned.settled.append(Settled.of(at, Outcome.FAILED, problem))
                continue
            relation = self.known.get(at)
            said = difference.variant_groups(variant)
            fingerprints = fingerprint.of_groups(said)
            if relation is None:
                if self._creates(variant, shown, fingerprints, tracking):
                    stocked.append(variant)
                if variant.metafields:
                    self.planned.add(put_metafields(variant, fingerprints))
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
            apart = False
            if Group.METAFIELDS in groups:
                self.planned.add(put_metafields(variant, fingerprints))
                apart = True
            if Group.STOCK in groups and stocking.is_told(variant, tracking, has_variants=True):
                stocked.append(variant)
                apart = True
            groups -= {Group.METAFIELDS, Group.STOCK}
            if groups:
                outcome = Outcome.DISABLED if relation.enabled and not enabled else Outcome.UPDATED
                self.planned.add(
                    UpdateVariant(variant.source_id, self.family.id, variant, groups, fingerprints, outcome)
                )
            elif variant.remarks or not apart:
                self.planned.leave(at, variant.remarks)
        plan_stock.of_variants(self.tools, self.planned, stocked, product, product_relation)

    def _creates(
        self, variant: Variant, shown: tuple[Option, ...], fingerprints: dict[str, str], tracking: str | None
    ) -> bool:
        """Plan a variant that its product lacks; whether its stock is to follow."""
        made, later = stocking.inline_variant(variant, tracking, location=self.tools.profile.stock_location)
        told = inline(fingerprints, with_stock=stocking.goes_along(variant, made))
        self.planned.add(CreateVariant(variant.source_id, self.family.id, made, shown, told))
        return later

    def _gone(self, moved: Moved) -> None:
        """Variants that are gone are not purchasable any more; a rebuild under other options drops them."""
        for row in self.family.variants:
            relation = self.known.get(Key(ItemKind.VARIANT, row.source_id))
            if row.gone and relation is not None and relation.enabled and row.source_id not in moved.dropped:
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
        self.planned.settled.append(Settled.of(at, Outcome.FAILED, Problem("variant_moved", text)))
        return True

    def _nothing_to_do(self, *rows: SourceRow | None) -> None:
        """Gone and never synced, or disabled already: nothing is done about it."""
        for row in rows:
            if row is not None and row.gone:
                self.planned.unchanged.setdefault(row.kind, []).append((row.source_id, 0))


def _shown_on(relation: Relation | None) -> tuple[int, ...]:
    """The storefronts on which we show the product."""
    return tuple(relation.parts.get("storefronts") or ()) if relation is not None else ()


def _with_refused(item: Product | Variant, relation: Relation) -> tuple[Problem, ...]:
    """What the item goes without, pictures that the store refused before included."""
    return (*item.remarks, *pictures.still_refused(item.images, relation.parts))
