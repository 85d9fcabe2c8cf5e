"""A connector that is no longer wanted: `connector remove`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find
from cli.errors import RefusalError
from cli.find import ConnectorName, TenantName
from cli.here import here
from worker.commands import connectors


def remove(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a connector with its history; a slice under way leaves first, and the store keeps all that it has."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    question = f"Remove '{found.name}' of {found.tenant} with its runs, statuses and links? The store keeps its items."
    if not yes and not typer.confirm(question):
        raise RefusalError(f"'{found.name}' was not removed.")
    connectors.remove(at, found.tenant_id, found.id)
    typer.echo(f"{found.name} is removed")
