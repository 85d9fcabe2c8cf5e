"""Items: listed, searched, counted, looked at one by one, synchronised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from api.callers import Reader, Writer
from api.here import Here
from api.once import IdempotencyKey, once
from api.paging import After, Limit, place, written
from api.problems import ProblemError, told
from api.routes.connectors import ConnectorId
from api.shapes import items as shapes
from api.shapes.runs import Accepted
from models.vocabulary import ItemKind, Outcome
from worker.catalog import causes
from worker.commands import item as one_item
from worker.commands import runs as commands
from worker.commands.items import shown
from worker.commands.runs import Requested
from worker.ledger import item_counts, item_detail, item_register
from worker.ledger.item_register import Item
from worker.ledger.session import Session, as_tenant

router = APIRouter(
    prefix="/v1/connectors/{connector_id}/items",
    tags=["items"],
    responses=told(400, 401, 403, 404, 409, 413, 422, 429, 503),
)

Kind = Annotated[ItemKind, Path(description="What it is", examples=["product"])]
SourceId = Annotated[int, Path(ge=1, lt=2**63, description="The item's id at the source", examples=[301])]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which items are asked for."""

    kind: Annotated[ItemKind | None, Query(description="Only this kind")] = None
    outcome: Annotated[
        Outcome | None, Query(description="Only this outcome; `unchanged` lists what no run had to touch")
    ] = None
    code: Annotated[str | None, Query(max_length=100, description="Only this code, as docs/errors.md has it")] = None
    storefront: Annotated[int | None, Query(ge=0, lt=2**63, description="Only on this storefront")] = None
    run: Annotated[int | None, Query(ge=1, lt=2**63, description="Only those whose last status is of this run")] = None
    search: Annotated[
        str | None,
        Query(
            max_length=200, description="Part of a name, SKU, reference or source id, any case; or an id of the store"
        ),
    ] = None

    def told(self) -> dict[str, Any]:
        """As the ledger takes them."""
        names = ("kind", "outcome", "code", "storefront", "run", "search")
        return {name: getattr(self, name) for name in names}


Wanted = Annotated[Filters, Depends()]


@router.get("", summary="List the items")
def listed(
    here: Here, by: Reader, connector_id: ConnectorId, wanted: Wanted, limit: Limit = 100, after: After = None
) -> shapes.ItemPage:
    """Give the items that are known, per storefront, in the order of kind, source id and storefront."""
    begin = place(after, str, int, int)
    with as_tenant(here.engine, by.tenant_id) as session:
        found = page(session, connector_id, wanted, after=begin, limit=limit + 1)
    return shapes.ItemPage(
        items=[line(one) for one in found[:limit]],
        next=written(*found[limit - 1].place) if len(found) > limit else None,
    )


def page(session: Session, connector_id: int, wanted: Filters, *, after: Any, limit: int) -> list[Item]:
    """A page of the connector's items; Refusal where the session's tenant has no such connector."""
    known = commands.there(session, connector_id)
    names = shown(session, connector_id, known.profile)
    return item_register.items(session, connector_id, shown=names, after=after, limit=limit, **wanted.told())


def line(one: Item) -> shapes.Item:
    """The item on the wire."""
    return shapes.Item(
        kind=ItemKind(one.kind),
        source_id=one.source_id,
        storefront_id=one.storefront_id,
        storefront=one.storefront,
        reference=one.reference,
        name=one.name,
        outcome=Outcome(one.outcome),
        code=one.code,
        message=one.message,
        do=causes.remedy(one.code),
        answer=one.answer,
        run=one.run_id,
        at=one.at,
    )


@router.get("/counts", summary="Count the items behind each filter")
def counts(here: Here, by: Reader, connector_id: ConnectorId, wanted: Wanted) -> shapes.Counts:
    """Say how many items each value of each filter would leave, with the other filters applied."""
    with as_tenant(here.engine, by.tenant_id) as session:
        commands.there(session, connector_id)
        found = item_counts.counts(session, connector_id, **wanted.told())
    return shapes.Counts(
        total=found.total,
        kinds=dict(found.kinds),
        outcomes=dict(found.outcomes),
        codes=dict(found.codes),
        storefronts={str(at): count for at, count in found.storefronts.items()},
        capped=found.capped,
    )


