"""Is all in order before anything runs: `connector validate`."""

from __future__ import annotations

import typer

from cli import find, show
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import here
from worker.commands import validation

FOUND_SOMETHING = 1


def validate(context: typer.Context, connector: ConnectorName, tenant: TenantName = None, json: AsJson = False) -> None:
    """Check credentials, scopes, storefronts and mapping; exit code 1 where something must be put right."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    problems = list(validation.problems(at, found.tenant_id, found.id))
    if json:
        show.as_json({"tenant": found.tenant, "connector": found.name, "problems": problems})
    elif problems:
        show.problems(problems)
    else:
        typer.echo(f"{found.name}: source, store and profile are in order")
    if problems:
        raise typer.Exit(FOUND_SOMETHING)
