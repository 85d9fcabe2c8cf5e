"""Link what coincides: which store item is this source item, once, remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.vocabulary import ItemKind, Outcome
from worker.catalog import bulk_pricing, pictures
from worker.catalog.fields import Group
from worker.catalog.items import Category, Key, Problem, Product, Settled, Variant
from worker.catalog.store import DEFAULT_LOCATION, Candidate, Relation, StoreRow
from worker.catalog.values import key
from worker.ledger import relations, source_items, statuses, store_items
from worker.ledger.session import Session
from worker.rules import holding, matching
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.compare import compare
from worker.steps.reading import Trees
from worker.steps.told import Told, told
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write

CHUNK = 500
"""Items that are matched in one transaction."""


@dataclass(slots=True)
class Found:
    """What matching found in a portion of items."""

    relations: list[Relation] = field(default_factory=list)
    problems: dict[Key, Problem] = field(default_factory=dict)
    heirs: dict[Key, int] = field(default_factory=dict)
    """A category that was made anew at the source under another id -> the one that is gone there."""


def link(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Link categories level by level, then products, then the variants of linked products."""
    kept = dict(cursor or {"part": "categories", "level": 1})
    with tools.read() as session:
        kinds = reading.mapped(tools, session)
    if cursor is None and (yield Save(kept, lambda session: compare(tools, session, kinds))):
        return False
    if kept["part"] == "categories":
        level: int | None = kept["level"]
        while level is not None:
            found, level = _categories(tools, kinds, level)
            following = {"part": "products", "after": 0} if level is None else {"part": "categories", "level": level}
            if (yield Save(following, _writing(tools, found))):
                return False
        kept = {"part": "products", "after": 0}
    for kind, part in ((ItemKind.PRODUCT, "products"), (ItemKind.VARIANT, "variants")):
        if kept["part"] != part:
            continue
        finished = yield from _items(tools, kinds, kind, kept)
        if not finished:
            return False
        kept = {"part": "variants", "after": 0}
        if kind is ItemKind.PRODUCT and (yield Save(kept)):
            return False
    yield Save(None)
    return True


def _categories(tools: Toolbox, kinds: Mapping[ItemKind, Mapped], level: int) -> tuple[Found, int | None]:
    """The categories of one level of every tree; the next level, if there is one."""
    found = Found()
    deepest = 0
    with tools.read() as session:
        left = relations.of_gone_categories(session, tools.connector_id)
        if not left and not store_items.any_of(session, tools.connector_id, ItemKind.CATEGORY):
            return found, None
        trees = reading.trees(tools, session)
        linked = relations.of_categories(session, tools.connector_id)
        for covered in trees.covered:
            deepest = max(deepest, max((place[1] for place in covered.places.values()), default=0))
            wanted = []
            for source_id, (parent, depth) in covered.places.items():
                row = trees.rows[source_id]
                if depth != level or row.refused is not None or _at(source_id, covered.storefront_id) in linked:
                    continue
                above = linked.get(_at(parent, covered.storefront_id)) if parent is not None else None
                if parent is None or above is not None:
                    name = key(str(reading.category(row, kinds).fields.get("name") or "")) or ""
                    place = above.store_id if above else 0
                    if (before := left.pop((covered.storefront_id, place, name), None)) is not None:
                        found.heirs[_at(source_id, covered.storefront_id)] = before
                    else:
                        wanted.append((source_id, place, name))
            candidates = store_items.category_candidates(
                session, tools.connector_id, tree_id=trees.tree_id(covered.storefront_id), wanted=wanted
            )
            _match(tools, session, found, ItemKind.CATEGORY, candidates, kinds, trees, covered.storefront_id)
    return found, level + 1 if level < deepest else None


def _at(source_id: int | None, storefront_id: int) -> Key:
    return Key(ItemKind.CATEGORY, source_id or 0, storefront_id)


def _items(tools: Toolbox, kinds: Mapping[ItemKind, Mapped], kind: ItemKind, kept: dict[str, Any]) -> Step:
    """Products or variants, chunk by chunk; nothing to do where the store holds none that is free."""
    after = int(kept["after"])
    with tools.read() as session:
        if not store_items.any_of(session, tools.connector_id, kind):
            return True
        trees = reading.trees(tools, session)
    while True:
        found = Found()
        with tools.read() as session:
            candidates = (
                store_items.product_candidates(session, tools.connector_id, after=after, limit=CHUNK)
                if kind is ItemKind.PRODUCT
                else store_items.variant_candidates(session, tools.connector_id, after=after, limit=CHUNK)
            )
            if not candidates:
                return True
            after = max(candidates)
            _match(tools, session, found, kind, candidates, kinds, trees, 0)
        if (yield Save({**kept, "after": after}, _writing(tools, found))):
            return False


