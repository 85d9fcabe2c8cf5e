"""The Activity Register: the last runs, and what people did between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from api.here import Here
from api.pages import bars, notices, paper, standing
from api.pages.bars import Bar
from api.pages.route import PageRoute
from api.pages.trouble import NotShown
from api.pages.viewers import ConnectorId, Looking
from api.pages.words import RUN_STATES
from models.vocabulary import RunState, Trigger
from worker.ledger import journal, register, run_facts
from worker.ledger.journal import Entry as Deed
from worker.ledger.register import RUNS, Entry
from worker.ledger.run_facts import Sought
from worker.ledger.session import as_tenant

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_DEEDS = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A run of the register."""

    entry: Entry
    bar: Bar
    sentence: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What stands at one place of the timeline: a run, or what somebody did."""

    at: datetime
    run: Line | None = None
    deed: Deed | None = None


def _wanted(state: str = "", trigger: str = "", changed: str = "") -> Sought:
    """An empty choice of the filter's form is none."""
    try:
        return Sought(RunState(state) if state else None, Trigger(trigger) if trigger else None, bool(changed))
    except ValueError as trouble:
        raise NotShown(422, "The address names a filter that there is not.") from trouble


@router.get("/connectors/{connector_id}/")
def with_slash(here: Here, connector_id: ConnectorId) -> RedirectResponse:
    """The register stands at the address without it."""
    return RedirectResponse(f"{paper.base(here.settings)}/connectors/{connector_id}", 308)


@router.get("/connectors/{connector_id}")
def page(
    here: Here,
    viewer: Looking,
    wanted: Annotated[Sought, Depends(_wanted)],
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    said: str | None = None,
) -> HTMLResponse:
    """The register; `before`: only runs older than this one."""
    with as_tenant(here.engine, viewer.tenant_id) as session:
        ids = run_facts.sought(session, viewer.connector_id, wanted, before=before, limit=RUNS + 1)
        entries = register.these(session, ids[:RUNS])
        newer = register.these(session, [before]) if before is not None else []
        more = len(ids) > RUNS
        deeds: Sequence[Deed] = ()
        if wanted == Sought():
            since = entries[-1].requested_at if more and entries else None
            until = newer[0].requested_at if newer else None
            deeds = journal.entries(session, viewer.connector_id, limit=MOST_DEEDS, since=since, until=until)
    chosen = {"state": wanted.state, "trigger": wanted.trigger, "changed": wanted.changed_something}
    return paper.page(
        "register.html",
        here.settings,
        viewer=viewer,
        at=standing.of(here, viewer),
        tab="register",
        notice=notices.of(here, viewer, said),
        moments=_moments(entries, deeds),
        chosen=chosen,
        is_filtered=wanted != Sought(),
        states=_states(),
        triggers=list(Trigger),
        before=before,
        more=entries[-1].id if more else None,
    )


def _moments(entries: Sequence[Entry], deeds: Sequence[Deed]) -> list[Moment]:
    """Runs and deeds together, the newest first."""
    moments = [
        Moment(entry.requested_at, run=Line(entry, bars.of(entry.counters), sentence(entry))) for entry in entries
    ]
    moments += [Moment(deed.at, deed=deed) for deed in deeds]
    return sorted(moments, key=lambda one: one.at, reverse=True)


def sentence(entry: Entry) -> str:
    """The run in one plain sentence."""
    said = register.headline(entry)
    return f"{said[:1].upper()}{said[1:]}."


def _states() -> Mapping[str, Any]:
    return {state: mark.word for state, mark in RUN_STATES.items()}
