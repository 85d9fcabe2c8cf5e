"""Whether the store shows what was last sent, item by item: the sample at a run's end.

What shoppers and other apps may change at any moment (stock), and what the store's read does not tell, is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from worker.catalog import fingerprint
from worker.catalog.fields import Group
from worker.catalog.items import Category, Item, Product
from worker.catalog.profile import Switches
from worker.catalog.store import Relation, StoreRow
from worker.rules import difference, holding

SAMPLED_PRODUCTS = 25
"""Products that are read back, with their variants: a page that the store makes at once."""
SAMPLED_CATEGORIES = 50
NAMED = 5
"""Items that a message names, of those that differ."""

_NOT_COMPARED = frozenset({Group.STOCK, Group.BRAND, Group.RELATED, Group.METAFIELDS, Group.IMAGES})
_NOT_OF: Mapping[type[Item], frozenset[Group]] = {
    Category: frozenset({Group.URL}),  # an address that two trees ask for is held once (decision 0007)
    Product: frozenset({Group.OPTIONS}),  # its variants show them
}


def differing(
    item: Item,
    said: Mapping[str, Any],
    row: StoreRow | None,
    relation: Relation,
    switches: Switches,
    *,
    category_ids: Iterable[int] = (),
    is_whole: bool = True,
) -> tuple[str, ...]:
    """The groups in which the store shows something else than was last sent; all that is left out is as it should be.

    `row`: what was read, None = the item is not there. A group counts if it was sent as the source says it now; none
    does of an item that goes without something (not `is_whole`), as its status says.
    """
    if row is None:
        return ("all: it is not in the store",)
    if not is_whole:
        return ()
    same = holding.coinciding(item, said, row, category_ids=category_ids)
    apart = _NOT_COMPARED | difference.held_back(switches) | _NOT_OF.get(type(item), frozenset())
    sent = {group for group, value in said.items() if relation.fingerprints.get(group) == fingerprint.of(value)}
    found = sorted(sent - apart - same.keys())
    if Group.IMAGES in sent and _has_lost_a_picture(relation, row):
        found.append(Group.IMAGES.value)
    return tuple(found)


def still_shown(row: StoreRow | None) -> tuple[str, ...]:
    """What is wrong with an item that was disabled because the source has it no more."""
    field = "enabled" if row is not None and "enabled" in row.fields else "is_visible"
    return () if row is None or row.fields.get(field) is False else (Group.VISIBILITY.value,)


def _has_lost_a_picture(relation: Relation, row: StoreRow) -> bool:
    """Whether a picture of ours is gone; categories and variants carry one without an id."""
    held = {one[0] for one in row.fields.get("images") or ()}
    return any(one[0] not in held for one in dict(relation.parts.get("images") or {}).values())


def in_words(differing: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Items by name with what differs: "product 12 (price, text); category 3 (seo)", the first few of them."""
    told = "; ".join(f"{name} ({', '.join(groups)})" for name, groups in differing[:NAMED])
    return told + (f" and {len(differing) - NAMED} more" if len(differing) > NAMED else "")
