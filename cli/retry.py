"""Items sent again though nobody changed them: `connector retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find
from cli.errors import RefusalError
from cli.find import ConnectorName, TenantName
from cli.here import Here, here
from worker.commands import runs
from worker.commands.meant import Meant
from worker.commands.refusal import Refusal, Why


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
    typer.echo(str(again(at, found, code, f"no item of '{found.name}' has failed" + (f" with {code}" if code else ""))))


def again(at: Here, found: find.Found, code: str | None, nobody: str, *, item: Meant | None = None) -> int:
    """The id of the run that sends the failed items again, or this one; `nobody` is said where none is like that."""
    try:
        return runs.retry(at, found.tenant_id, found.id, code=code, who=at.who, item=item).run_id
    except Refusal as refusal:
        if refusal.why is not Why.NOTHING_FAILED:
            raise
        raise RefusalError(f"{nobody}.") from None
