"""What a portion of planned updates would take away from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy.orm import Session

from models.vocabulary import ItemKind, Outcome
from worker.catalog.changes import UpdateCategory, UpdateProduct, UpdateVariant
from worker.catalog.changes import key as key_of
from worker.catalog.items import Item, Key
from worker.catalog.store import Relation
from worker.ledger import store_items
from worker.rules import blanks
from worker.rules.mapping import Mapped
from worker.steps.planned import Figures, Plan
from worker.steps.toolbox import Toolbox

Update = UpdateCategory | UpdateProduct | UpdateVariant


def losses(
    tools: Toolbox, session: Session, planned: Plan, known: Mapping[Key, Relation], kinds: Mapping[ItemKind, Mapped]
) -> Figures:
    """What these updates come to: `to_blank` (items that lose a value), `blanks` (values), `to_hide` (by a field)."""
    figures: Figures = {}
    updates = [change for _, change in planned.changes if isinstance(change, Update)]
    for kind in ItemKind:
        of_kind = [(key_of(change), change) for change in updates if key_of(change).kind is kind]
        store_ids = [known[at].store_id for at, _ in of_kind]
        held = store_items.load(session, tools.connector_id, kind, store_ids) if store_ids else {}
        for at, change in of_kind:
            row = held.get(known[at].store_id)
            lost = blanks.of(
                kind,
                _item(change),
                change.groups,
                held=row.fields if row else {},
                ours=known[at].parts,
                mapped=kinds[kind],
            )
            for figure, count in _counted(change, len(lost)):
                place = (kind.value, at.storefront_id, figure)
                figures[place] = figures.get(place, 0) + count
    return figures


def _counted(change: Update, lost: int) -> Iterator[tuple[str, int]]:
    if change.outcome is Outcome.DISABLED:
        yield "to_hide", 1
    elif lost:
        yield "to_blank", 1
    if lost:
        yield "blanks", lost


def _item(change: Update) -> Item:
    match change:
        case UpdateCategory():
            return change.category
        case UpdateProduct():
            return change.product
        case UpdateVariant():
            return change.variant
