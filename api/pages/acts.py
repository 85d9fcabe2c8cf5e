"""What people do by the buttons of the pages: each a form that is sent, and then the page again."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse

from api.here import Here
from api.pages import notices, paper
from api.pages.route import PageRoute
from api.pages.trouble import NotShown
from api.pages.viewers import Acting, Filled, Form, Viewer
from models.vocabulary import ItemKind
from worker.commands import connectors, runs
from worker.commands.desk import Desk
from worker.commands.runs import Requested

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_OURS = re.compile(r"(?:runs/\d{1,19}|settings|items/(?:category|product|variant)/\d{1,19})?")
"""Pages of a connector that a form may lead back to."""
_ID = re.compile(r"[0-9]{1,18}")
LONGEST_REASON = 300


def again(here: Desk, viewer: Viewer, place: str, said: str) -> RedirectResponse:
    """Back to this page of the connector, which says so."""
    behind = f"/{place}" if place else ""
    told = urlencode({"said": notices.named(here, viewer, said)})
    address = f"{paper.base(here.settings)}/connectors/{viewer.connector_id}{behind}?{told}"
    return RedirectResponse(address, 303)


def _back(given: Form) -> str:
    place = given.get("back", "")
    return place if _OURS.fullmatch(place) else ""


def _shown(given: Form) -> int:
    """The run that the page showed: no button is about one that nobody has looked at."""
    told = given.get("run", "")
    if not _ID.fullmatch(told):
        raise NotShown(422, "That form names no run. Load the page again, and press the button there.")
    return int(told)


@router.post("/connectors/{connector_id}/request")
def request(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Request a run."""
    refresh = given.get("refresh") == "yes"
    answer = runs.request(here, viewer.tenant_id, viewer.connector_id, refresh=refresh, who=viewer.who)
    return again(here, viewer, f"runs/{answer.run_id}", _came_of(answer))


def _came_of(answer: Requested) -> str:
    if answer.folded:
        return "folded"
    return "follows" if answer.follows else "requested"


@router.post("/connectors/{connector_id}/retry")
def retry(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Send failed items again: those of one code, or all."""
    code = given.get("code") or None
    answer = runs.retry(here, viewer.tenant_id, viewer.connector_id, code=code, who=viewer.who)
    return again(here, viewer, f"runs/{answer.run_id}", "retried")


@router.post("/connectors/{connector_id}/pause")
def pause(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Hold the run under way."""
    runs.pause(here, viewer.tenant_id, viewer.connector_id, who=viewer.who, run=_shown(given))
    return again(here, viewer, _back(given), "paused")


@router.post("/connectors/{connector_id}/resume")
def resume(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Let the paused run go on."""
    runs.resume(here, viewer.tenant_id, viewer.connector_id, who=viewer.who, run=_shown(given))
    return again(here, viewer, _back(given), "resumed")


@router.post("/connectors/{connector_id}/cancel")
def cancel(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """End the run under way."""
    runs.cancel(here, viewer.tenant_id, viewer.connector_id, who=viewer.who, run=_shown(given))
    return again(here, viewer, _back(given), "cancelled")


@router.post("/connectors/{connector_id}/approve")
def approve(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Let the run pass that the brake holds."""
    told = given.get("shown", "")
    shown = int(told) if _ID.fullmatch(told) else None
    runs.approve(here, viewer.tenant_id, viewer.connector_id, who=viewer.who, run=_shown(given), shown=shown)
    return again(here, viewer, _back(given), "approved")


@router.post("/connectors/{connector_id}/enable")
def enable(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Switch the connector on again."""
    connectors.enable(here, viewer.tenant_id, viewer.connector_id, who=viewer.who)
    return again(here, viewer, _back(given), "enabled")


@router.post("/connectors/{connector_id}/disable")
def disable(here: Here, viewer: Acting, given: Filled) -> RedirectResponse:
    """Switch the connector off."""
    reason = given.get("reason", "").strip()[:LONGEST_REASON] or f"switched off by {viewer.view.name}"
    connectors.disable(here, viewer.tenant_id, viewer.connector_id, reason=reason, who=viewer.who)
    return again(here, viewer, _back(given), "disabled")


@router.post("/connectors/{connector_id}/items/{kind}/{source_id}/synchronise")
def synchronise(
    here: Here, viewer: Acting, kind: ItemKind, source_id: Annotated[int, Path(ge=1, lt=2**63)]
) -> RedirectResponse:
    """Compare one item with the store anew, and send what the source says, with a run that is requested now."""
    runs.synchronise(here, viewer.tenant_id, viewer.connector_id, kind, source_id, who=viewer.who)
    return again(here, viewer, f"items/{kind.value}/{source_id}", "synchronising")