@router.get("/{kind}/{source_id}", summary="Read an item")
def detail(here: Here, by: Reader, connector_id: ConnectorId, kind: Kind, source_id: SourceId) -> shapes.Detail:
    """Give an item with its problems per storefront, and its field values at the source, as sent, and in the store."""
    with as_tenant(here.engine, by.tenant_id) as session:
        commands.there(session, connector_id)
        found = one_item.detail(session, connector_id, kind, source_id)
    if found is None:
        raise _unknown(kind, source_id)
    row, known = found.known.row, found.known
    return shapes.Detail(
        kind=kind,
        source_id=source_id,
        parent_id=None if row is None else row.parent_id or None,
        name=found.name,
        reference=found.reference,
        at_source=row is not None and not row.gone,
        due=row is not None and row.due,
        source_read=known.source_read_at,
        store_read=known.store_read_at,
        places=[_place(found, one) for one in found.places],
    )


def _place(found: one_item.Detail, at: one_item.Place) -> shapes.Place:
    status = next((one for one in found.known.statuses if one.storefront_id == at.storefront_id), None)
    named = status or at.link
    return shapes.Place(
        storefront_id=at.storefront_id,
        storefront="-" if named is None else named.storefront,
        outcome=None if status is None else Outcome(status.outcome),
        code=None if status is None else status.code,
        message=None if status is None else status.message,
        answer=None if status is None else status.answer,
        run=None if status is None else status.run_id,
        at=None if status is None else status.at,
        problems=[
            shapes.Trouble(code=one.code, field=one.field, text=one.text, do=causes.remedy(one.code))
            for one in (() if status is None else status.problems)
        ],
        store_id=None if at.link is None else at.link.store_id,
        created_here=None if at.link is None else at.link.created_here,
        last_call=None if at.last_call is None else _call(at.last_call),
        values=[shapes.Value(field=one.name, source=one.source, sent=one.sent, store=one.store) for one in at.fields],
    )


def _call(last: one_item.LastCall) -> shapes.LastCall:
    return shapes.LastCall(
        run=last.run_id,
        action=last.action,
        method=last.call.method,
        route=last.call.route,
        status=last.call.status,
        request_id=last.call.request_id,
        at=last.at,
    )


@router.get("/{kind}/{source_id}/history", summary="Read an item's history")
def history(
    here: Here,
    by: Reader,
    connector_id: ConnectorId,
    kind: Kind,
    source_id: SourceId,
    limit: Limit = 100,
    after: After = None,
) -> shapes.History:
    """Give what the item came to in the runs that touched it, the newest first, in each by storefront."""
    begin = place(after, int, int)
    with as_tenant(here.engine, by.tenant_id) as session:
        commands.there(session, connector_id)
        behind = None if begin is None else (int(begin[0]), int(begin[1]))
        found = item_detail.history(session, connector_id, kind, source_id, after=behind, limit=limit + 1)
        if not found and behind is None and item_detail.known(session, connector_id, kind, source_id) is None:
            raise _unknown(kind, source_id)
    page_ = found[:limit]
    return shapes.History(
        history=[
            shapes.Came(
                run=one.run_id,
                storefront_id=one.storefront_id,
                storefront=one.storefront,
                outcome=Outcome(one.outcome),
                code=one.code,
                message=one.message,
                at=one.at,
            )
            for one in page_
        ],
        next=written(page_[-1].run_id, page_[-1].storefront_id) if len(found) > limit else None,
    )


@router.post(
    "/{kind}/{source_id}/synchronise", status_code=202, summary="Synchronise an item now", response_model=Accepted
)
def synchronise(
    here: Here,
    by: Writer,
    connector_id: ConnectorId,
    kind: Kind,
    source_id: SourceId,
    web: Request,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Compare the item with the store anew, and send what the source says; a product brings its variants."""
    this = once(here, by, web, idempotency_key, None, status=202)

    def act() -> dict[str, object]:
        def keep(session: Session, answer: Requested) -> None:
            this.keep(session, _accepted(answer))

        return _accepted(commands.synchronise(here, by.tenant_id, connector_id, kind, source_id, who=by.who, keep=keep))

    return this.carry_out(act)


def _accepted(answer: Requested) -> dict[str, object]:
    return {"run": answer.run_id, "folded": answer.folded, "follows": answer.follows}


def _unknown(kind: ItemKind, source_id: int) -> ProblemError:
    return ProblemError(404, "unknown", f"There is no {kind} {source_id}.")
