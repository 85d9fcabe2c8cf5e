"""What a portion of planned updates would take away from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.vocabulary import ItemKind, Outcome
from worker.catalog.changes import SetStock, UpdateCategory, UpdateProduct, UpdateVariant
from worker.catalog.changes import key as key_of
from worker.catalog.fields import WhenEmpty
from worker.catalog.items import Item, Key
from worker.catalog.store import Relation
from worker.ledger import store_items
from worker.ledger.session import Session
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
        for figure, count in _emptied(tools, session, planned, known, kind, kinds[kind]):
            figures[kind.value, 0, figure] = figures.get((kind.value, 0, figure), 0) + count
    return figures


def _emptied(
    tools: Toolbox, session: Session, planned: Plan, known: Mapping[Key, Relation], kind: ItemKind, mapped: Mapped
) -> Iterator[tuple[str, int]]:
    """The stock that goes to 0 where the profile clears what is empty; it is sent by changes of its own."""
    if mapped.when_empty.get("inventory_level") in (None, WhenEmpty.LEAVE_ALONE):
        return
    changed = {key_of(change) for _, change in planned.changes if isinstance(change, Update)}
    stocks = [change for _, change in planned.changes if isinstance(change, SetStock) and change.kind is kind]
    emptied = [at for change in stocks if change.quantity == 0 and (at := key_of(change)) in known]
    held = (
        store_items.load(session, tools.connector_id, kind, [known[at].store_id for at in emptied]) if emptied else {}
    )
    for at in emptied:
        row = held.get(known[at].store_id)
        if row is not None and row.fields.get("inventory_level"):
            yield "blanks", 1
            if at not in changed:
                yield "to_blank", 1


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
