"""The rest is to be created, or changed: all is made ready and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from models.vocabulary import ItemKind, Outcome, RunState
from worker.catalog import fingerprint, pictures
from worker.catalog.changes import CreateCategory, Disable, UpdateCategory
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.items import Category, Key, Settled
from worker.catalog.store import Relation
from worker.ledger import (
    announced,
    changes,
    events,
    mirror,
    relations,
    runs,
    source_items,
    standing,
    statuses,
    store_items,
)
from worker.ledger.session import Session
from worker.ledger.standing import Mark
from worker.rules import brake, difference, validity
from worker.rules.brake import Reach
from worker.rules.coverage import Covered
from worker.rules.mapping import Mapped
from worker.steps import plan_related, plan_storefronts, reading, walking
from worker.steps.addressing import Addresses
from worker.steps.plan_family import FamilyPlan
from worker.steps.plan_losses import losses
from worker.steps.planned import Plan, waiting
from worker.steps.reading import Trees
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write


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
            room = validity.MOST_CATEGORIES - store_items.count(session, tools.connector_id, ItemKind.CATEGORY)
            planned = _categories(tools, trees, linked, kinds, all_due=all_due, room=room)
            planned.losses = losses(tools, session, planned, linked, kinds)
        kept = {"part": "families", "after": -1}
        if (yield Save(dict(kept), _writing(tools, planned, trees))):
            return False
    with tools.read() as session:
        there = changes.categories_to_come(session, tools.connector_id)
        rebuilding = changes.standing_families(session, tools.connector_id)
        there |= {(at.storefront_id, at.source_id) for at in relations.of_categories(session, tools.connector_id)}
        under = walking.under_trees(tools, session, trees, there)
        is_cleaned_so = standing.cleaned_as(session, tools.connector_id) == under.reading
    after = int(kept["after"])
    addresses = Addresses(tools.profile, trees, kinds)
    while (portion := walking.portion(tools, after, under, all_due=all_due)) is not None:
        families, after = portion.families, portion.after
        with tools.read() as session:
            ids, variants = [one.id for one in families], [row.source_id for one in families for row in one.variants]
            known = relations.of_families(session, tools.connector_id, ids, variants)
        planned = Plan()
        # What an earlier run was rebuilding is brought to its end first; these products stay due.
        stands: dict[int, Mark] = {}
        for family in (one for one in families if one.id not in rebuilding):
            before = len(planned.changes) + len(planned.settled)
            FamilyPlan(tools, planned, family, known, trees, there, kinds, addresses, all_due).plan()
            is_left = len(planned.changes) + len(planned.settled) == before
            if (
                all_due
                and is_cleaned_so
                and is_left
                and family.is_settled
                and Key(ItemKind.PRODUCT, family.id) in known
            ):
                stands[family.id] = Mark(portion.versions[family.id], under.reading, under.planning or "")
        with tools.read() as session:
            planned.losses = losses(tools, session, planned, known, kinds)
        if (yield Save({"part": "families", "after": after}, _writing(tools, planned, stands=stands))):
            return False
    healed = 0
    while (further := plan_related.portion(tools, kinds, healed)) is not None:
        planned, healed = further
        if (yield Save({"part": "families", "after": after}, _writing(tools, planned))):
            return False
    yield Save(None, lambda session: _finish(tools, session, trees))
    return True


def _categories(
    tools: Toolbox,
    trees: Trees,
    linked: Mapping[Key, Relation],
    kinds: Mapping[ItemKind, Mapped],
    *,
    all_due: bool,
    room: int,
) -> Plan:
    """`room`: how many categories the store takes beside those that it holds."""
    planned = Plan()
    addresses = Addresses(tools.profile, trees, kinds)
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
                planned.settled.append(waiting(at, "parent_refused", text))
            elif (deep := validity.too_deep(level)) or (at not in linked and room <= 0):
                problem = deep[0] if deep else validity.NO_ROOM
                planned.settled.append(Settled.of(at, Outcome.REJECTED, problem))
            else:
                room -= at not in linked
                looked_at = row.due or all_due
                category = addresses.of_category(reading.category(row, kinds))
                _category(tools, planned, at, covered, category, linked.get(at), looked_at=looked_at, forced=all_due)
    # Gone, or shown nowhere: nothing is left to be done about it but to disable what is linked.
    rejected, silent = plan_storefronts.nowhere(trees, linked, kinds, all_due=all_due)
    planned.settled += rejected
    planned.unchanged.setdefault(ItemKind.CATEGORY, []).extend(silent)
    for at, relation in linked.items():
        covered_there = any(at.storefront_id == one.storefront_id and at.source_id in one for one in trees.covered)
        if not covered_there and relation.enabled and at.storefront_id not in trees.left_alone:
            planned.add(Disable(at.kind, at.source_id, at.storefront_id))
    return planned


def _category(
    tools: Toolbox,
    planned: Plan,
    at: Key,
    covered: Covered,
    category: Category,
    relation: Relation | None,
    *,
    looked_at: bool,
    forced: bool,
) -> None:
    parent, level = covered.places[at.source_id]
    said = difference.category_groups(category, parent)
    fingerprints = fingerprint.of_groups(said)
    if relation is None:
        planned.add(CreateCategory(at.source_id, at.storefront_id, level, parent, category, fingerprints), level=level)
        return
    groups = difference.changed(said, relation.fingerprints, tools.profile.switches)
    visible = category.fields.get("is_visible") is not False
    if not relation.enabled and visible:
        groups |= {Group.VISIBILITY}
    if not looked_at and relation.enabled:
        return
    groups = difference.with_refused_pictures(groups, said, relation.parts, forced=forced)
    if Group.IMAGES not in groups:
        refused = pictures.still_refused(category.images, relation.parts)
        category = replace(category, remarks=(*category.remarks, *refused))
    if groups:
        outcome = Outcome.DISABLED if relation.enabled and not visible else Outcome.UPDATED
        planned.add(
            UpdateCategory(at.source_id, at.storefront_id, level, parent, category, groups, fingerprints, outcome),
            level=level,
        )
    else:
        planned.leave(at, category.remarks)


def _writing(
    tools: Toolbox, planned: Plan, trees: Trees | None = None, stands: Mapping[int, Mark] | None = None
) -> Write:
    """Store what was planned; with the categories (`trees`) what an earlier run left pending is dropped."""

    def write(session: Session) -> None:
        if trees is not None:
            plan_storefronts.write(tools, session, trees, [change for _, change in planned.changes])
            changes.clear(session, tools.connector_id)
            announced.clear(session, tools.connector_id)
            # A run that was held by the brake plans anew once it is approved.
            statuses.forget_planned(session, tools.run_id)
        changes.plan(session, tools.tenant_id, tools.connector_id, tools.run_id, planned.changes)
        announced.keep(
            session, tools.tenant_id, tools.connector_id, tools.run_id, [change for _, change in planned.changes]
        )
        figures = {
            (kind.value, storefront, f"to_{action}"): count
            for (kind, storefront, action), count in changes.sizes(change for _, change in planned.changes).items()
        }
        statuses.add(session, tools.tenant_id, tools.run_id, figures | planned.losses)
        statuses.record(session, tools.tenant_id, tools.connector_id, tools.run_id, planned.settled)
        for kind in ItemKind:
            leave = planned.unchanged.get(kind, [])
            statuses.clear_trouble(session, tools.connector_id, kind, leave, tools.run_id)
            changed = {key_of(change).source_id for _, change in planned.changes if key_of(change).kind is kind}
            done = {source_id for source_id, _ in leave}
            done |= {one.key.source_id for one in planned.settled if one.key.kind is kind}
            source_items.settle(session, tools.connector_id, kind, done - changed)
            # Under a forced refresh everything counts as due; from here on what has a change says so itself.
            source_items.make_due(session, tools.connector_id, kind, changed)
        standing.keep(session, tools.tenant_id, tools.connector_id, stands or {})

    return write


def _finish(tools: Toolbox, session: Session, trees: Trees) -> None:
    """All is planned and stored; nothing is sent yet."""
    mirror.all_planned(session, tools.connector_id)
    standing.forget_gone(session, tools.connector_id)
    statuses.forget_gone(session, tools.connector_id)
    known = source_items.known(session, tools.connector_id)
    figures = {(kind, 0, "known"): count for kind, count in known.items() if kind != ItemKind.CATEGORY}
    for covered in trees.covered:
        shown = len(covered.places) + len(covered.in_circle)
        figures[ItemKind.CATEGORY.value, covered.storefront_id, "known"] = shown
    statuses.put(session, tools.tenant_id, tools.run_id, figures)
    reason = _held(tools, session)
    if reason is None:
        runs.advance(session, tools.run_id, RunState.PREPARED)
        return
    text = f"{reason}; nothing was sent. Approve the run if that is meant, else cancel it"
    runs.say(session, tools.tenant_id, tools.run_id, level="warning", code="too_much_would_change", message=text)
    runs.advance(session, tools.run_id, RunState.AWAITING_APPROVAL)
    events.needs_action(session, tools.connector_id, code="too_much_would_change", message=text, run_id=tools.run_id)


def _held(tools: Toolbox, session: Session) -> str | None:
    """Why the brake holds the run; None = it may go on."""
    planned = statuses.counters(session, tools.run_id)

    def count(kind: ItemKind, *figures: str) -> int:
        return sum(n for (of, _, figure), n in planned.items() if of == kind and figure in figures)

    linked = relations.enabled(session, tools.connector_id)
    reaches = [
        Reach(kind, linked.get(kind, 0), count(kind, "to_disable", "to_hide"), count(kind, "to_blank"))
        for kind in ItemKind
    ]
    return brake.held(reaches, share=tools.profile.brake, allowed=runs.allowed(session, tools.run_id))
