"""Which store item is this source item.

| kind     | by                                                       |
| -------- | -------------------------------------------------------- |
| category | name, within the same tree and parent                    |
| product  | SKU, then exact name                                     |
| variant  | SKU, inside its product                                  |

Only store items that no other source item is linked to are candidates. Two candidates are item
trouble (*ambiguous*), never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.catalog.items import Problem
from worker.catalog.store import Candidate

OWNED_ELSEWHERE = Problem(
    "owned_elsewhere",
    "the store item that it matches belongs to another connector of this store; unlink it there first",
)


@dataclass(frozen=True, slots=True)
class Match:
    """The store item, if there is one; or why it cannot be told."""

    store_id: int | None = None
    problem: Problem | None = None


def match(candidates: Sequence[Candidate]) -> Match:
    """The candidate that the source item is: by SKU first, then by name."""
    for fitting in ([c for c in candidates if c.same_sku], [c for c in candidates if c.same_name]):
        if len(fitting) == 1:
            return Match(fitting[0].store_id)
        if fitting:
            those = ", ".join(f"{c.store_id} ({c.name or c.sku})" for c in fitting[:5])
            return Match(
                problem=Problem(
                    "ambiguous_match", f"{len(fitting)} items of the store fit: {those}; remove or rename all but one"
                )
            )
    return Match()
