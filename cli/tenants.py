"""Customers of the service: `connector tenant ...`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import find, show
from cli.errors import RefusalError
from cli.find import AsJson
from cli.here import here
from worker.commands import tenants as commands
from worker.ledger import overview
from worker.ledger.session import as_scheduler

app = typer.Typer(help="Customers of the service.", no_args_is_help=True)


_WEIGHT = typer.Option(min=0.01, max=1000, help="Share of the workers, next to the others' weights.")
_MAX_SLOTS = typer.Option(min=1, max=10_000, help="Most connectors that work at the same time.")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name, unlike any other tenant's.")],
    weight: Annotated[float, _WEIGHT] = 1.0,
    max_slots: Annotated[int | None, _MAX_SLOTS] = None,
) -> None:
    """Add a tenant."""
    at = here(context)
    if not commands.is_name(name):
        raise RefusalError(f"'{name}' is no name for a tenant: it needs a letter, no full stop and no line break.")
    commands.add(at, name=name, weight=weight, max_slots=max_slots)
    typer.echo(f"tenant {name} added")


@app.command("set")
def set_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The tenant's name.")],
    *,
    weight: Annotated[float | None, _WEIGHT] = None,
    max_slots: Annotated[int | None, _MAX_SLOTS] = None,
    no_limit: Annotated[
        bool, typer.Option("--no-limit", help="As many connectors at once as there are slots.")
    ] = False,
) -> None:
    """Change a tenant's weight, or its plan's limit; slices under way go on."""
    at = here(context)
    if no_limit and max_slots is not None:
        raise RefusalError("--max-slots and --no-limit exclude each other.")
    if weight is None and max_slots is None and not no_limit:
        raise RefusalError("there is nothing to change: give --weight, --max-slots or --no-limit.")
    tenant_id = find.tenant_id(at, name)
    now = commands.change(at, tenant_id, weight=weight, max_slots=commands.NO_LIMIT if no_limit else max_slots)
    limit = "no limit" if now.max_slots is None else f"at most {now.max_slots} at once"
    typer.echo(f"tenant {name}: weight {now.weight:g}, {limit}")


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
