"""What a portion of items comes to: changes, outcomes without a call, and what is left as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.vocabulary import ItemKind, Outcome
from worker.catalog.changes import Change
from worker.catalog.changes import action as action_of
from worker.catalog.changes import key as key_of
from worker.catalog.items import Key, Problem, Settled
from worker.rules import ordering


@dataclass(slots=True)
class Plan:
    """What a portion of items comes to."""

    changes: list[tuple[int, Change]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    unchanged: dict[ItemKind, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, change: Change, *, level: int = 0) -> None:
        """One more change, in its wave."""
        at = key_of(change)
        self.changes.append((ordering.wave(at.kind, action_of(change), level), change))

    def leave(self, at: Key, remarks: tuple[Problem, ...] = ()) -> None:
        """The item is as it was last sent; what it goes without is told all the same."""
        if remarks:
            text = "; ".join(one.text for one in remarks)
            self.settled.append(Settled(at, Outcome.UNCHANGED, remarks[0].code, text, remarks))
        else:
            self.unchanged.setdefault(at.kind, []).append((at.source_id, at.storefront_id))


def waiting(at: Key, code: str, text: str) -> Settled:
    """The outcome of an item that waits for another one."""
    return Settled(at, Outcome.BLOCKED, code, text, (Problem(code, text),))
