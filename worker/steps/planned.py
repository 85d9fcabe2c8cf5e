"""What a portion of items comes to: changes, outcomes without a call, and what is left as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.vocabulary import ItemKind, Outcome
from worker.catalog.changes import Change, PutMetafields
from worker.catalog.changes import action as action_of
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.items import Key, Problem, Product, Settled, Variant
from worker.rules import ordering

Figures = dict[tuple[str, int, str], int]
"""(kind, storefront, figure) -> count."""


@dataclass(slots=True)
class Plan:
    """What a portion of items comes to."""

    changes: list[tuple[int, Change]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    unchanged: dict[ItemKind, list[tuple[int, int]]] = field(default_factory=dict)
    losses: Figures = field(default_factory=dict)
    """What the store would lose by it."""

    def add(self, change: Change, *, level: int = 0) -> None:
        """One more change, in its wave."""
        at = key_of(change)
        self.changes.append((ordering.wave(at.kind, action_of(change), level), change))

    def leave(self, at: Key, remarks: tuple[Problem, ...] = ()) -> None:
        """The item is as it was last sent; what it goes without is told all the same."""
        if remarks:
            self.settled.append(Settled.of(at, Outcome.UNCHANGED, *remarks))
        else:
            self.unchanged.setdefault(at.kind, []).append((at.source_id, at.storefront_id))


def inline(fingerprints: Mapping[str, str], *, with_stock: bool = True) -> dict[str, str]:
    """The groups that a creation sends; related products and metafields go when the item is there, some stock too."""
    later = {Group.RELATED, Group.METAFIELDS} | (set() if with_stock else {Group.STOCK})
    return {group: one for group, one in fingerprints.items() if group not in later}


def put_metafields(item: Product | Variant, fingerprints: Mapping[str, str]) -> PutMetafields:
    """The change that gives an item its metafields, once it is there."""
    kind = ItemKind.PRODUCT if isinstance(item, Product) else ItemKind.VARIANT
    return PutMetafields(kind, item.source_id, item.metafields, fingerprints[Group.METAFIELDS])


def waiting(at: Key, code: str, text: str) -> Settled:
    """The outcome of an item that waits for another one."""
    return Settled.of(at, Outcome.BLOCKED, Problem(code, text))
