"""Stacks of a sampling profiler as a drawing: each frame as wide as the time in which it was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing

NARROWEST = 0.01
"""Share of the samples below which a frame is left out."""
NAMED_FROM = 0.06
DEEPEST = 34
WIDTH, HEIGHT = 11.0, 6.5
"""Inches of one drawing; they stand one below the other."""

Stacks = Mapping[tuple[str, ...], int]
Box = tuple[int, float, float, str]
"""Depth, where it begins and how wide it is (shares of all samples), name."""


def boxes(stacks: Stacks) -> Iterator[Box]:
    """The frames to be drawn; callees stand below their callers, the widest first."""
    yield from _below(stacks, 0, 0.0, max(1, sum(stacks.values())))


def _below(stacks: Stacks, depth: int, begin: float, whole: int) -> Iterator[Box]:
    heads: dict[str, dict[tuple[str, ...], int]] = {}
    for frames, samples in stacks.items():
        if len(frames) > depth:
            heads.setdefault(frames[depth], {})[frames] = samples
    for name, of_head in sorted(heads.items(), key=lambda one: (-sum(one[1].values()), one[0])):
        width = sum(of_head.values()) / whole
        if width >= NARROWEST and depth < DEEPEST:
            yield depth, begin, width, name
            yield from _below(of_head, depth + 1, begin, whole)
        begin += width


def draw(drawings: Sequence[tuple[str, Stacks]], path: Path) -> None:
    """One drawing a title, as SVG; the same stacks give the same file."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 7}):
        drawing = Drawing(figsize=(WIDTH, HEIGHT * len(drawings)), layout="constrained")
        for (title, stacks), axes in zip(
            drawings, drawing.subplots(len(drawings), 1, squeeze=False)[:, 0], strict=True
        ):
            deepest = 0
            for depth, begin, width, name in boxes(stacks):
                deepest = max(deepest, depth)
                color = "#c6dbef" if "(worker/" in name else "#e8e8e8"
                axes.barh(depth, width, left=begin, height=0.95, color=color, edgecolor="white", linewidth=0.4)
                if width >= NAMED_FROM:
                    text = name.partition(" (")[0][: int(width * 150)]
                    axes.text(begin + width / 2, depth, text, ha="center", va="center", clip_on=True)
            axes.set(title=title, xlim=(0, 1), ylim=(deepest + 0.6, -0.6), yticks=[])
            axes.xaxis.set_major_formatter(lambda share, _place: f"{share:.0%}")
        drawing.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
