"""Variants whose option values changed: relabelled, or rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.vocabulary import ItemKind
from worker.catalog import fingerprint
from worker.catalog.changes import RebuildVariants, RelabelOptions
from worker.catalog.fields import Group
from worker.catalog.items import Key, Option, Problem, Product, Variant
from worker.catalog.store import Relation
from worker.ledger import store_items
from worker.rules import difference, options
from worker.rules.options import Combination
from worker.steps import plan_stock
from worker.steps.planned import Plan, inline, put_metafields
from worker.steps.reading import Family
from worker.steps.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Moved:
    """Variants that are made anew, and those that are gone at the source and make room for them."""

    rebuilt: frozenset[int] = frozenset()
    dropped: frozenset[int] = frozenset()


def moved(
    tools: Toolbox,
    planned: Plan,
    family: Family,
    known: Mapping[Key, Relation],
    product: Product,
    fit: Sequence[Variant],
    shown: tuple[Option, ...],
) -> Moved:
    """Plan what becomes of the family's linked variants whose option values are others than were last sent."""
    linked = {one.source_id: known[at] for one in fit if (at := Key(ItemKind.VARIANT, one.source_id)) in known}
    said = {one.source_id: difference.variant_groups(one) for one in fit if one.source_id in linked}
    prints = {one: fingerprint.of_groups(groups) for one, groups in said.items()}
    if all(linked[one].fingerprints.get(Group.OPTIONS) == prints[one][Group.OPTIONS] for one in linked):
        return Moved()
    own = known[Key(ItemKind.PRODUCT, family.id)]
    before = _in_store(tools, own, shown)
    now = {one.source_id: {v.option: v.label for v in one.options} for one in fit if one.source_id in linked}
    ours = {relation.store_id for relation in linked.values()}
    found = options.moves(
        {one: before.get(relation.store_id, {}) for one, relation in linked.items()},
        now,
        others=[combination for store_id, combination in before.items() if store_id not in ours],
    )
    if found.relabels:
        stay = {one: prints[one][Group.OPTIONS] for one in linked if one not in found.rebuilt}
        planned.add(RelabelOptions(family.id, found.relabels, stay))
    if not found.rebuilt:
        return Moved()
    gone = {
        row.source_id: relation.store_id
        for row in family.variants
        if row.gone and (relation := known.get(Key(ItemKind.VARIANT, row.source_id))) is not None
    }
    if not found.is_other_set:
        wanted = [now[one] for one in found.rebuilt]
        there = {one: before[store_id] for one, store_id in gone.items() if store_id in before}
        gone = {one: gone[one] for one in options.in_the_way(wanted, there)}
    switches = tools.profile.switches
    planned.add(
        RebuildVariants(
            family.id,
            tuple(one for one in fit if one.source_id in found.rebuilt),
            {one: linked[one].store_id for one in sorted(found.rebuilt)},
            gone,
            shown,
            {
                one: inline(difference.after_rebuild(prints[one], linked[one].fingerprints, switches))
                for one in found.rebuilt
            },
            sends_stock=switches.overwrite_stock,
            sends_prices=switches.overwrite_prices,
            groups={one: difference.changed(said[one], linked[one].fingerprints, switches) for one in found.rebuilt},
            keeps_stock=plan_stock.tracked_by(tools, product, own) != "product",
            location=tools.profile.stock_location,
        )
    )
    for one in fit:
        # A variant that is made anew has none of our metafields any more.
        if one.source_id in found.rebuilt and one.metafields:
            planned.add(put_metafields(one, prints[one.source_id]))
    return Moved(found.rebuilt, frozenset(gone))


def held(
    tools: Toolbox, family: Family, known: Mapping[Key, Relation], new: Sequence[Variant], shown: Sequence[Option]
) -> dict[int, Problem]:
    """Those of these new variants whose option values another variant of the store has, that stays where it is."""
    if not new:
        return {}
    ours = {
        relation.store_id
        for row in family.variants
        if not row.gone and (relation := known.get(Key(ItemKind.VARIANT, row.source_id))) is not None
    }
    there = _in_store(tools, known[Key(ItemKind.PRODUCT, family.id)], shown)
    others = {store_id: combination for store_id, combination in there.items() if store_id not in ours}
    text = (
        "a variant of the store that is gone at the source, or that Sales Layer never sent, has the same option values"
    )
    wanted = {one.source_id: {value.option: value.label for value in one.options} for one in new}
    return {
        source_id: Problem("combination_held", f"{text} ({', '.join(combination.values())})")
        for source_id, combination in wanted.items()
        if options.in_the_way([combination], others)
    }


def _in_store(tools: Toolbox, product: Relation, shown: Sequence[Option]) -> dict[int, Combination]:
    """Variant of the store -> its option values, the options called as the source calls them."""
    with tools.read() as session:
        held = store_items.variants_of(session, tools.connector_id, product.store_id)
    spelled = {one.name.casefold(): one.name for one in shown}
    return {
        row.store_id: {
            spelled.get(name.casefold(), name): label for name, label in row.fields.get("option_values") or ()
        }
        for row in held
    }
