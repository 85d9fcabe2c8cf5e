"""What is counted, and whether it is as it has to be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sandbox.chaos.end import End, Verdict

SAID_AT_MOST = 40


@dataclass(slots=True)
class Figures:
    """The sums over all connectors of one part, or of all."""

    connectors: int = 0
    runs: int = 0
    items: int = 0
    """Outcomes booked."""
    lost: int = 0
    """Not in the store, or not booked."""
    doubled: int = 0
    """Created twice."""
    wrong: int = 0
    """A field differs."""
    stuck: int = 0
    """A connector that is not idle at the end."""
    repeated_calls: int = 0
    """Writing calls that a store had seen before, to the letter."""
    deaths: int = 0
    recovery: list[float] = field(default_factory=list)
    """Seconds from each `kill -9` or SIGSTOP to the next claim of a connector that it hit."""
    late: int = 0
    """Recoveries that took longer than their bound."""
    jain: float | None = None
    """Of the slot-seconds by weight among the backlogged; None = nobody was."""
    said: list[str] = field(default_factory=list)

    def add(self, who: str, end: End, verdict: Verdict) -> None:
        """One connector's part."""
        self.connectors += 1
        self.runs += len(end.states)
        self.items += end.booked
        self.lost += verdict.lost
        self.doubled += verdict.doubled
        self.wrong += verdict.wrong
        self.stuck += verdict.stuck
        self.repeated_calls += verdict.repeated
        self.said += [f"{who}: {sentence}" for sentence in verdict.said]

    def recovered(self, seconds: float | None, bound: float, who: str = "a connector") -> None:
        """A connector was claimed again so many seconds after its worker was hit; None = never."""
        if seconds is not None:
            self.recovery.append(seconds)
        if seconds is None or seconds > bound:
            self.late += 1
            after = "never" if seconds is None else f"after {seconds:.1f} s"
            self.said.append(f"{who} was claimed again {after}, with {bound:.0f} s allowed")

    def join(self, other: Figures) -> None:
        """Another part's figures besides these; its recovery and fairness win where it has any."""
        for name in ("connectors", "runs", "items", "lost", "doubled", "wrong", "stuck", "repeated_calls", "deaths"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.recovery = other.recovery or self.recovery
        self.late += other.late
        self.jain = other.jain if other.jain is not None else self.jain
        self.said += other.said

    def is_good(self) -> bool:
        """Whether nothing is lost, doubled, wrong, stuck or late."""
        return not (self.lost or self.doubled or self.wrong or self.stuck or self.late)

    def short(self) -> str:
        """The counts that have to be 0, in words."""
        return f"{self.lost} lost, {self.doubled} doubled, {self.wrong} wrong, {self.stuck} stuck, {self.late} late"

    def summary(self) -> dict[str, Any]:
        """The JSON object of the last line; seconds are rounded to hundredths, null where nothing was measured."""
        return {
            "runs": self.runs,
            "items": self.items,
            "lost": self.lost,
            "doubled": self.doubled,
            "wrong": self.wrong,
            "recovery_seconds": {
                "p50": round(median(self.recovery), 2) if self.recovery else None,
                "max": round(max(self.recovery), 2) if self.recovery else None,
            },
            "repeated_calls": self.repeated_calls,
            "stuck": self.stuck,
            "jain": None if self.jain is None else round(self.jain, 4),
        }

    def line(self) -> str:
        """The last line."""
        return json.dumps(self.summary())
