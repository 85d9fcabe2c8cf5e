"""Customers of the service: `connector tenant ...`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy.exc import IntegrityError

from cli import show
from cli.errors import RefusalError
from cli.find import AsJson
from cli.here import here
from worker.ledger import connectors, overview
from worker.ledger.session import as_scheduler, as_tenant

app = typer.Typer(help="Customers of the service.", no_args_is_help=True)

NOBODY = 0
"""No tenant has this id; acting as nobody, no row is seen."""


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name, unlike any other tenant's.")],
    weight: Annotated[float, typer.Option(min=0.01, help="Share of the workers, next to the others' weights.")] = 1.0,
    max_slots: Annotated[int | None, typer.Option(min=1, help="Most connectors that work at the same time.")] = None,
) -> None:
    """Add a tenant."""
    at = here(context)
    if not name.strip() or not name.isprintable() or "." in name:
        # The name stands in task ids, as tenant.connector.epoch.
        raise RefusalError(f"'{name}' is no name for a tenant: it needs a letter, no full stop and no line break.")
    with as_tenant(at.engine, NOBODY) as session:
        tenant_id = connectors.next_tenant_id(session)
    try:
        with as_tenant(at.engine, tenant_id) as session:
            connectors.add_tenant(session, tenant_id, name=name, weight=weight, max_slots=max_slots)
    except IntegrityError as trouble:
        raise RefusalError(f"there is a tenant '{name}' already.") from trouble
    typer.echo(f"tenant {name} added")


@app.command("list")
def list_(context: typer.Context, json: AsJson = False) -> None:
    """List the tenants."""
    with as_scheduler(here(context).engine) as session:
        lines = overview.tenants(session)
    if json:
        show.as_json({"tenants": [{"tenant": one.name} | _without_name(one) for one in lines]})
        return
    show.table(
        None,
        ["tenant", "weight", "max slots", "connectors"],
        [(one.name, one.weight, one.max_slots, one.connectors) for one in lines],
        empty="no tenant yet; `connector tenant add NAME` adds one",
    )


def _without_name(line: overview.TenantLine) -> dict[str, object]:
    return {field: value for field, value in asdict(line).items() if field != "name"}
