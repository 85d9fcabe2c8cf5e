"""A run requested, and waited for: `connector run`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cli import find
from cli.find import ConnectorName, TenantName
from cli.here import here
from cli.waiting import PATIENCE_SECONDS, Wait
from worker.commands import runs


def run(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the source for everything, not for changes.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end: exit code 0, 1 (with errors), 2 (failed), 3 (no worker).")
    ] = False,
    patience: Annotated[float, typer.Option(hidden=True)] = PATIENCE_SECONDS,
) -> None:
    """Request a run, and print its id."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    asked = runs.request(at, found.tenant_id, found.id, refresh=refresh, who=at.who)
    typer.echo(str(asked.run_id))
    if wait:
        code = Wait(at.engine, found.tenant_id, found.id, asked.run_id, patience).until_it_ends()
        raise typer.Exit(code)


def attach(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Make these the app's commands, each under its own name."""
    for command in commands:
        app.command(command.__name__)(command)
