"""What came of each item: `connector items`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import find, show
from cli.errors import RefusalError
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import Here, here
from models.vocabulary import ItemKind, Outcome
from worker.catalog import causes
from worker.commands.items import shown
from worker.ledger import connectors, item_register
from worker.ledger.item_register import Item
from worker.ledger.item_search import Filter, Place
from worker.ledger.session import as_tenant


def items(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    kind: Annotated[ItemKind | None, typer.Option(help="Only this kind.")] = None,
    status: Annotated[
        Outcome | None, typer.Option(help="Only this outcome; `unchanged` lists what no run had to touch.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="Only this code, as the page of errors has it.")] = None,
    storefront: Annotated[
        int | None, typer.Option(help="Only this storefront's categories, by its id; 0 = what is not told apart.")
    ] = None,
    run: Annotated[int | None, typer.Option(help="Only what this run was the last to touch.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Part of a name, SKU, reference or source id; or an id of the store.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most items.")] = 100,
    after: Annotated[str | None, typer.Option(help="Go on after this place, as the last listing named it.")] = None,
    json: AsJson = False,
) -> None:
    """List items with their last outcome, per storefront; what never needed a write is `unchanged`."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    wanted = Filter(kind, status, code, storefront, run, search)
    listing(at, found, wanted, limit=limit, after=after, json=json)


def listing(
    at: Here,
    found: find.Found,
    wanted: Filter,
    *,
    limit: int,
    after: str | None,
    json: bool,
    empty: str = "no item is like that",
) -> None:
    """Print a page of the connector's items; `empty`: the sentence where there are none."""
    begin = None if after is None else _place(after)
    with as_tenant(at.engine, found.tenant_id) as session:
        known = connectors.load(session, found.id)
        if known is None:
            raise RefusalError(f"the connector '{found.name}' has just been removed.")
        listed = item_register.items(
            session,
            found.id,
            shown=shown(session, found.id, known.profile),
            kind=wanted.kind,
            outcome=wanted.outcome,
            code=wanted.code,
            storefront=wanted.storefront,
            run=wanted.run,
            search=wanted.search,
            after=begin,
            limit=limit + 1,
        )
    more = _written(listed[limit - 1].place) if len(listed) > limit else None
    listed = listed[:limit]
    if json:
        page = {"tenant": found.tenant, "connector": found.name, "items": [*map(as_json, listed)], "next": more}
        show.as_json(page)
        return
    show.table(
        None,
        [
            "kind",
            "id",
            "reference",
            "name",
            "storefront",
            "outcome",
            "code",
            "message",
            "what to do",
            "store's answer",
            "when",
        ],
        [
            (
                one.kind,
                str(one.source_id),
                one.reference,
                one.name,
                one.storefront,
                one.outcome,
                one.code,
                one.message,
                causes.remedy(one.code),
                one.answer,
                one.at,
            )
            for one in listed
        ],
        empty=empty,
    )
    if more:
        typer.echo(f"there are more: --after {more}", err=True)


def _place(written: str) -> Place:
    try:
        kind, source_id, storefront_id = written.split(":")
        return ItemKind(kind).value, int(source_id), int(storefront_id)
    except ValueError:
        raise RefusalError(f"--after takes a place like product:301:0, not '{written}'.") from None


def _written(place: Place) -> str:
    return ":".join(map(str, place))


def as_json(one: Item) -> dict[str, Any]:
    """An item in the shape of docs/cli.md."""
    return {
        "kind": one.kind,
        "source_id": one.source_id,
        "reference": one.reference,
        "name": one.name,
        "storefront": one.storefront,
        "outcome": one.outcome,
        "code": one.code,
        "message": one.message,
        "do": causes.remedy(one.code),
        "answer": one.answer,
        "run": one.run_id,
        "at": one.at,
    }
