"""What counts as sent of a linked item that is compared with the store anew.

| what                                   | counts as sent                                                        |
| -------------------------------------- | --------------------------------------------------------------------- |
| a group in which the store coincides   | yes, as at the first link                                             |
| any other group                        | no: the next plan sends it                                            |
| the stock                              | as before: what has been sold since is no difference                  |
| the option values                      | as before: to send them again would be to make a variant anew         |
| what hangs on the item and is ours     | as the store has it under its id; what was removed there, no          |
| metafields                             | no: the store's read tells nothing of them                            |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from worker.catalog.fields import Group
from worker.catalog.items import Item
from worker.catalog.store import Relation, StoreRow
from worker.rules import holding

AS_BEFORE = frozenset({Group.STOCK.value, Group.OPTIONS.value})


def compared(
    relation: Relation, item: Item, said: Mapping[str, Any], row: StoreRow, *, category_ids: Iterable[int] | None = None
) -> Relation:
    """The relation with what counts as sent; `category_ids`: the store's, None where one of them is not there yet."""
    same = holding.coinciding(item, said, row, category_ids=category_ids or ())
    if category_ids is None:
        same.pop(Group.CATEGORIES, None)
    # A picture that the store has refused is tried again.
    parts = _parts(relation.parts, row.fields)
    return replace(unsent(relation), fingerprints={**same, **unsent(relation).fingerprints}, parts=parts)


def unsent(relation: Relation) -> Relation:
    """The relation as if nothing had been sent but what is never sent twice."""
    kept = {group: one for group, one in relation.fingerprints.items() if group in AS_BEFORE}
    return replace(relation, fingerprints=kept)


def _parts(ours: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: part for name, part in ours.items() if name != "refused_images"}
    for name in ("custom_fields", "bulk_rules", "videos"):
        if name in ours and name in held:
            there = {one[-1]: one for one in held[name]}
            found[name] = [there[one[-1]] for one in ours[name] if one[-1] in there]
    if "images" in ours and "images" in held:
        places = {one[0] for one in held["images"]}
        found["images"] = {source: one for source, one in ours["images"].items() if one[0] in places}
    if "metafields" in ours:
        found["metafields"] = [[*one[:3], ""] for one in ours["metafields"]]
    return found
