"""API keys: `connector key ...`; an operator's first one can only come from here."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find, show
from cli.errors import RefusalError
from cli.find import AsJson
from cli.here import Here, here
from models.vocabulary import Scope
from worker.commands import keys as commands
from worker.ledger.api_keys import ApiKey

app = typer.Typer(help="Keys to the HTTP API.", no_args_is_help=True)

DAY = 86_400.0

_Of = Annotated[bool, typer.Option("--operator", help="An operator's key, that opens everything.")]
_Tenant = Annotated[str | None, typer.Option("--tenant", "-t", help="Whose key it is.", show_default=False)]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `key list` shows it.", show_default=False)]


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who asks with it.")],
    *,
    operator: _Of = False,
    tenant: _Tenant = None,
    scope: Annotated[str, typer.Option(help="What a tenant's key opens: read or write.")] = Scope.WRITE.value,
    days: Annotated[float | None, typer.Option(min=0.001, max=3650, help="It opens for so long.")] = None,
    json: AsJson = False,
) -> None:
    """Add a key and print it; it is told this once."""
    at = here(context)
    if not (name.strip() and name.isprintable() and len(name) <= 100):
        raise RefusalError("a key needs a name of at most 100 letters on one line.")
    if scope not in (Scope.READ, Scope.WRITE):
        raise RefusalError(f"--scope is read or write, not '{scope}'.")
    whose = _whose(at, operator, tenant)
    opens = Scope.OPERATOR if whose is None else Scope(scope)
    _tell(
        commands.add(at, whose, name=name, scope=opens, expires_in=None if days is None else days * DAY), as_json=json
    )


@app.command("list")
def list_(context: typer.Context, *, operator: _Of = False, tenant: _Tenant = None, json: AsJson = False) -> None:
    """List keys; what they are written as is not kept."""
    at = here(context)
    found = commands.listed(at, _whose(at, operator, tenant))
    if json:
        show.as_json({"keys": [_line(one) for one in found]})
        return
    show.table(
        None,
        ["key", "name", "scope", "created", "last used", "expires"],
        [(one.id, one.name, one.scope.value, one.created_at, one.last_used_at, one.expires_at) for one in found],
        empty="no key yet; `connector key add NAME` adds one",
    )


@app.command()
def rotate(
    context: typer.Context,
    key: _Key,
    *,
    operator: _Of = False,
    tenant: _Tenant = None,
    overlap: Annotated[
        float, typer.Option(min=0, max=commands.LONGEST_OVERLAP / DAY, help="The old one opens so many days more.")
    ] = 1.0,
    json: AsJson = False,
) -> None:
    """Make a new key of the same name and scope, and print it; the old one opens for a while yet."""
    at = here(context)
    _tell(commands.rotate(at, _whose(at, operator, tenant), key, overlap=overlap * DAY), as_json=json)


@app.command()
def revoke(context: typer.Context, key: _Key, *, operator: _Of = False, tenant: _Tenant = None) -> None:
    """Let a key open nothing from now on."""
    at = here(context)
    commands.revoke(at, _whose(at, operator, tenant), key)
    typer.echo(f"key {key} revoked")


def _whose(at: Here, operator: bool, tenant: str | None) -> int | None:
    """The tenant's id, None for operators."""
    if operator == (tenant is not None):
        raise RefusalError("say whose key it is: either --operator or --tenant.")
    return None if tenant is None else find.tenant_id(at, tenant)


def _tell(made: tuple[ApiKey, str], *, as_json: bool) -> None:
    key, token = made
    if as_json:
        show.as_json(_line(key) | {"token": token})
        return
    # The key alone on stdout, so that a script can keep it where secrets are kept.
    typer.echo(token)
    typer.echo(f"key {key.id} ({key.scope.value}) added; keep it now, it is not shown again", err=True)


def _line(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope.value,
        "created": key.created_at,
        "last_used": key.last_used_at,
        "expires": key.expires_at,
    }
