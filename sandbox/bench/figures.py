"""What a measurement comes to: figures with what they are to reach, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def _rounded(value: float, places: int) -> float | int:
    return value if isinstance(value, int) else round(value, places)


def table(figures: Iterable[Figure]) -> Table:
    """The figures for a terminal; what falls short says so."""
    made = Table("figure", "value", "to reach", "", title=None)
    for one in figures:
        value = ", ".join(f"{each:g}" for each in one.value) if isinstance(one.value, list) else f"{one.value:g}"
        made.add_row(one.says, value, one.to_reach, "" if one.is_reached else "falls short")
    return made


def as_json(figures: Sequence[Figure]) -> dict[str, dict[str, Any]]:
    """Key -> value, and whether it is reached."""
    return {one.key: {"value": one.value, "reached": one.is_reached} for one in figures}