def _match(
    tools: Toolbox,
    session: Session,
    found: Found,
    kind: ItemKind,
    candidates: Mapping[int, list[Candidate]],
    kinds: Mapping[ItemKind, Mapped],
    trees: Trees,
    storefront_id: int,
) -> None:
    matches = {source_id: matching.match(fitting) for source_id, fitting in candidates.items()}
    taken: dict[int, int] = {}
    for source_id, match in sorted(matches.items()):
        if match.problem is not None:
            found.problems[Key(kind, source_id, storefront_id)] = match.problem
        elif match.store_id is not None:
            # Two source items for one store item: the lower id has it (law 11).
            taken.setdefault(match.store_id, source_id)
    chosen = {source_id: store_id for store_id, source_id in taken.items()}
    held = store_items.load(session, tools.connector_id, kind, chosen.values())
    items = told(tools, session, kind, chosen, kinds, trees, storefront_id)
    linked = relations.of_categories(session, tools.connector_id) if kind is ItemKind.PRODUCT and chosen else {}
    for source_id, store_id in chosen.items():
        one, row = items[source_id], held[store_id]
        category_ids = one.category_ids(linked)
        same = holding.coinciding(one.item, one.groups, row, category_ids=category_ids)
        if tools.profile.stock_location != DEFAULT_LOCATION:
            same.pop(Group.STOCK, None)  # what was read is the default location's
        if len(category_ids) < len(one.places):
            same.pop(Group.CATEGORIES, None)
        found.relations.append(_relation(Key(kind, source_id, storefront_id), one, row, same))


def _relation(at: Key, one: Told, row: StoreRow, same: dict[str, str]) -> Relation:
    """The relation at first link; whether it is enabled is what the source says, not what a merchant has hidden."""
    match item := one.item:
        case Product():
            wanted, shown = set(item.custom_fields), one.groups.get(Group.OPTIONS, ())
            parts = {
                "images": pictures.held_by(item.images, row.fields.get("images") or ()),
                "custom_fields": [
                    pair for pair in row.fields.get("custom_fields") or () if (pair[0], pair[1]) in wanted
                ],
                "bulk_rules": [
                    rule
                    for rule in row.fields.get("bulk_rules") or ()
                    if bulk_pricing.from_row(rule)[1] in item.bulk_rules
                ],
                "videos": [video for video in row.fields.get("videos") or () if video[0] in (item.videos or ())],
                "options": _shared(row.fields.get("options") or {}, shown),
                "storefronts": sorted(
                    {storefront for storefront, _ in one.places} & set(row.fields.get("storefronts") or ())
                ),
            }
            enabled = item.fields.get("is_visible") is not False
            return Relation(at, row.store_id, row.parent_id, enabled=enabled, fingerprints=same, parts=parts)
        case Variant():
            enabled = item.fields.get("enabled") is not False
        case Category():
            enabled = item.fields.get("is_visible") is not False
    return Relation(at, row.store_id, row.parent_id, enabled=enabled, fingerprints=same)


def _shared(held: Mapping[str, Any], shown: Sequence[Any]) -> dict[str, Any]:
    """The store's options and values that the source has too: those are ours from now on, the others nobody's of us."""
    said = {(name.casefold(), label.casefold()) for name, _, values in shown for label, _ in values}
    found = {
        name: {
            **option,
            "values": {v: i for v, i in option["values"].items() if (name.casefold(), v.casefold()) in said},
        }
        for name, option in held.items()
    }
    return {name: option for name, option in found.items() if option["values"]}


def _writing(tools: Toolbox, found: Found) -> Write:
    def write(session: Session) -> None:
        relations.pass_on(session, tools.connector_id, found.heirs)
        foreign = relations.remember(session, tools.tenant_id, tools.connector_id, tools.store_hash, found.relations)
        trouble = dict(found.problems)
        for at in foreign:
            trouble[at] = matching.OWNED_ELSEWHERE
        settled = [Settled.of(at, Outcome.FAILED, one) for at, one in trouble.items()]
        statuses.record(session, tools.tenant_id, tools.connector_id, tools.run_id, settled)
        for kind in ItemKind:
            refused = {at.source_id: one.code for at, one in trouble.items() if at.kind is kind}
            source_items.refuse(session, tools.connector_id, kind, refused)
            source_items.settle(session, tools.connector_id, kind, refused)

    return write
