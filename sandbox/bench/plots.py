"""The curves of a measurement as a drawing that a page can show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing

from sandbox.bench.figures import Panel

WIDTH, HEIGHT = 5.2, 3.4
"""Inches of one panel."""


def draw(panels: Sequence[Panel], path: Path) -> None:
    """The panels side by side, as SVG; the same curves give the same file."""
    # Text stays text, and no date or chance is in the file: else every run would change every line of it.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9}):
        drawing = Drawing(figsize=(WIDTH * len(panels), HEIGHT), layout="constrained")
        for panel, axes in zip(panels, drawing.subplots(1, len(panels), squeeze=False)[0], strict=True):
            for name, points in panel.curves.items():
                axes.plot(*zip(*points, strict=True), marker=".", label=name)
            axes.set(title=panel.title, xlabel=panel.across, ylabel=panel.up)
            if panel.is_logarithmic:
                axes.set_xscale("log")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
            if len(panel.curves) > 1:
                axes.legend()
        drawing.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
