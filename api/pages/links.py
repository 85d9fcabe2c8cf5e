"""Links that open the pages: made for who has an API key, and opened by who gets one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from api.callers import Known, Operator, Reader
from api.here import Here
from api.pages import paper
from api.pages.route import PageRoute
from api.pages.signing import May, NotOurs, View
from api.pages.trouble import NotShown
from api.pages.viewers import OPEN_AGAIN, let_in, seals
from api.pages.viewers import ConnectorId as PageOf
from api.problems import ProblemError, told
from api.routes.connectors import ConnectorId
from models.vocabulary import Scope
from worker.commands import connectors
from worker.commands.desk import Desk
from worker.ledger.session import as_tenant

api = APIRouter(tags=["pages"], responses=told(400, 401, 403, 413, 422, 429, 503))
router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Looks(BaseModel):
    """Who is to look, and whether they may act."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Ana Pérez", "may": "write"}]})

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="Who looks, as the journal names them: what they do stands there as theirs",
        ),
    ]
    may: Annotated[May, Field(description="`read`: no button acts; `write`: they may do all that the pages offer")] = (
        "read"
    )


class Link(BaseModel):
    """A link that opens the pages."""

    url: Annotated[str, Field(description="To be opened in a browser, at once; it is as good as a key until then")]
    expires: Annotated[datetime, Field(description="Until when it can be opened")]


@api.post("/v1/connectors/{connector_id}/view-link", summary="Make a link to a connector's pages", responses=told(404))
def view_link(here: Here, by: Reader, known: Known, connector_id: ConnectorId, given: Looks) -> Link:
    """Make a link that opens this connector's pages, and no others, in a browser.

    It can be opened for LINK_SECONDS; the pages then stay open for VIEW_SECONDS.
    """
    if given.may == "write" and known.scope is Scope.READ:
        raise ProblemError(403, "not_allowed", "This key may only read; so may who looks by a link of it.")
    with as_tenant(here.engine, by.tenant_id) as session:
        connectors.known(session, connector_id)
    return _link(here, View(given.name, given.may, by.tenant_id, connector_id), f"connectors/{connector_id}")


@api.post("/v1/view-link", summary="Make a link to the operator's pages")
def operators_link(here: Here, _by: Operator, given: Looks) -> Link:
    """Make a link that opens the overview, and the pages of every connector of every tenant."""
    return _link(here, View(given.name, given.may, None, None), "overview")


def _link(here: Desk, view: View, place: str) -> Link:
    key = urlencode({"key": seals(here).link(view)})
    expires = datetime.now(UTC) + timedelta(seconds=here.settings.link_seconds)
    return Link(url=f"{here.settings.public_url.rstrip('/')}/{place}/open?{key}", expires=expires)


Key = Annotated[str, Query(max_length=4000)]


@router.get("/connectors/{connector_id}/open")
def open_connector(here: Here, connector_id: PageOf, key: Key = "") -> RedirectResponse:
    """Let somebody in who comes by a link, and show them the register."""
    view = _opened(here, key)
    if view.connector_id != connector_id:
        raise NotShown(403, f"This link opens other pages. {OPEN_AGAIN}")
    return _enter(here, view, f"connectors/{connector_id}")


@router.get("/overview/open")
def open_overview(here: Here, key: Key = "") -> RedirectResponse:
    """Let an operator in who comes by a link, and show them the overview."""
    view = _opened(here, key)
    if not view.is_operator:
        raise NotShown(403, f"This link opens other pages. {OPEN_AGAIN}")
    return _enter(here, view, "overview")


def _opened(here: Desk, key: str) -> View:
    try:
        return seals(here).opened(key, within=here.settings.link_seconds)
    except NotOurs as trouble:
        raise NotShown(403, f"This link has expired, or is not whole. {OPEN_AGAIN}") from trouble


def _enter(here: Desk, view: View, place: str) -> RedirectResponse:
    answer = RedirectResponse(f"{paper.base(here.settings)}/{place}", 303)
    let_in(answer, here, view)
    return answer
