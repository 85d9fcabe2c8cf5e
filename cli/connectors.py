"""Connectors added, listed, given another profile, switched on and off."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import find, profile_file, show
from cli.errors import RefusalError
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import Here, here
from worker.catalog.profile import ConnectorFile
from worker.commands import connectors as commands
from worker.commands.refusal import Refusal
from worker.ledger import connectors, overview
from worker.ledger.overview import ConnectorLine, Standing
from worker.ledger.session import as_scheduler, as_tenant

File = Annotated[Path, typer.Option("--file", "-f", help="The profile file; - is standard input.", show_default=False)]


def add(
    context: typer.Context,
    file: File,
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose connector it is.", show_default=False)],
) -> None:
    """Add a connector out of a file with its profile, name and credentials."""
    at = here(context)
    given = profile_file.connector_file(file)
    tenant_id = find.tenant_id(at, tenant)
    try:
        connector_id = commands.add(at, tenant_id, given, who=at.who)
    except Refusal as refusal:
        text = f"tenant '{tenant}' has a connector '{given.name}' already"
        raise RefusalError(f"{text}; `connector set-profile` replaces its profile.") from refusal
    typer.echo(f"connector {given.name} added with id {connector_id}; `connector validate {given.name}` checks it")


def schema() -> None:
    """Print the JSON schema of the file that `connector add` takes."""
    show.as_json(ConnectorFile.model_json_schema())


def profile(context: typer.Context, connector: ConnectorName, tenant: TenantName = None) -> None:
    """Print the profile in use, without credentials, as JSON; `set-profile` takes it back."""
    at = here(context)
    show.as_json(_loaded(at, find.connector(at, connector, tenant)).profile.model_dump(mode="json"))


def set_profile(context: typer.Context, connector: ConnectorName, file: File, tenant: TenantName = None) -> None:
    """Replace the profile, and the credentials where the file holds them; the next run works with it."""
    at = here(context)
    given = profile_file.profile_file(file)
    found = find.connector(at, connector, tenant)
    if isinstance(given, ConnectorFile):
        commands.replace(at, found.tenant_id, found.id, given, who=at.who)
    else:
        commands.change_profile(at, found.tenant_id, found.id, given, who=at.who)
    what = "profile and credentials" if isinstance(given, ConnectorFile) else "profile"
    typer.echo(f"{what} of {found.name} replaced; the next run works with it")


def list_(context: typer.Context, json: AsJson = False, tenant: TenantName = None) -> None:
    """List connectors with their turn, their last check and their last run."""
    at = here(context)
    if tenant is not None:
        find.tenant_id(at, tenant)
    with as_scheduler(at.engine) as session:
        standings = [one for one in overview.standings(session) if tenant in (None, one.tenant)]
    known: dict[int, ConnectorLine] = {}
    for tenant_id in dict.fromkeys(one.tenant_id for one in standings):
        with as_tenant(at.engine, tenant_id) as session:
            known |= overview.connectors(session)
    lines = [_line(one, known[one.connector_id]) for one in standings if one.connector_id in known]
    if json:
        show.as_json({"connectors": lines})
        return
    show.table(
        None,
        ["id", "tenant", "connector", "store", "enabled", "turn", "last checked", "last run"],
        [
            (
                str(one["id"]),
                one["tenant"],
                one["connector"],
                one["store"],
                "yes" if one["enabled"] else f"no: {one['disabled_reason'] or 'switched off'}",
                _turn(one),
                one["last_checked"],
                one["last_run"] and f"{one['last_run']['run']} {one['last_run']['state']}",
            )
            for one in lines
        ],
        empty="no connector yet; `connector add --tenant T --file profile.json` adds one",
    )


def _line(standing: Standing, line: ConnectorLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "tenant": standing.tenant,
        "connector": standing.connector,
        "store": line.store_hash,
        "enabled": line.enabled,
        "disabled_reason": line.disabled_reason,
        "turn": standing.state,
        "due": standing.not_before if standing.state == "parked" else None,
        "rests_until": standing.rests_until,
        "worker": standing.worker,
        "last_checked": line.last_checked_at,
        "last_run": None if line.run_id is None else {"run": line.run_id, "state": line.run_state},
    }


def _turn(line: dict[str, Any]) -> str:
    due, rest = line["due"], line["rests_until"]
    turn = f"parked until {due:%H:%M:%S}" if isinstance(due, datetime) else str(line["turn"])
    return f"{turn}, its neighbour rests until {rest:%H:%M:%S}" if isinstance(rest, datetime) else turn


def enable(context: typer.Context, connector: ConnectorName, tenant: TenantName = None) -> None:
    """Switch a connector on again; it is checked at once."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    commands.enable(at, found.tenant_id, found.id, who=at.who)
    typer.echo(f"{found.name} is switched on")


def disable(
    context: typer.Context,
    connector: ConnectorName,
    tenant: TenantName = None,
    reason: Annotated[str, typer.Option(help="Why; `connector list` shows it.")] = "switched off by the operator",
) -> None:
    """Switch a connector off: what its slice is doing it finishes, then it has no turn until it is switched on."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    commands.disable(at, found.tenant_id, found.id, reason=reason, who=at.who)
    typer.echo(f"{found.name} is switched off")


def _loaded(at: Here, found: find.Found) -> connectors.Connector:
    with as_tenant(at.engine, found.tenant_id) as session:
        known = connectors.load(session, found.id)
    if known is None:
        raise RefusalError(f"the connector '{found.name}' has just been removed.")
    return known


def attach(app: typer.Typer) -> None:
    """Make these the app's commands."""
    for name, command in (
        ("add", add),
        ("list", list_),
        ("schema", schema),
        ("profile", profile),
        ("set-profile", set_profile),
        ("enable", enable),
        ("disable", disable),
    ):
        app.command(name)(command)
