"""How the command line shows things: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

WIDTH_WITHOUT_TERMINAL = 200
"""Columns where nobody says how wide the page is: nothing is cut off for grep."""


def console(*, to_stderr: bool = False) -> Console:
    """A console that takes texts as they are: what looks like markup in a product's name is its name."""
    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def plain(value: str) -> str:
    """A foreign text on one line, without the control characters that would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in value)


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns; numbers stand to the right. Without rows, the sentence `empty`."""
    shown = [[_cell(cell) for cell in row] for row in rows]
    if not shown:
        typer.echo(empty)
        return
    drawn = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        is_figure = all(row[place].replace(",", "").isdigit() or row[place] in {"", "-"} for row in shown)
        drawn.add_column(column, justify="right" if is_figure else "left", overflow="fold")
    for row in shown:
        drawn.add_row(*row)
    console().print(drawn)


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
        case datetime():
            return moment(value)
        case _:
            return plain(str(value))


def moment(at: datetime) -> str:
    """A time as people read it, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def as_json(value: Any) -> None:
    """Print JSON on stdout; times in ISO 8601, UTC."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_json))


def _json(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def duration(seconds: float | None) -> str:
    """Seconds as people read them."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def problems(sentences: Iterable[str]) -> None:
    """Print sentences on stderr, one a line."""
    for sentence in sentences:
        typer.echo(plain(sentence), err=True)
