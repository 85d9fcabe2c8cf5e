"""A turn put back into the queue: `connector requeue`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import find, show
from cli.find import ConnectorName, TenantName
from cli.here import here
from models.vocabulary import Waiting
from worker.commands import requeue as commands


def requeue(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    end_rest: Annotated[
        bool, typer.Option("--end-rest", help="The store or source that rests is well again: end its rest too.")
    ] = False,
) -> None:
    """Make a turn ready again that is broken, parked by a back-off, or dispatched and lost."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    done = commands.requeue(at, found.tenant_id, found.id, end_rest=end_rest, who=at.who)
    for one in done.rests_ended:
        typer.echo(show.plain(commands.in_words(one)))
    typer.echo(f"{found.name} was {done.was}. {done.standing.sentence}")
    if done.standing.why in (Waiting.STORE_RESTS, Waiting.SOURCE_RESTS) and done.standing.until is not None:
        typer.echo(f"until {show.moment(done.standing.until)} UTC; --end-rest ends that", err=True)
