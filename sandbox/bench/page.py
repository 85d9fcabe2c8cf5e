"""What a whole run writes into docs/benchmarks.md: its figures, and what each play has printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.bench.figures import Figure, Result, shown
from sandbox.bench.plots import draw

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"


def write_figures(results: Mapping[str, Result], *, on: str) -> None:
    """The table of all figures of one run; `on`: the machine, in words."""
    figures = [one for result in results.values() for one in result.figures]
    _put("figures", f"{on}\n\n{_table(figures)}")


def write(name: str, result: Result, said: str) -> None:
    """What this play has printed, and its curves, in the place of those that stand there; the words around stay."""
    parts = [_said(said)]
    if result.panels:
        path = DOCS / "images" / f"bench_{name}.svg"
        draw(result.panels, path)
        titles = ", ".join(panel.title.lower() for panel in result.panels)
        parts.append(f"![{titles}]({path.relative_to(DOCS)})")
    _put(name, "\n\n".join(parts))


def write_drawn(name: str, said: str, draw_into: Callable[[Path], None], says: str) -> None:
    """What a study has printed, with a drawing of its own; `says` is the drawing in words."""
    path = DOCS / "images" / f"bench_{name}.svg"
    draw_into(path)
    _put(name, f"{_said(said)}\n\n![{says}]({path.relative_to(DOCS)})")


def _said(said: str) -> str:
    return "\n".join(["```text", *map(str.rstrip, said.strip().splitlines()), "```"])


def _table(figures: list[Figure]) -> str:
    rows = [
        f"| {one.says} | {shown(one)} | {one.to_reach} | {'' if one.is_reached else '**falls short**'} |"
        for one in figures
    ]
    return "\n".join(["| figure | measured | to reach | |", "| --- | --- | --- | --- |", *rows])


def _put(name: str, part: str) -> None:
    """Write this part between its two marks; ValueError where the page has none."""
    page = PAGE.read_text("utf-8")
    between = re.compile(rf"(<!-- measured: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not between.search(page):
        raise ValueError(f"{PAGE.name} has no place for what is measured of '{name}'")
    PAGE.write_text(between.sub(lambda found: f"{found[1]}{part}\n{found[2]}", page, count=1), "utf-8")
