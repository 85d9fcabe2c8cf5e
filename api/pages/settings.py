"""A connector's settings: main switches, storefront links, the whole profile, and is all in order."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from api.here import Here
from api.pages import notices, paper, standing
from api.pages.acts import again
from api.pages.route import PageRoute
from api.pages.viewers import Acting, Filled, Form, Looking, Sending, Viewer
from worker.catalog import profile_faults
from worker.catalog.profile import Profile
from worker.commands import choices, validation
from worker.commands import connectors as commands
from worker.commands.desk import Desk
from worker.errors import ProfileUnusable, WorkerError
from worker.ledger import mirror, source_items, store_facts
from worker.ledger.session import as_tenant
from worker.rules import mapping

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_ROOTS = 2000
"""Categories that a choice offers; others are named by their id."""
SECONDS_FOR_STOREFRONTS = 4.0
"""Whoever opens the settings waits no longer for the store."""
FLAGS = ("overwrite_prices", "overwrite_stock", "include_empty_categories")
FULL_TREE = "all"
_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Root:
    """A category of the source that a storefront may be linked to."""

    source_id: int
    path: str


@router.get("/connectors/{connector_id}/settings")
def page(here: Here, viewer: Looking, said: str | None = None) -> HTMLResponse:
    """The settings as they are."""
    return _page(here, viewer, notice=notices.of(here, viewer, said))


@router.post("/connectors/{connector_id}/settings/switches")
def switches(here: Here, viewer: Acting, given: Filled) -> Response:
    """Save the main switches."""
    told = commands.profile(here, viewer.tenant_id, viewer.connector_id).model_dump(mode="json")
    told["switches"] |= {flag: given.get(flag) == "yes" for flag in FLAGS}
    told["switches"]["option_display"] = given.get("option_display", "")
    told["language"] = given.get("language", "").strip() or None
    faults: dict[str, str] = {}
    for field, percent in (("brake", True), ("quota_left_to_others", True), ("check_every_seconds", False)):
        text = given.get(field, "").strip().replace(",", ".")
        number = _number(text)
        if number is None:
            faults[field] = "is no number."
            continue
        told[field] = round(number / 100, 6) if percent else (int(number) if number == int(number) else number)
    said = {name: given.get(f"schedule.{name}", "").strip() for name in ("every_seconds", "cron")}
    told["schedule"] = {name: one for name, one in said.items() if one} or None
    return _saved(here, viewer, told, "switches", given, faults)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@router.post("/connectors/{connector_id}/settings/storefronts")
def storefronts(here: Here, viewer: Acting, given: Filled) -> Response:
    """Save which storefront shows which part of the tree."""
    told = commands.profile(here, viewer.tenant_id, viewer.connector_id).model_dump(mode="json")
    links, faults = list[dict[str, Any]](), dict[str, str]()
    for name, text in given.items():
        if not name.startswith("root_") or not text.strip():
            continue
        storefront, root = name.removeprefix("root_"), text.strip()
        if root != FULL_TREE and not _ID.fullmatch(root):
            faults[name] = "is no category's id."
        else:
            links.append({"storefront": storefront, "root": None if root == FULL_TREE else int(root)})
    told["storefronts"] = links
    return _saved(here, viewer, told, "storefronts", given, faults)


@router.post("/connectors/{connector_id}/settings/profile")
def profile(here: Here, viewer: Acting, given: Filled) -> Response:
    """Save the whole profile."""
    try:
        told = json.loads(given.get("profile", ""))
    except (ValueError, RecursionError) as trouble:
        where = f" (line {trouble.lineno})" if isinstance(trouble, json.JSONDecodeError) else ""
        return _page(here, viewer, form="profile", given=given, faults={"profile": f"That is no JSON{where}."})
    return _saved(here, viewer, told, "profile", given, {})


@router.post("/connectors/{connector_id}/settings/validate")
def validate(here: Here, viewer: Sending, request: Request) -> HTMLResponse:
    """Ask the source and the store whether all is in order; nothing is written."""
    with request.app.state.asking.one(viewer.tenant_id):
        found = list(validation.problems(here, viewer.tenant_id, viewer.connector_id))
    return _page(here, viewer, problems=[one[:1].upper() + one[1:] for one in found])


def _saved(here: Desk, viewer: Viewer, told: Any, form: str, given: Form, faults: Mapping[str, str]) -> Response:
    """The profile saved; or the form again, with a sentence for each thing that is wrong."""
    wrong = dict(faults)
    try:
        new = Profile.model_validate(told)
    except ValidationError as trouble:
        for fault in trouble.errors():
            field = ".".join(str(part) for part in fault["loc"] if part != "[key]")
            says = profile_faults.sentence(fault)
            wrong.setdefault(field if form != "profile" else f"profile.{len(wrong)}", says)
    if wrong:
        return _page(here, viewer, form=form, given=given, faults=wrong)
    before = _profile(here, viewer)[0]
    if before == new:
        return again(here, viewer, "settings", "as_it_was")
    seen = given.get("seen", "")
    if not commands.change_profile(here, viewer.tenant_id, viewer.connector_id, new, who=viewer.who, seen=seen):
        return _page(here, viewer, outrun=given)
    return again(here, viewer, "settings", "saved")


def _profile(here: Desk, viewer: Viewer) -> tuple[Profile | None, Sequence[str]]:
    """The stored profile, or what is wrong with it."""
    try:
        return commands.profile(here, viewer.tenant_id, viewer.connector_id), ()
    except ProfileUnusable as trouble:
        return None, trouble.faults


def _page(
    here: Desk,
    viewer: Viewer,
    *,
    notice: str | None = None,
    form: str | None = None,
    given: Form | None = None,
    faults: Mapping[str, str] | None = None,
    problems: Sequence[str] | None = None,
    outrun: Form | None = None,
) -> HTMLResponse:
    """The settings; `outrun`: what was not saved, since somebody else had saved something meanwhile."""
    known, unusable = _profile(here, viewer)
    with as_tenant(here.engine, viewer.tenant_id) as session:
        stored = store_facts.storefronts(session, viewer.connector_id)
        columns = mirror.state(session, viewer.connector_id).columns
        rows = source_items.categories(session, viewer.connector_id)
    offered = None if known is None else _storefronts(here, viewer)
    does_answer = offered is not None
    offered = stored if offered is None else offered
    names: Mapping[int, str] = {}
    if known is not None and columns is not None:
        settled = mapping.settle(known, columns)[0]
        column = next((one.fields.get("name") for kind, one in settled.items() if kind == "category"), None)
        names = {row.source_id: str(row.cells.get(column or "") or row.source_id) for row in rows if not row.gone}
    parents = {row.source_id: row.parent_id for row in rows}
    linked = {link.storefront: link.root for link in known.storefronts} if known is not None else {}
    return paper.page(
        "settings.html",
        here.settings,
        status=422 if faults else 409 if outrun else 200,
        viewer=viewer,
        at=standing.of(here, viewer),
        tab="settings",
        notice=notice,
        profile=known,
        unusable=unusable,
        as_json=json.dumps(known.model_dump(mode="json"), indent=2, ensure_ascii=False) if known is not None else "",
        languages=columns.languages if columns is not None else (),
        storefronts={**{one: f"Storefront {one}" for one in linked}, **offered},
        offered=offered,
        does_answer=does_answer,
        linked=linked,
        roots=_roots(names, parents),
        form=form,
        given=given or {},
        faults=faults or {},
        problems=problems,
        outrun=outrun,
        edition=commands.edition(known),
    )


def _storefronts(here: Desk, viewer: Viewer) -> dict[int, str] | None:
    """The store's storefronts, id -> name, as it says just now; None where it does not."""
    try:
        found = choices.storefronts(here, viewer.tenant_id, viewer.connector_id, within=SECONDS_FOR_STOREFRONTS)
    except WorkerError:
        return None
    return {one.id: one.name for one in found}


def _roots(names: Mapping[int, str], parents: Mapping[int, int]) -> list[Root]:
    """The categories with their paths, in the order of these."""
    found = []
    for source_id in names:
        path, at = list[str](), source_id
        while at in names and len(path) < 20:
            path.insert(0, names[at])
            at = parents.get(at, 0)
        found.append(Root(source_id, " / ".join(path)))
    return sorted(found, key=lambda one: one.path.casefold())[:MOST_ROOTS]
