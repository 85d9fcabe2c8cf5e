"""The items behind a figure of a run's plan, as long as they are still to be sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.here import Here
from api.pages import paper, standing
from api.pages.items import AT_ONCE
from api.pages.route import PageRoute
from api.pages.run import RunId
from api.pages.trouble import NotShown
from api.pages.viewers import Looking
from api.paging import place, written
from models.vocabulary import Action, ItemKind
from worker.commands.items import shown
from worker.commands.runs import there
from worker.ledger import planned_items, register
from worker.ledger.session import as_tenant

router = APIRouter(route_class=PageRoute, include_in_schema=False)

FIGURES = (Action.CREATE, Action.UPDATE, Action.DISABLE)


@router.get("/connectors/{connector_id}/runs/{run_id}/planned")
def page(
    here: Here,
    viewer: Looking,
    run_id: RunId,
    kind: ItemKind,
    action: Action,
    storefront: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    after: str | None = None,
) -> HTMLResponse:
    """A page of the items that the run is still to create, update or disable."""
    if action not in FIGURES:
        raise NotShown(422, "The address names a figure that there is not.")
    begin = place(after, int, int, int) or planned_items.BEFORE_ALL
    with as_tenant(here.engine, viewer.tenant_id) as session:
        entry = register.run(session, run_id)
        if entry is None or entry.connector_id != viewer.connector_id:
            raise NotShown(404, f"There is no run {run_id} of this connector.")
        found = planned_items.items(
            session,
            viewer.connector_id,
            run_id,
            kind,
            action,
            storefront=storefront,
            shown=shown(session, viewer.connector_id, there(session, viewer.connector_id).profile),
            after=(int(begin[0]), int(begin[1]), int(begin[2])),
            limit=AT_ONCE + 1,
        )
        names = register.storefront_names(session, viewer.connector_id)
    items = found[:AT_ONCE]
    return paper.page(
        "planned.html",
        here.settings,
        viewer=viewer,
        at=standing.of(here, viewer),
        tab="register",
        entry=entry,
        kind=kind.value,
        action=action.value,
        chosen={"kind": kind.value, "action": action.value, "storefront": storefront},
        storefront=names.get(storefront) if storefront else None,
        items=items,
        after=after,
        next=written(*items[-1].place) if len(found) > AT_ONCE else None,
    )
