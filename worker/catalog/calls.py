"""By which calls a change was sent: what was asked of the store, and what it said.

It is kept beside what the item came to in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_SAID = 200
"""Characters of the store's words to one call; a plain success keeps none: what the store holds is read anyway."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that writes, and how it was answered."""

    method: str
    route: str
    """The path without its query; ids of the store stand in it, secrets never."""
    status: int | None
    """None where no answer came."""
    request_id: str | None
    """The store's own name for the call, where it gives one."""
    said: str | None
    """What the store said, shortened."""
    at: float
    """When the answer was there, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One change of an item, sent; `calls` are empty where the store had it already."""

    action: str
    groups: tuple[str, ...]
    """The groups of fields that an update sent; empty where the action says it."""
    ok: bool
    calls: tuple[Call, ...]

    def to_json(self) -> list[Any]:
        """As it is kept: lists, for there is one of them with each item."""
        calls = [[one.method, one.route, one.status, one.request_id, one.said, round(one.at, 1)] for one in self.calls]
        return [self.action, list(self.groups), self.ok, calls]

    @classmethod
    def from_json(cls, kept: Sequence[Any]) -> Sent:
        """What `to_json` kept."""
        action, groups, ok, calls = kept
        return cls(action, tuple(groups), ok, tuple(Call(*one) for one in calls))
