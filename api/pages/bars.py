"""Bars of outcomes: what came of the items of a run, as a drawing with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.pages.words import OUTCOMES
from models.vocabulary import Outcome
from worker.ledger.register import Counters

LEAST = 1.5
"""Per cent of the width that the smallest part has: it is there to be seen."""


@dataclass(frozen=True, slots=True)
class Part:
    """One outcome's part of the bar, in per cent of its width."""

    outcome: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The whole bar."""

    parts: tuple[Part, ...]
    says: str
    """The same in words."""


def of(counters: Counters) -> Bar:
    """The bar of a run's counters, every kind and storefront together."""
    sums = {outcome.value: _sum(counters, outcome.value) for outcome in Outcome}
    there = {outcome: count for outcome, count in sums.items() if count}
    says = ", ".join(f"{count:,} {OUTCOMES[outcome].word.lower()}" for outcome, count in there.items())
    total = sum(there.values())
    raw = {outcome: max(LEAST, 100 * count / total) for outcome, count in there.items()}
    scale, x, parts = 100 / sum(raw.values()) if raw else 0.0, 0.0, list[Part]()
    for outcome, share in raw.items():
        width = share * scale
        parts.append(Part(outcome, there[outcome], round(x, 3), round(width, 3)))
        x += width
    return Bar(tuple(parts), says or "nothing yet")


def _sum(counters: Counters, figure: str) -> int:
    return sum(_count(figures, figure) for by_storefront in counters.values() for figures in by_storefront.values())


def _count(figures: Mapping[str, int], figure: str) -> int:
    return figures.get(figure, 0)
