"""The activity register of each connector, and the one line that programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import text

from models.vocabulary import ItemKind, Outcome, RunState
from sandbox.demo.house import House
from sandbox.demo.play import Player
from sandbox.demo.watch import Scene
from worker.ledger import register
from worker.ledger.register import ErrorGroup, Message
from worker.ledger.session import as_tenant

GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_WITH_ERRORS, RunState.UNCHANGED})
LONGEST_REASON = 150


def write(house: House, console: Console, scenes: Sequence[Scene]) -> None:
    """The activity register of each connector."""
    for scene in scenes:
        player = scene.player
        with as_tenant(house.engine, player.tenant_id) as session:
            messages = register.messages(session, player.run_id)
            groups = register.error_groups(session, player.connector_id, player.run_id)
            served = session.execute(
                text("SELECT worker, count(*) FROM slice_log WHERE run_id = :id GROUP BY 1 ORDER BY 1"),
                {"id": player.run_id},
            ).all()
        console.print()
        console.print(_headline(scene, [(str(name).partition("@")[0], int(count)) for name, count in served]))
        if scene.progress.entry.counters:
            console.print(_counters(scene))
        for message in messages:
            console.print(_message(message))
        if groups:
            console.print(_errors(groups))


def _headline(scene: Scene, served: Sequence[tuple[str, int]]) -> Panel:
    entry, player = scene.progress.entry, scene.player
    started = f"{entry.started_at:%Y-%m-%d %H:%M:%S} UTC" if entry.started_at else "not started"
    by = ", ".join(f"{count} by worker {name}" for name, count in served)
    body = Text.assemble(
        (scene.state, "bold"),
        f": {register.headline(entry)}\n",
        (
            f"started {started} · {scene.seconds:.1f} s from request to end · {entry.calls} calls to BigCommerce,"
            f" {entry.source_calls} to Sales Layer\n{_slices(entry.slices)}" + (f": {by}" if by else ""),
            "dim",
        ),
    )
    title = f"{player.tenant} / {player.connector} · run {entry.id}"
    return Panel(body, title=title, title_align="left", box=box.ROUNDED)


def _slices(count: int) -> str:
    return f"{count} slice" if count == 1 else f"{count} slices"


def _counters(scene: Scene) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Kind")
    table.add_column("Storefront")
    for outcome in Outcome:
        table.add_column(outcome.value.capitalize(), justify="right")
    for kind in ItemKind:
        for storefront, figures in scene.progress.entry.counters.get(kind, {}).items():
            counts = [figures.get(outcome, 0) for outcome in Outcome]
            table.add_row(kind.value, Text(storefront), *(f"{n:,}" if n else "[dim]·[/]" for n in counts))
    return table


def _message(message: Message) -> Text:
    style = {"error": "red", "warning": "yellow"}.get(message.level, "")
    return Text(f"{message.level}: {message.text} ({message.code})", style=style)


def _errors(groups: Sequence[ErrorGroup]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Items", justify="right")
    table.add_column("Outcome, code", no_wrap=True)
    table.add_column("Reason")
    for group in groups:
        first = True
        for sample in group.samples:
            where = "" if sample.storefront == register.NO_NAME else f" on {sample.storefront}"
            place = f"{sample.kind} {sample.source_id}{where}"
            reason = (sample.message or "").replace("\n", " ")
            reason = reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 3] + "..."
            head = (str(group.count), f"{group.outcome}, {group.code}") if first else ("", "")
            table.add_row(*head, Text(f"{place}: {reason}"))
            first = False
        if group.more:
            table.add_row("", "", Text(f"and {group.more} more", style="dim"))
    return table


def profiles(console: Console, players: Sequence[Player]) -> None:
    """The profile in use, and how to save it."""
    for player in players:
        console.print()
        saved = f"connector profile {player.connector} > {player.connector}.json"
        console.print(Text.assemble("Profile of ", (player.connector, "bold"), f"; to save it: {saved}"))
        console.print(player.profile.model_dump_json(), markup=False, highlight=False, soft_wrap=True, style="dim")


def summary(scenes: Sequence[Scene]) -> dict[str, Any]:
    """All runs as the issue's one JSON object."""
    return {
        "runs": [
            {
                "tenant": scene.player.tenant,
                "connector": scene.player.connector,
                "run": scene.player.run_id,
                "state": scene.progress.entry.state.value,
                "slices": scene.progress.entry.slices,
                "seconds": round(scene.seconds, 2),
                "calls": scene.progress.entry.calls,
                "counters": _outcomes(scene),
            }
            for scene in scenes
        ]
    }


def _outcomes(scene: Scene) -> dict[str, dict[str, dict[str, int]]]:
    """The figures that are outcomes, by kind and storefront."""
    return {
        kind: {
            storefront: {outcome.value: figures[outcome] for outcome in Outcome if figures.get(outcome)}
            for storefront, figures in by_storefront.items()
        }
        for kind, by_storefront in scene.progress.entry.counters.items()
    }
