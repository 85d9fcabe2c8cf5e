"""Linked items that somebody has asked for are compared with the store anew, once it has been read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.vocabulary import ItemKind
from worker.catalog.items import Key
from worker.catalog.store import Relation
from worker.ledger import anew as ledger
from worker.ledger import relations, source_items, store_items
from worker.ledger.session import Session
from worker.rules import anew
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.reading import Trees
from worker.steps.told import told
from worker.steps.toolbox import Toolbox


def compare(tools: Toolbox, session: Session, kinds: Mapping[ItemKind, Mapped]) -> None:
    """What the store holds as the source says it counts as sent, of all items that wait for it; the rest is due."""
    marked = ledger.marked(session, tools.connector_id)
    if not marked:
        return
    trees = reading.trees(tools, session)
    linked = relations.of_categories(session, tools.connector_id)
    # What is gone at the source, or cannot be sent, has nothing that could be compared.
    found = {one.key: anew.unsent(one) for one in marked}
    for kind, storefront in sorted({(one.key.kind, one.key.storefront_id) for one in marked}):
        here = [one for one in marked if (one.key.kind, one.key.storefront_id) == (kind, storefront)]
        found |= _compared(tools, session, kinds, trees, linked, kind, storefront, here)
    ledger.compared(session, tools.connector_id, list(found.values()))


def _compared(
    tools: Toolbox,
    session: Session,
    kinds: Mapping[ItemKind, Mapped],
    trees: Trees,
    linked: Mapping[Key, Relation],
    kind: ItemKind,
    storefront: int,
    marked: Iterable[Relation],
) -> dict[Key, Relation]:
    by_id = {one.key.source_id: one for one in marked}
    rows = source_items.rows(session, tools.connector_id, kind, by_id)
    fit = [row.source_id for row in rows if not row.gone and row.refused is None]
    if kind is ItemKind.CATEGORY:
        shown = next((one.places for one in trees.covered if one.storefront_id == storefront), {})
        fit = [one for one in fit if one in shown]
    items = told(tools, session, kind, fit, kinds, trees, storefront)
    held = store_items.load(session, tools.connector_id, kind, [one.store_id for one in by_id.values()])
    found = {}
    for source_id in fit:
        relation, one = by_id[source_id], items[source_id]
        row = held.get(relation.store_id)
        if row is None:
            continue
        ids = one.category_ids(linked)
        known = ids if len(ids) == len(one.places) else None
        found[relation.key] = anew.compared(relation, one.item, one.groups, row, category_ids=known)
    return found
