"""Item statuses: searched and filtered, and each item with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import HTMLResponse, StreamingResponse

from api import exports
from api.here import Here
from api.pages import notices, paper, standing
from api.pages.route import PageRoute
from api.pages.trouble import NotShown
from api.pages.viewers import Looking
from api.paging import place, written
from models.base import NO_STOREFRONT
from models.vocabulary import ItemKind, Outcome
from worker.catalog import causes
from worker.commands import connectors
from worker.commands import item as one_item
from worker.commands.items import shown
from worker.commands.runs import there
from worker.ledger import item_counts, item_detail, item_register, register
from worker.ledger.item_register import Item
from worker.ledger.session import Session, as_tenant

router = APIRouter(route_class=PageRoute, include_in_schema=False)

AT_ONCE = 50
HISTORY = 50
LONGEST_SEARCH = 200
MOST_CODES = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, as the address says it."""

    q: str | None = None
    kind: ItemKind | None = None
    outcome: Outcome | None = None
    code: str | None = None
    storefront: int | None = None
    run: int | None = None

    @property
    def is_anything(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()

    def filters(self) -> dict[str, Any]:
        """As the ledger takes it."""
        return {
            "search": self.q,
            "kind": self.kind,
            "outcome": self.outcome,
            "code": self.code,
            "storefront": self.storefront,
            "run": self.run,
        }

    def query(self) -> dict[str, Any]:
        """As an address says it."""
        return {
            "q": self.q,
            "kind": self.kind and self.kind.value,
            "outcome": self.outcome and self.outcome.value,
            "code": self.code,
            "storefront": self.storefront,
            "run": self.run,
        }


def _wanted(
    q: str | None = None,
    kind: str | None = None,
    outcome: str | None = None,
    code: Annotated[str | None, Query(max_length=100)] = None,
    storefront: str | None = None,
    run: str | None = None,
) -> Wanted:
    """An empty choice of the search form is none."""
    try:
        return Wanted(
            _text(q),
            ItemKind(kind) if kind else None,
            Outcome(outcome) if outcome else None,
            _text(code),
            _id(storefront),
            _id(run),
        )
    except ValueError as trouble:
        raise NotShown(422, "The address names a filter that there is not.") from trouble


def _id(given: str | None) -> int | None:
    """The id that is named; ValueError where it cannot be one."""
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and int(given[:20]) < 2**63):
        raise ValueError(given)
    return int(given)


def _text(given: str | None) -> str | None:
    """Without what no text of a catalogue can hold."""
    return (given or "").replace("\0", "").strip()[:LONGEST_SEARCH] or None


Sought = Annotated[Wanted, Depends(_wanted)]


@router.get("/connectors/{connector_id}/items")
def page(here: Here, viewer: Looking, wanted: Sought, after: str | None = None) -> HTMLResponse:
    """A page of the items that are looked for, and how many there are behind each filter."""
    begin = place(after, str, int, int)
    with as_tenant(here.engine, viewer.tenant_id) as session:
        found = _items(session, viewer.connector_id, wanted, begin, AT_ONCE + 1)
        counts = item_counts.counts(session, viewer.connector_id, **wanted.filters())
        names = register.storefront_names(session, viewer.connector_id)
    items = found[:AT_ONCE]
    codes = sorted(counts.codes.items(), key=lambda one: (-one[1], one[0]))
    return paper.page(
        "items.html",
        here.settings,
        viewer=viewer,
        at=standing.of(here, viewer),
        tab="items",
        wanted=wanted,
        chosen=wanted.query(),
        items=items,
        counts=counts,
        codes=codes[:MOST_CODES],
        kinds=list(ItemKind),
        outcomes=list(Outcome),
        storefronts={one: name for one, name in names.items() if one != NO_STOREFRONT},
        remedy=causes.remedy,
        after=after,
        next=written(*items[-1].place) if len(found) > AT_ONCE else None,
    )


@router.get("/connectors/{connector_id}/items.csv")
def export(here: Here, viewer: Looking, wanted: Sought) -> StreamingResponse:
    """All that is looked for, as a table for a spreadsheet."""
    with as_tenant(here.engine, viewer.tenant_id) as session:
        name = connectors.known(session, viewer.connector_id)[0]
    pages = exports.statuses(here, viewer.tenant_id, viewer.connector_id, wanted.filters())
    return exports.as_file(pages, exports.STATUSES, exports.Format.CSV, name=f"{name}-items")


def _items(session: Session, connector_id: int, wanted: Wanted, begin: Any, limit: int) -> list[Item]:
    names = shown(session, connector_id, there(session, connector_id).profile)
    return item_register.items(session, connector_id, shown=names, after=begin, limit=limit, **wanted.filters())


@router.get("/connectors/{connector_id}/items/{kind}/{source_id}")
def item(
    here: Here,
    viewer: Looking,
    kind: ItemKind,
    source_id: Annotated[int, Path(ge=1, lt=2**63)],
    said: str | None = None,
) -> HTMLResponse:
    """One item: its verdicts, its fields three times, its history."""
    with as_tenant(here.engine, viewer.tenant_id) as session:
        detail = one_item.detail(session, viewer.connector_id, kind, source_id)
        if detail is None:
            raise NotShown(404, f"There is no {kind} {source_id} of this connector.")
        history = item_detail.history(session, viewer.connector_id, kind, source_id, limit=HISTORY)
        names = register.storefront_names(session, viewer.connector_id)
    statuses = {one.storefront_id: one for one in detail.known.statuses}
    return paper.page(
        "item.html",
        here.settings,
        viewer=viewer,
        at=standing.of(here, viewer),
        tab="items",
        notice=notices.of(here, viewer, said),
        detail=detail,
        statuses=statuses,
        names=names,
        history=history,
        cause=causes.CAUSES.get,
    )
