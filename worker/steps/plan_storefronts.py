"""What storefronts ask for beside the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.vocabulary import ItemKind, Outcome
from worker.catalog.changes import Change, CreateCategory, Disable, UpdateCategory
from worker.catalog.fields import Group
from worker.catalog.items import Key, Settled
from worker.catalog.store import Relation
from worker.ledger import runs, source_items, store_facts
from worker.ledger.session import Session
from worker.rules import storefronts
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.reading import Trees
from worker.steps.toolbox import Toolbox


def nowhere(
    trees: Trees, linked: Mapping[Key, Relation], kinds: Mapping[ItemKind, Mapped], *, all_due: bool
) -> tuple[list[Settled], list[tuple[int, int]]]:
    """Categories that name no storefront and were never shown, as rejected; those of which nothing is to be said."""
    rejected, silent = [], []
    ever = {at.source_id for at in linked}
    for source_id, row in trees.rows.items():
        if not (row.due or all_due):
            continue
        problems = () if row.gone else storefronts.problems(reading.category(row, kinds).storefronts, _known(kinds))
        is_shown = any(source_id in one for one in trees.covered)
        if problems and not is_shown and source_id not in ever:
            rejected.append(Settled.of(Key(ItemKind.CATEGORY, source_id), Outcome.REJECTED, *problems))
        else:
            silent.append((source_id, 0))
    return rejected, silent


def _known(kinds: Mapping[ItemKind, Mapped]) -> Mapping[int, str]:
    return kinds[ItemKind.CATEGORY].storefronts


def write(tools: Toolbox, session: Session, trees: Trees, changes: Iterable[Change]) -> None:
    """Say which storefronts are left alone, and make due the products whose categories come, go or come back.

    Among them are those that were blocked for want of these categories, or sent without.
    """
    facts = store_facts.known(session, tools.connector_id)
    back = set(facts.get(store_facts.LEFT_ALONE) or ()) - trees.left_alone
    touched = {category for one in trees.covered if one.storefront_id in back for category in one.places}
    touched |= {source_id for change in changes if (source_id := _moved(change)) is not None}
    source_items.make_products_due_in(session, tools.connector_id, touched)
    store_facts.learn(session, tools.connector_id, {store_facts.LEFT_ALONE: sorted(trees.left_alone)})
    for one in trees.storefronts:
        if one.storefront_id in trees.left_alone:
            runs.say(
                session,
                tools.tenant_id,
                tools.run_id,
                level="warning",
                code="storefront_left_alone",
                message=f"storefront {one.storefront_id} ({one.name}) has no valid category: nothing is synchronised"
                " there, and what it shows stays as it is",
            )


def _moved(change: Change) -> int | None:
    """The category that is shown on a storefront from now on, or no longer."""
    match change:
        case CreateCategory() | Disable(kind=ItemKind.CATEGORY):
            return change.source_id
        case UpdateCategory() if Group.VISIBILITY in change.groups:
            return change.source_id
        case _:
            return None
