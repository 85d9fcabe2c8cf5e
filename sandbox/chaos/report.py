"""What is printed at the end: the figures, what was done to the service, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from rich.console import Console
from rich.table import Table

from sandbox.chaos.figures import Figures
from sandbox.chaos.storm import Storm

SAID_AT_MOST = 40


def write(console: Console, parts: Mapping[str, tuple[Figures, float]], storm: Storm | None) -> None:
    """The tables; the parts' figures with the seconds that each took."""
    table = Table("", *parts)
    columns = [(figures, seconds) for figures, seconds in parts.values()]
    for name, cells in (
        ("seconds", [f"{seconds:.0f}" for _, seconds in columns]),
        ("connectors", [str(one.connectors) for one, _ in columns]),
        ("runs", [str(one.runs) for one, _ in columns]),
        ("items booked", [str(one.items) for one, _ in columns]),
        ("lost", [str(one.lost) for one, _ in columns]),
        ("doubled", [str(one.doubled) for one, _ in columns]),
        ("wrong", [str(one.wrong) for one, _ in columns]),
        ("stuck", [str(one.stuck) for one, _ in columns]),
        ("repeated calls", [str(one.repeated_calls) for one, _ in columns]),
        ("recovery, s: number", [str(len(one.recovery)) for one, _ in columns]),
        ("recovery, s: p50 / max", [_spread(one) for one, _ in columns]),
        ("recovery: too late", [str(one.late) for one, _ in columns]),
        ("Jain", ["-" if one.jain is None else f"{one.jain:.3f}" for one, _ in columns]),
    ):
        table.add_row(name, *cells)
    console.print(table)
    if storm is not None:
        done = Table("done to the service", "times")
        for name, times in sorted(storm.done.items()):
            done.add_row(name, str(times))
        console.print(done)
        left = ", ".join(f"{times} with {code}" for code, times in sorted(storm.exits.items()))
        console.print(f"edits at the sources: {storm.edits}; workers that ended, by exit code: {left}")
        for line in storm.bugs:
            console.print(line, style="red", markup=False, soft_wrap=True)
    said = [sentence for figures, _ in columns for sentence in figures.said]
    for sentence in said[:SAID_AT_MOST]:
        console.print(sentence, style="red", markup=False, soft_wrap=True)
    if len(said) > SAID_AT_MOST:
        console.print(f"and {len(said) - SAID_AT_MOST} more", style="red")


def _spread(figures: Figures) -> str:
    recovery = figures.recovery
    return f"{median(recovery):.1f} / {max(recovery):.1f}" if recovery else "-"
