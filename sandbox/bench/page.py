"""What a whole run writes into docs/benchmarks.md: its figures, and what each play has printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sandbox.bench.figures import Figure, Result, shown
from sandbox.bench.plots import draw

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"


def write(results: Mapping[str, Result], said: Mapping[str, str], *, on: str) -> None:
    """Put the measured parts in the place of those that stand there; the words between them stay.

    `said`: name -> what the play has printed; `on`: the machine, in words.
    """
    page = PAGE.read_text("utf-8")
    figures = [one for result in results.values() for one in result.figures]
    page = _put(page, "figures", f"{on}\n\n{_table(figures)}")
    for name, result in results.items():
        if result.panels:
            draw(result.panels, DOCS / "images" / f"bench_{name}.svg")
        page = _put(page, name, f"```text\n{said[name].strip()}\n```")
    PAGE.write_text(page, "utf-8")


def _table(figures: list[Figure]) -> str:
    rows = [
        f"| {one.says} | {shown(one)} | {one.to_reach} | {'' if one.is_reached else '**falls short**'} |"
        for one in figures
    ]
    return "\n".join(["| figure | measured | to reach | |", "| --- | --- | --- | --- |", *rows])


def _put(page: str, name: str, part: str) -> str:
    """The page with this part between its two marks; ValueError where the page has none."""
    between = re.compile(rf"(<!-- measured: {re.escape(name)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    if not between.search(page):
        raise ValueError(f"{PAGE.name} has no place for what is measured of '{name}'")
    return between.sub(lambda found: f"{found[1]}{part}{found[2]}", page, count=1)
