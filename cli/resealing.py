"""The key ring turned: `connector reseal`."""

from __future__ import annotations

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from cli import show
from cli.errors import RefusalError
from cli.here import here
from worker.commands import resealing
from worker.commands.resealing import Progress


def reseal(context: typer.Context) -> None:
    """Seal every secret under the first key of CREDENTIAL_KEYS; afterwards the older keys can leave the ring."""
    at = here(context)
    told = Progress(0, 0, 0, ())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=show.console(to_stderr=True), transient=True) as bar:
        drawn = bar.add_task("tenants", total=None)
        for told in resealing.reseal(at):
            bar.update(drawn, completed=told.tenants, total=told.of)
    typer.echo(f"{told.sealed:,} secrets of {told.of:,} tenants sealed with the key '{at.vault.first}'")
    if told.refused:
        text = f"{len(told.refused):,} could not be opened, and keep the key that sealed them:"
        raise RefusalError(text, *(f"  {one}." for one in told.refused[:20]))
