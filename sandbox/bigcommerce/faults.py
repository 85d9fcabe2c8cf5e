"""Troubles on demand: lost answers, 5xx, slowness, half success."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIONS = frozenset({"drop_before", "drop_after_commit", "status_before", "status_after", "slow", "429", "partial"})
PARTS = frozenset({"url", "inventory"})


@dataclass(slots=True)
class Fault:
    """One trouble and when it strikes: from the nth matching request on, so many times, this likely."""

    action: str
    method: str | None = None
    path: str = ""
    nth: int = 1
    times: int | None = None
    probability: float = 1.0
    status: int = 503
    seconds: float = 0.0
    # A 429 with or without the rate limit's headers.
    headers: bool = True
    # What a partial success leaves unsaved: url or inventory.
    what: str = "url"
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; known: {', '.join(sorted(ACTIONS))}")
        if self.what not in PARTS:
            raise ValueError(f"unknown part {self.what!r}; known: {', '.join(sorted(PARTS))}")
        re.compile(self.path)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Fault":
        """A fault as the control API writes it: what it matches apart from what it does."""
        match = dict(body.get("match", {}))
        if "nth" in match:
            match.setdefault("times", 1)
        return cls(**match, **{name: value for name, value in body.items() if name != "match"})


class Faults:
    """The troubles of one store."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, fault: Fault) -> Fault:
        """The fault, waiting for its request."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """No trouble any more."""
        self._faults.clear()

    def striking(self, method: str, path: str) -> list[Fault]:
        """The faults that strike this request, each counted."""
        return [fault for fault in self._faults if self._strikes(fault, method, path)]

    def _strikes(self, fault: Fault, method: str, path: str) -> bool:
        if fault.method not in {None, method} or not re.search(fault.path, path):
            return False
        fault.matched += 1
        if fault.matched < fault.nth or (fault.times is not None and fault.fired >= fault.times):
            return False
        if self._chance.random() >= fault.probability:
            return False
        fault.fired += 1
        return True
