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
from worker.ledger import overview, schedules
from worker.ledger.session import as_scheduler, as_tenant
from worker.rules.schedule import zone_fault

app = typer.Typer(help="Customers of the service.", no_args_is_help=True)


_WEIGHT = typer.Option(min=0.01, max=1000, help="Share of the workers, next to the others' weights.")
_TIME_ZONE = typer.Option(help="IANA name of the zone in which the schedules of its connectors are read.")
_MAX_SLOTS = typer.Option(min=1, max=10_000, help="Most connectors that work at the same time.")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short name, unlike any other tenant's.")],
    weight: Annotated[float, _WEIGHT] = 1.0,
    max_slots: Annotated[int | None, _MAX_SLOTS] = None,
    time_zone: Annotated[str, _TIME_ZONE] = schedules.UTC,
) -> None:
    """Add a tenant."""
    at = here(context)
    _is_a_zone(time_zone)
    if not commands.is_name(name):
        raise RefusalError(f"'{name}' is no name for a tenant: it needs a letter, no full stop and no line break.")
    commands.add(at, name=name, weight=weight, max_slots=max_slots, time_zone=time_zone)
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
    time_zone: Annotated[str | None, _TIME_ZONE] = None,
) -> None:
    """Change a tenant's weight, its plan's limit or its time zone; slices under way go on."""
    at = here(context)
    if no_limit and max_slots is not None:
        raise RefusalError("--max-slots and --no-limit exclude each other.")
    if weight is None and max_slots is None and not no_limit and time_zone is None:
        raise RefusalError("there is nothing to change: give --weight, --max-slots, --no-limit or --time-zone.")
    if time_zone is not None:
        _is_a_zone(time_zone)
    tenant_id = find.tenant_id(at, name)
    now, zone = commands.change(
        at, tenant_id, weight=weight, max_slots=commands.NO_LIMIT if no_limit else max_slots, time_zone=time_zone
    )
    limit = "no limit" if now.max_slots is None else f"at most {now.max_slots} at once"
    told = "" if zone == schedules.UTC else f", time zone {zone}"
    typer.echo(f"tenant {name}: weight {now.weight:g}, {limit}{told}")


def _is_a_zone(name: str) -> None:
    if wrong := zone_fault(name):
        raise RefusalError(f"{wrong}.")


@app.command("list")
def list_(context: typer.Context, json: AsJson = False) -> None:
    """List the tenants."""
    at = here(context)
    with as_scheduler(at.engine) as session:
        lines = overview.tenants(session)
    zones = {}
    for one in lines:
        with as_tenant(at.engine, one.id) as session:
            zones[one.id] = schedules.time_zone(session)
    if json:
        told = [{"tenant": one.name} | _without_name(one) | {"time_zone": zones[one.id]} for one in lines]
        show.as_json({"tenants": told})
        return
    show.table(
        None,
        ["tenant", "weight", "max slots", "connectors", "time zone"],
        [(one.name, one.weight, one.max_slots, one.connectors, zones[one.id]) for one in lines],
        empty="no tenant yet; `connector tenant add NAME` adds one",
    )


def _without_name(line: overview.TenantLine) -> dict[str, object]:
    return {field: value for field, value in asdict(line).items() if field != "name"}
