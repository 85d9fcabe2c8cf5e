"""What a measurement comes to: figures with what they are to reach, and curves of how they grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Value = float | int | list[float] | list[int]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of docs/benchmarks.md."""

    key: str
    says: str
    value: Value
    to_reach: str
    is_reached: bool

    @classmethod
    def at_most(cls, key: str, says: str, value: float, most: float, *, places: int = 3) -> Figure:
        """A figure that is to stay small."""
        return cls(key, says, _rounded(value, places), f"<= {most:g}", value <= most)

    @classmethod
    def at_least(cls, key: str, says: str, value: float, least: float, *, places: int = 3) -> Figure:
        """A figure that is to be large."""
        return cls(key, says, _rounded(value, places), f">= {least:g}", value >= least)


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot of curves over the same axes."""

    title: str
    across: str
    """What stands on the horizontal axis, with its unit."""
    up: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    is_logarithmic: bool = False
    """Whether each step across is ten times the one before."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one play has brought."""

    figures: Sequence[Figure]
    panels: Sequence[Panel] = ()


def _rounded(value: float, places: int) -> float | int:
    return value if isinstance(value, int) else round(value, places)


def table(figures: Iterable[Figure]) -> Table:
    """The figures for a terminal; what falls short says so."""
    made = Table("figure", "value", "to reach", "", title=None)
    for one in figures:
        made.add_row(one.says, shown(one), one.to_reach, "" if one.is_reached else "falls short")
    return made


def shown(one: Figure) -> str:
    """The value in a table."""
    values = one.value if isinstance(one.value, list) else [one.value]
    return ", ".join(f"{each:,.10g}" for each in values)


def as_json(figures: Sequence[Figure]) -> dict[str, dict[str, Any]]:
    """Key -> value, and whether it is reached; nothing else."""
    return {one.key: {"value": one.value, "reached": one.is_reached} for one in figures}
