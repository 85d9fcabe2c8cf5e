"""A run requested, and waited for: `connector run`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from cli import find
from cli.errors import RefusalError
from cli.find import ConnectorName, Found, TenantName
from cli.here import here
from cli.waiting import PATIENCE_SECONDS, Wait
from worker.ledger import connectors, runs
from worker.ledger.session import as_tenant


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
    with as_tenant(at.engine, found.tenant_id) as session:
        run_id = request(session, found, refresh=refresh)
    at.wake(found.id)
    typer.echo(str(run_id))
    if wait:
        code = Wait(at.engine, found.tenant_id, found.id, run_id, patience).until_it_ends()
        raise typer.Exit(code)


def request(session: Session, found: Found, *, refresh: bool) -> int:
    """The id of the run that is requested; RefusalError where the connector is switched off."""
    known = connectors.load(session, found.id)
    if known is not None and not known.enabled:
        why = known.disabled_reason or "nobody said why"
        raise RefusalError(f"'{found.name}' is switched off ({why}); `connector enable {found.name}` switches it on.")
    return runs.request(session, found.tenant_id, found.id, refresh=refresh)


def attach(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Make these the app's commands, each under its own name."""
    for command in commands:
        app.command(command.__name__)(command)
