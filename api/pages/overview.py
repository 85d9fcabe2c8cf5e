"""The operator's overview: every connector, how it stands, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.here import Here
from api.pages import paper, standing
from api.pages.route import PageRoute
from api.pages.standing import Standing
from api.pages.viewers import Operating
from worker.commands.desk import Desk
from worker.ledger import overview, processes, run_facts
from worker.ledger.overview import Standing as Turn
from worker.ledger.session import as_scheduler, as_tenant

router = APIRouter(route_class=PageRoute, include_in_schema=False)

AT_ONCE = 100
MOST_LOOKED_AT = 1_000
"""Connectors that a filter looks at for one page: each tenant is read in its own name."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connector of the overview."""

    tenant: str
    at: Standing


@router.get("/overview")
def page(
    here: Here,
    view: Operating,
    q: Annotated[str, Query(max_length=100)] = "",
    only: str = "",
    after: Annotated[int, Query(ge=0, lt=10**9)] = 0,
) -> HTMLResponse:
    """Connectors by tenant and name, `after` how many; `only`: those that need somebody, or have a run under way."""
    with as_scheduler(here.engine) as session:
        turns = overview.standings(session)
        free = processes.free_slots(session)
    part = q.replace("\0", "").strip().casefold()
    turns = [one for one in turns if part in f"{one.tenant} {one.connector}".casefold()]
    lines, further = _chosen(here, turns, free, only, after)
    return paper.page(
        "overview.html",
        here.settings,
        view=view,
        lines=lines,
        chosen={"q": q, "only": only},
        free=free,
        count=len(turns),
        after=after,
        next=further,
    )


def _chosen(here: Desk, turns: list[Turn], free: int | None, only: str, after: int) -> tuple[list[Line], int | None]:
    """A page of them, and where the next one begins; a filter looks further than the page is long."""
    lines = list[Line]()
    at = after
    while at < len(turns) and len(lines) < AT_ONCE and at - after < MOST_LOOKED_AT:
        some = turns[at : at + AT_ONCE]
        for place, line in enumerate(_lines(here, some, free)):
            if line is None or not _fits(line, only):
                continue
            if len(lines) == AT_ONCE:
                return lines, at + place
            lines.append(line)
        at += len(some)
    return lines, at if at < len(turns) else None


def _fits(line: Line, only: str) -> bool:
    match only:
        case "act":
            return line.at.health in (standing.ACT, standing.LATE, standing.PAUSED)
        case "running":
            return line.at.last.is_under_way
        case "waiting":
            return line.at.waits is not None
        case _:
            return True


def _lines(here: Desk, turns: list[Turn], free: int | None) -> list[Line | None]:
    """Each read in its tenant's name; None where it has just been removed."""
    found = dict[int, Line]()
    for tenant_id in dict.fromkeys(one.tenant_id for one in turns):
        mine = [one for one in turns if one.tenant_id == tenant_id]
        with as_tenant(here.engine, tenant_id) as session:
            known = overview.connectors(session)
            lasts = {one.connector_id: run_facts.last(session, one.connector_id) for one in mine}
        for turn in mine:
            if (line := known.get(turn.connector_id)) is not None:
                shown = standing.told(turn.connector, line, lasts[turn.connector_id], turn, free)
                found[turn.connector_id] = Line(turn.tenant, shown)
    return [found.get(one.connector_id) for one in turns]
