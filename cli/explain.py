"""Why an item is in the shop as it is: `connector explain`."""

from __future__ import annotations

import json as encode
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli import find, show
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import here
from worker.catalog.calls import Call, Sent
from worker.commands import explain as commands
from worker.commands.explain import Explained, Traced
from worker.commands.item import Detail
from worker.commands.meant import meant
from worker.ledger.item_detail import SentIn
from worker.ledger.session import as_tenant

LONGEST = 60
"""Characters of a value in the table; the JSON has it whole."""


def explain(
    context: typer.Context,
    connector: ConnectorName,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="product:301, or its SKU or reference.")],
    *,
    tenant: TenantName = None,
    json: AsJson = False,
) -> None:
    """Say why an item is in the shop as it is: source field, mapping, change, call, answer, time; and what is open."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        kind, source_id = meant(session, found.id, item)
        detail, places = commands.explain(session, found.id, kind, source_id)
    if json:
        show.as_json(_as_json(found, detail, places))
        return
    title = f"{kind} {source_id}" + (f" '{detail.name}'" if detail.name else "")
    typer.echo(show.plain(title + (f", reference {detail.reference}" if detail.reference else "")))
    typer.echo(f"source read: {_at(detail.known.source_read_at)}, store read: {_at(detail.known.store_read_at)}")
    for one in places:
        _show(one)


def _show(one: Explained) -> None:
    link = one.place.link
    where = f"storefront {one.place.storefront_id}" if one.place.storefront_id else "the store"
    if link is not None:
        made = "made by this connector" if link.created_here else "found there and linked"
        typer.echo(f"\nIn {where}: store id {link.store_id}, {made} on {show.moment(link.linked_at)} UTC")
    else:
        typer.echo(f"\nIn {where}: not linked")
    show.table(
        None,
        ["field", "columns", "by", "the source says", "last sent", "the store holds", "sent by"],
        [
            (
                field.name + (" *" if field.differs else ""),
                _short(dict(field.cells)) if field.cells else None,
                field.origin.rule,
                _short(field.source),
                _short(field.sent),
                _short(field.store),
                _by(field.by),
            )
            for field in one.fields
        ],
        empty="nothing is known of its fields",
    )
    if one.last is not None:
        typer.echo(f"last write: {_by(one.last)}")
        for call in one.last[1].calls:
            typer.echo(show.plain(f"  {_call(call)}"))
        if not one.last[1].calls:
            typer.echo("  no call: the store had it already")
    else:
        typer.echo("last write: none in the runs that are kept")
    for reason in one.reasons or ("Nothing is pending.",):
        typer.echo(show.plain(reason))


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else encode.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _by(by: tuple[SentIn, Sent] | None) -> str | None:
    if by is None:
        return None
    run, sent = by
    groups = f" ({', '.join(sent.groups)})" if sent.groups else ""
    calls = "".join(f", {_status(one)}" for one in sent.calls[-1:])
    return f"run {run.run_id}: {sent.action}{groups}, {show.moment(_when(run, sent))}{calls}"


def _status(call: Call) -> str:
    return f"{call.method} {call.status if call.status is not None else 'no answer'}"


def _call(call: Call) -> str:
    named = f" [{call.request_id}]" if call.request_id else ""
    return f"{call.method} {call.route}: {call.status or 'no answer'}{named}" + (f": {call.said}" if call.said else "")


def _when(run: SentIn, sent: Sent) -> datetime:
    """When the last call was answered; else when the run told of the item."""
    return datetime.fromtimestamp(sent.calls[-1].at, UTC) if sent.calls else run.at


def _at(moment: datetime | None) -> str:
    return "never" if moment is None else f"{show.moment(moment)} UTC"


def _as_json(found: find.Found, detail: Detail, places: tuple[Explained, ...]) -> dict[str, Any]:
    return {
        "tenant": found.tenant,
        "connector": found.name,
        "kind": detail.known.kind,
        "source_id": detail.known.source_id,
        "name": detail.name,
        "reference": detail.reference,
        "source_read": detail.known.source_read_at,
        "store_read": detail.known.store_read_at,
        "places": [
            {
                "storefront": one.place.storefront_id,
                "store_id": one.place.link and one.place.link.store_id,
                "created_here": one.place.link and one.place.link.created_here,
                "linked": one.place.link and one.place.link.linked_at,
                "fields": [*map(_field, one.fields)],
                "last_write": _sent(one.last),
                "pending": [
                    {"action": it.action, "groups": list(it.groups), "state": it.state, "run": it.run_id,
                     "before": it.before}
                    for it in one.pending
                ],
                "reasons": list(one.reasons),
            }
            for one in places
        ],
    }  # fmt: skip


def _field(one: Traced) -> dict[str, Any]:
    return {
        "field": one.name,
        "group": one.group,
        "columns": dict(one.cells),
        "rule": one.origin.rule,
        "source": one.source,
        "sent": one.sent,
        "store": one.store,
        "differs": one.differs,
        "sent_by": _sent(one.by),
    }


def _sent(by: tuple[SentIn, Sent] | None) -> dict[str, Any] | None:
    if by is None:
        return None
    run, sent = by
    return {
        "run": run.run_id,
        "action": sent.action,
        "groups": list(sent.groups),
        "ok": sent.ok,
        "at": _when(run, sent),
        "calls": [
            {
                "method": one.method,
                "route": one.route,
                "status": one.status,
                "request_id": one.request_id,
                "said": one.said,
                "at": datetime.fromtimestamp(one.at, UTC),
            }
            for one in sent.calls
        ],
    }
