"""What the service has left alone, shown and let out: `connector quarantine ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import here
from cli.items import listing
from cli.retry import again
from worker.commands.meant import meant
from worker.ledger.changes import QUARANTINED
from worker.ledger.item_search import Filter
from worker.ledger.session import as_tenant

app = typer.Typer(help="Items whose call was sent three times without an answer.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most items.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on after this place, as the last listing named it.")] = None,
    json: AsJson = False,
) -> None:
    """List the items whose call was sent three times without an answer, or with an error of the store's own."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    quarantined = Filter(code=QUARANTINED)
    listing(at, found, quarantined, limit=limit, after=after, json=json, empty="no item is quarantined")


@app.command()
def release(
    context: typer.Context,
    connector: ConnectorName,
    item: Annotated[
        str | None, typer.Argument(metavar="[ITEM]", help="Only this one: product:301, or its SKU or reference.")
    ] = None,
    *,
    tenant: TenantName = None,
) -> None:
    """Send them, or one of them, again: looked up first, so that nothing is made twice; prints the run's id."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    if item is None:
        nobody, one = f"no item of '{found.name}' is quarantined", None
    else:
        with as_tenant(at.engine, found.tenant_id) as session:
            one = meant(session, found.id, item)
        nobody = f"the {one[0]} {one[1]} of '{found.name}' is not quarantined"
    typer.echo(str(again(at, found, QUARANTINED, nobody, item=one)))
