"""The live view: a table that moves in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from models.vocabulary import ItemKind, Phase, RunState, TurnState
from sandbox.demo.watch import Bar, Scene, View

BAR = 12
KINDS = {ItemKind.CATEGORY: "Categories", ItemKind.PRODUCT: "Products", ItemKind.VARIANT: "Variants"}
COLOURS = {
    RunState.COMPLETED: "green",
    RunState.UNCHANGED: "green",
    RunState.COMPLETED_WITH_ERRORS: "yellow",
    RunState.FAILED: "red",
    RunState.CANCELLED: "red",
    RunState.QUEUED: "dim",
}


@contextmanager
def open_view(console: Console) -> Iterator[View]:
    """The view that suits where it is shown."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(console)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        yield Screen(live)


class Screen:
    """Draws a row for each connector, over and over."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, scenes: Sequence[Scene]) -> None:
        """Draw the scenes."""
        self._live.update(drawn(scenes), refresh=True)


class Lines:
    """Writes a line for each change, at most one a second for each connector; the end is always told."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._told: dict[int, tuple[float, str, bool]] = {}

    def show(self, scenes: Sequence[Scene]) -> None:
        """Write what has changed."""
        for scene in scenes:
            at, before, ended = self._told.get(scene.player.connector_id, (0.0, "", False))
            now, text = self._clock(), line(scene)
            if ended or text == before or (now - at < 1 and not scene.has_ended):
                continue
            self._told[scene.player.connector_id] = (now, text, scene.has_ended)
            self._console.print(f"{scene.seconds:6.1f} s  {text}", soft_wrap=True, markup=False, highlight=False)


def drawn(scenes: Sequence[Scene]) -> RenderableType:
    """All connectors as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("Tenant\nConnector", min_width=13)
    table.add_column("State\nStep", min_width=15)
    for title in KINDS.values():
        table.add_column(title, min_width=BAR)
    table.add_column("Time\nSlices", justify="right", min_width=6)
    table.add_column("Calls\nto store", justify="right", min_width=8)
    table.add_column("Worker\nnow", min_width=7)
    for scene in scenes:
        entry = scene.progress.entry
        table.add_row(
            Text.assemble((scene.player.tenant, "bold"), "\n", (scene.player.connector, "dim")),
            Text.assemble((scene.state, COLOURS.get(entry.state, "cyan")), "\n", (_step(scene), "dim")),
            *(_gauge(scene, kind) for kind in KINDS),
            Text.assemble(f"{scene.seconds:.0f} s", "\n", (str(entry.slices), "dim")),
            f"{entry.calls:,}",
            _holder(scene),
            end_section=True,
        )
    return table


def _gauge(scene: Scene, kind: ItemKind) -> RenderableType:
    """A bar over its figures; while reading, how many have come."""
    if not scene.progress.parts:
        seen = scene.progress.seen.get(kind, 0)
        return Text(f"\n{seen:,} read" if seen else "", style="dim")
    main, more = scene.bar(kind), scene.bar(kind, follow_ups=True)
    planned, done = main.planned + more.planned, main.done + more.done
    if not planned:
        return Text("\nnothing to do", style="dim")
    full = BAR * done // planned
    colour = "green" if done == planned else "cyan"
    return Text.assemble(("━" * full, colour), ("─" * (BAR - full), "dim"), "\n", (figures(main, more), "dim"))


def figures(main: Bar, more: Bar) -> str:
    """The items; once they are done, what follows them, marked by a plus."""
    if main.done < main.planned or not more.planned:
        return f"{main.done:,}/{main.planned:,}"
    return f"+{more.done:,}/{more.planned:,}" if more.done < more.planned else f"{main.done:,}/{main.planned:,}"


def line(scene: Scene) -> str:
    """One connector in one line."""
    entry = scene.progress.entry
    parts = [f"{scene.player.tenant}/{scene.player.connector}", scene.state]
    if not scene.has_ended:
        parts.append(_step(scene))
    for kind, title in KINDS.items():
        main, more = scene.bar(kind), scene.bar(kind, follow_ups=True)
        if main.planned:
            parts.append(f"{title.lower()} {main.done}/{main.planned}")
        if more.planned and kind is ItemKind.PRODUCT:
            parts.append(f"options and storefronts {more.done}/{more.planned}")
        if seen := scene.progress.seen.get(kind):
            parts.append(f"{seen} {title.lower()} read")
    parts += [f"{entry.slices} slices", f"{entry.calls} calls"]
    return ", ".join([*parts, f"worker {scene.worker}"] if scene.worker else parts)


def _step(scene: Scene) -> str:
    entry = scene.progress.entry
    if scene.has_ended:
        return ""
    if entry.state is RunState.PREPARED:
        return "nothing sent yet"
    number = {Phase.PREPARATION: "1", Phase.SYNCHRONIZATION: "2"}.get(entry.phase or Phase.PREPARATION, "")
    return f"{number}: {(entry.step or 'waits').replace('_', ' ')}"


def _holder(scene: Scene) -> Text:
    if scene.worker:
        return Text(scene.worker, style="bold cyan")
    waits = {TurnState.READY: "in line", TurnState.DISPATCHED: "called", TurnState.BROKEN: "broken"}
    return Text("" if scene.has_ended else waits.get(scene.turn, "rests"), style="dim")
