"""Runs held up and let go: `connector approve`, `pause`, `resume`, `cancel`."""

from __future__ import annotations

import typer

from cli import find
from cli.errors import RefusalError
from cli.find import ConnectorName, TenantName
from cli.here import here
from models.vocabulary import RunState
from worker.ledger import connectors, runs, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling import calendar


def approve(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Let the run pass that the brake holds: it reads and plans again, with that much allowed."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        held = runs.current(session, found.id)
        if held is None or held.state is not RunState.AWAITING_APPROVAL:
            raise RefusalError(f"no run of '{found.name}' waits for an approval.")
        allowed = runs.approve(session, held.id)
    at.wake(found.id)
    typer.echo(f"run {held.id} goes on; it may disable or blank {allowed:,} items")


def pause(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Hold the run under way: no new call a second later; what is under way comes back and is recorded."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        run = runs.current(session, found.id)
        if run is None:
            raise RefusalError(
                f"'{found.name}' has no run that could be paused; `connector disable` keeps it from one."
            )
        if run.state in (RunState.PAUSED, RunState.AWAITING_APPROVAL):
            raise RefusalError(f"run {run.id} stands still already: it is {run.state.replace('_', ' ')}.")
        runs.pause(session, found.id, run.id)
    typer.echo(f"run {run.id} is paused; `connector resume {found.name}` lets it go on")


def resume(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Let the paused run go on where it was."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        run = runs.current(session, found.id)
        if run is None or run.state is not RunState.PAUSED:
            raise RefusalError(f"no run of '{found.name}' is paused.")
        state = runs.resume(session, run.id)
    at.wake(found.id)
    gives_way = state is RunState.CANCELLED
    typer.echo(f"run {run.id} gives way to the one that waits" if gives_way else f"run {run.id} goes on: {state}")


def cancel(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """End the run here: no new call a second later; what it has not sent is due for the next one."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        run = runs.current(session, found.id)
        known = connectors.load(session, found.id)
        if run is None or known is None:
            raise RefusalError(f"'{found.name}' has no run that could be cancelled.")
        runs.cancel(session, found.id, run.id)
        follow_up = runs.current(session, found.id)
        seconds = None if follow_up is not None else calendar.until_next(session, known)
    if seconds is None:
        at.wake(found.id)
    else:
        # What was planned is still due: the next check or date, at its time and not at once, plans it again.
        with as_scheduler(at.engine) as session:
            turns.park(session, found.id, seconds=seconds)
    typer.echo(f"run {run.id} is cancelled")
