"""Worker processes told to end in order: `connector drain`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show
from cli.errors import RefusalError
from cli.here import here
from worker.commands import drain as commands
from worker.commands.drain import HEARD_WITHIN_SECONDS, Drained

DEAF = 3
"""Exit code where a process has not begun to end in time."""


def drain(
    context: typer.Context,
    worker: Annotated[
        str | None, typer.Argument(metavar="[WORKER]", help="Its name, as `connector ps` shows it, or its host.")
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All worker processes that are there now.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until they have given their turns back: exit code 0, 3 (one is deaf).")
    ] = False,
    patience: Annotated[float, typer.Option(hidden=True)] = HEARD_WITHIN_SECONDS,
) -> None:
    """Have workers take nothing new, give their turns back and end; their supervisor starts others."""
    if (worker is None) is not all_:
        raise RefusalError("say which worker, or --all." if worker is None else "a worker's name and --all exclude.")
    at = here(context)
    told = commands.tell(at, worker)
    for one in told:
        typer.echo(f"{show.plain(one.worker)} is told to drain; it holds {one.busy:,} of {one.slots:,} slots")
    if not wait:
        return
    seen = ""

    def see(found: Drained) -> None:
        nonlocal seen
        busy = sum(one.busy for one in (*found.ending, *found.silent))
        line = f"{len(found.ending) + len(found.silent):,} are still there, with {busy:,} slices"
        if line != seen:
            seen = line
            typer.echo(line, err=True)

    left = commands.wait(at, told, patience=patience, see=see)
    if left.silent:
        names = ", ".join(show.plain(one.worker) for one in left.silent)
        show.problems([f"connector: {names} did not begin to end within {patience:g} s; does it hang?"])
        raise typer.Exit(DEAF)
    typer.echo("drained")
