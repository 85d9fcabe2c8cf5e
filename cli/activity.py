"""What the last runs did: `connector activity`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import find, show
from cli.errors import RefusalError
from cli.find import AsJson, ConnectorName, TenantName
from cli.here import here
from models.vocabulary import Outcome
from worker.catalog import causes
from worker.ledger import register
from worker.ledger.register import Entry, ErrorGroup, Message
from worker.ledger.session import Session, as_tenant

PLANNED = {
    "to_create": "to create",
    "to_update": "to update",
    "to_disable": "to disable",
    "to_hide": "to hide",
    "to_blank": "lose values",
    "blanks": "values lost",
    "to_show": "to show",
    "to_assign": "to assign",
    "to_relate": "to relate",
    "to_metafields": "metafields",
    "to_stock": "stock to set",
}

Told = tuple[Entry, list[Message], list[ErrorGroup]]


def activity(
    context: typer.Context,
    connector: ConnectorName,
    *,
    tenant: TenantName = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most runs.")] = register.RUNS,
    run: Annotated[int | None, typer.Option(help="Show this run in detail, not the last one.")] = None,
    json: AsJson = False,
) -> None:
    """Show the last runs, and the last one (or --run) in detail."""
    at = here(context)
    found = find.connector(at, connector, tenant)
    with as_tenant(at.engine, found.tenant_id) as session:
        entries = register.runs(session, found.id, limit)
        if run is not None:
            entry = register.run(session, run)
            if entry is None or entry.connector_id != found.id:
                raise RefusalError(
                    f"there is no run {run} of '{found.name}'; `connector activity {found.name}` shows all."
                )
            entries = [entry]
        told = [_told(session, one) for one in (entries if json else entries[:1])]
    if json:
        runs = [as_json(*each) for each in told]
        show.as_json({"tenant": found.tenant, "connector": found.name, "runs": runs})
        return
    show.table(
        f"{found.tenant} / {found.name}",
        ["run", "state", "trigger", "requested", "started", "ended", "duration", "slices", "calls", "what came of it"],
        [
            (
                str(one.id),
                one.state,
                one.trigger,
                one.requested_at,
                one.started_at,
                one.ended_at,
                show.duration(one.seconds),
                one.slices,
                one.calls,
                register.headline(one),
            )
            for one in entries
        ],
        empty="no run yet; `connector run` requests one",
    )
    for each in told:
        _detail(*each)


def _told(session: Session, entry: Entry) -> Told:
    return (entry, register.messages(session, entry.id), register.error_groups(session, entry.connector_id, entry.id))


def _detail(entry: Entry, messages: list[Message], groups: list[ErrorGroup]) -> None:
    rows = [(kind, at, of) for kind, storefronts in entry.counters.items() for at, of in storefronts.items()]
    figures = [figure for figure in ("known", *PLANNED, *Outcome) if any(of.get(figure) for _, _, of in rows)]
    if rows:
        show.table(
            f"run {entry.id} in figures",
            ["kind", "storefront", *(PLANNED.get(one, str(one)) for one in figures)],
            [(kind, at, *(of.get(figure, 0) for figure in figures)) for kind, at, of in rows],
            empty="",
        )
    if messages:
        show.table(
            f"run {entry.id}: messages",
            ["when", "level", "code", "message"],
            [(one.at, one.level, one.code, one.text) for one in messages],
            empty="",
        )
    if groups:
        show.table(
            f"run {entry.id}: items with trouble",
            ["outcome", "code", "items", "what to do", "for example"],
            [(one.outcome, one.code, one.count, causes.remedy(one.code), _examples(one)) for one in groups],
            empty="",
        )


def _examples(group: ErrorGroup) -> str:
    named = [
        f"{one.kind} {one.source_id}"
        + ("" if one.storefront == register.NO_NAME else f" on {one.storefront}")
        + (f" ({one.message})" if one.message else "")
        for one in group.samples
    ]
    return ", ".join(named) + (f" and {group.more:,} more" if group.more else "")


def as_json(entry: Entry, messages: list[Message], groups: list[ErrorGroup]) -> dict[str, Any]:
    """A run in the shape of docs/cli.md."""
    return {
        "run": entry.id,
        "state": entry.state.value,
        "phase": entry.phase and entry.phase.value,
        "step": entry.step,
        "trigger": entry.trigger,
        "refresh": entry.refresh,
        "requested": entry.requested_at,
        "started": entry.started_at,
        "ended": entry.ended_at,
        "waited": round(entry.waited, 3),
        "seconds": None if entry.seconds is None else round(entry.seconds, 3),
        "slices": entry.slices,
        "calls": entry.calls,
        "source_calls": entry.source_calls,
        "headline": register.headline(entry),
        "counters": entry.counters,
        "messages": [{"level": one.level, "code": one.code, "text": one.text, "at": one.at} for one in messages],
        "errors": [
            {
                "code": one.code,
                "outcome": one.outcome,
                "do": causes.remedy(one.code),
                "count": one.count,
                "more": one.more,
                "samples": [
                    {
                        "kind": each.kind,
                        "source_id": each.source_id,
                        "storefront": each.storefront,
                        "message": each.message,
                    }
                    for each in one.samples
                ],
            }
            for one in groups
        ],
    }
