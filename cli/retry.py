"""Items sent again though nobody changed them: `connector retry`, `connector quarantine`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find
from cli.errors import RefusalError
from cli.find import ConnectorName, TenantName
from cli.here import Here, here
from cli.items import listing
from worker.commands import runs
from worker.commands.refusal import Refusal, Why
from worker.ledger.changes import QUARANTINED
from worker.ledger.item_search import Filter


def retry(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    code: Annotated[str | None, typer.Option(help="Only the items that failed with this code.")] = None,
) -> None:
    """Send the items again that failed, and no others; prints the run's id."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    typer.echo(
        str(_again(at, found, code, f"no item of '{found.name}' has failed" + (f" with {code}" if code else "")))
    )


def quarantine(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    release: Annotated[
        bool, typer.Option("--release", help="Send them again: looked up first, so that nothing is made twice.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most items.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on after this place, as the last listing named it.")] = None,
    json: find.AsJson = False,
) -> None:
    """List the items whose call was sent three times without an answer; with --release, send them again."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    if release:
        typer.echo(str(_again(at, found, QUARANTINED, f"no item of '{found.name}' is quarantined")))
    else:
        listing(
            at, found, Filter(code=QUARANTINED), limit=limit, after=after, json=json, empty="no item is quarantined"
        )


def _again(at: Here, found: find.Found, code: str | None, nobody: str) -> int:
    """The id of the run that sends the failed items again."""
    try:
        return runs.retry(at, found.tenant_id, found.id, code=code, who=at.who).run_id
    except Refusal as refusal:
        if refusal.why is not Why.NOTHING_FAILED:
            raise
        raise RefusalError(f"{nobody}.") from None
