"""Runs held up and let go: `connector approve`, `pause`, `resume`, `cancel`."""

from __future__ import annotations

import typer

from cli import find
from cli.find import ConnectorName, TenantName
from cli.here import here
from models.vocabulary import RunState
from worker.commands import runs


def approve(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Let the run pass that the brake holds: it reads and plans again, with that much allowed."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    held, allowed = runs.approve(at, found.tenant_id, found.id, who=at.who)
    typer.echo(f"run {held.run_id} goes on; it may disable or blank {allowed:,} items")


def pause(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Hold the run under way: no new call a second later; what is under way comes back and is recorded."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    held = runs.pause(at, found.tenant_id, found.id, who=at.who)
    typer.echo(f"run {held.run_id} is paused; `connector resume {found.name}` lets it go on")


def resume(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """Let the paused run go on where it was."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    held = runs.resume(at, found.tenant_id, found.id, who=at.who)
    gives_way = held.state is RunState.CANCELLED
    typer.echo(
        f"run {held.run_id} gives way to the one that waits"
        if gives_way
        else f"run {held.run_id} goes on: {held.state}"
    )


def cancel(context: typer.Context, connector: ConnectorName, *, tenant: TenantName = None) -> None:
    """End the run here: no new call a second later; what it has not sent is due for the next one."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    held = runs.cancel(at, found.tenant_id, found.id, who=at.who)
    typer.echo(f"run {held.run_id} is cancelled")
