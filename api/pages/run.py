"""The page of a run, and what of it moves while the run is under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from api.here import Here
from api.pages import bars, notices, paper, standing
from api.pages.pace import Pace
from api.pages.register import sentence
from api.pages.route import PageRoute
from api.pages.trouble import NotShown
from api.pages.viewers import Looking, Viewer
from models.vocabulary import SENDING_STEPS, ItemKind, Outcome, Phase, RunState, TurnState
from worker.bigcommerce.quota import Level, Quota
from worker.catalog import causes
from worker.catalog.causes import Cause
from worker.commands.desk import Desk
from worker.ledger import progress as where
from worker.ledger import register, run_facts
from worker.ledger.progress import Progress
from worker.ledger.register import ErrorGroup
from worker.ledger.run_facts import Blocker, News, StepTaken
from worker.ledger.session import as_tenant
from worker.steps.sequence import SEQUENCE

router = APIRouter(route_class=PageRoute, include_in_schema=False)
RunId = Annotated[int, Path(ge=1, lt=2**63)]

PLANNED = ("to_create", "to_update", "to_disable")
HELD = frozenset({RunState.PAUSED, RunState.AWAITING_APPROVAL})
NEARLY_SPENT = 0.1
"""Of the quota: where so little is left, it is what holds a run up."""
_pace = Pace()


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step of the stepper."""

    name: str
    phase: str
    stands: str
    """done, doing, held, ended, left out or to come."""
    taken: StepTaken | None
    count: str | None


@dataclass(frozen=True, slots=True)
class GroupShown:
    """Errors of one cause."""

    group: ErrorGroup
    cause: Cause | None
    news: News | None


@dataclass(frozen=True, slots=True)
class CounterRow:
    """One row of the table of counters."""

    kind: str
    storefront: str
    storefront_id: int | None
    figures: Mapping[str, int]


@router.get("/connectors/{connector_id}/runs/{run_id}")
def page(here: Here, viewer: Looking, run_id: RunId, said: str | None = None) -> HTMLResponse:
    """One run."""
    shown = look(here, viewer, run_id)
    return paper.page(
        "run.html", here.settings, viewer=viewer, tab="register", notice=notices.of(here, viewer, said), **shown
    )


def look(here: Desk, viewer: Viewer, run_id: int, *, whole: bool = True) -> dict[str, Any]:
    """All that the page of the run shows, as it is now; without its errors while it is under way, where not `whole`."""
    with as_tenant(here.engine, viewer.tenant_id) as session:
        progress = where.of(session, run_id)
        if progress is None or progress.entry.connector_id != viewer.connector_id:
            raise NotShown(404, f"There is no run {run_id} of this connector.")
        entry = progress.entry
        taken = run_facts.steps(session, run_id)
        names = register.storefront_names(session, viewer.connector_id)
        messages = register.messages(session, run_id)
        whole = whole or entry.has_ended
        last = run_facts.last(session, viewer.connector_id)
        is_told_anew = entry.has_ended and last.good_run is not None and last.good_run > run_id
        told = run_facts.groups_then if is_told_anew else register.error_groups
        groups = told(session, viewer.connector_id, run_id) if whole else []
        news = run_facts.news(session, viewer.connector_id, run_id, [(one.code, one.outcome) for one in groups])
        is_blocking = not is_told_anew and any(one.outcome == Outcome.BLOCKED for one in groups)
        blockers: Sequence[Blocker] = run_facts.blockers(session, viewer.connector_id, run_id) if is_blocking else ()
    at = standing.of(here, viewer)
    is_newest = at.last.run_id == run_id
    rows = _rows(entry.counters, names)
    planned = sum(part.planned for part in progress.parts)
    done = sum(part.done for part in progress.parts)
    return {
        "at": at,
        "whole": whole,
        "entry": entry,
        "progress": progress,
        "planned": planned,
        "done": done,
        "sentence": sentence(entry),
        "bar": bars.of(entry.counters),
        "steps": _steps(progress, taken),
        "rows": rows,
        "has_plan": any(row.figures.get(figure) for row in rows for figure in PLANNED),
        "messages": messages,
        "groups": [
            GroupShown(one, causes.CAUSES.get(one.code), news.get((one.code, one.outcome)))
            for one in groups
            if one.outcome != Outcome.BLOCKED
        ],
        "blocked": [one for one in groups if one.outcome == Outcome.BLOCKED],
        "may_retry": viewer.may_act and at.enabled and not is_told_anew,
        "blockers": blockers,
        "remedy": causes.remedy,
        "waits": at.waits if is_newest and not entry.has_ended else None,
        "expected": at.expected_at if is_newest and not entry.has_ended else None,
        "bound": _bound(here, progress, at) if is_newest else None,
        "estimate": _pace.estimate(progress),
        "now": datetime.now(UTC),
        "can": _can(entry.state, is_newest=is_newest) if viewer.may_act else (),
    }


def _can(state: RunState, *, is_newest: bool) -> tuple[str, ...]:
    """What may be done to the run in this state."""
    if not is_newest:
        return ()
    match state:
        case RunState.QUEUED | RunState.PREPARING | RunState.PREPARED | RunState.SYNCHRONIZING:
            return ("pause", "cancel")
        case RunState.PAUSED:
            return ("resume", "cancel")
        case RunState.AWAITING_APPROVAL:
            return ("approve", "cancel")
        case _:
            return ()


def _bound(here: Desk, progress: Progress, at: standing.Standing) -> str | None:
    """What decides just now how fast the run goes on."""
    if progress.entry.has_ended or at.turn != TurnState.RUNNING:
        return None
    match progress.entry.step:
        case None | "read_source":
            return "The source: how fast Sales Layer gives its pages."
        case "read_store" | "send" | "recount":
            return _of_the_store(Quota(here.broker, store_hash=at.store_hash).level())
        case _:
            return "This service: what was read is compared and planned."


def _of_the_store(level: Level | None) -> str:
    """Whether the store's quota or its answers hold the run up."""
    if level is None or not level.quota:
        return "The store: how many calls it allows, and how fast it answers them."
    left = f"{level.left:,} of {level.quota:,} calls are left"
    if level.left <= level.quota * NEARLY_SPENT:
        return f"The store's quota: {left}; it allows more in {max(1, round(level.seconds))} s."
    return f"The store: how fast it answers. Of its quota {left}."


def _steps(progress: Progress, taken: Mapping[str, StepTaken]) -> list[StepShown]:
    entry, names, shown = progress.entry, list(SEQUENCE), []
    at = names.index(entry.step) if entry.step in names else (0 if entry.started_at else -1)
    if entry.state is RunState.QUEUED:
        at = -1
    over = entry.state in (RunState.COMPLETED, RunState.COMPLETED_WITH_ERRORS)
    for place, name in enumerate(names):
        if over or place < at:
            stands = "done"
        elif place == at and not entry.has_ended:
            stands = "held" if entry.state in HELD else "doing"
        elif place == at:
            stands = "done" if entry.state is RunState.UNCHANGED else "ended"
        else:
            stands = "left out" if entry.has_ended else "to come"
        phase = Phase.SYNCHRONIZATION if name in SENDING_STEPS else Phase.PREPARATION
        shown.append(StepShown(name, phase.value, stands, taken.get(name), _count(name, progress, is_at=place == at)))
    return shown


def _count(step: str, progress: Progress, *, is_at: bool) -> str | None:
    """What the step has to do with, in numbers."""
    entry = progress.entry
    if is_at and progress.seen and step in ("read_source", "read_store"):
        return ", ".join(f"{count:,} {kind} rows" for kind, count in progress.seen.items())
    known = {kind: _sum(entry.counters.get(kind.value, {}), "known") for kind in ItemKind}
    if step == "plan" and (planned := sum(part.planned for part in progress.parts)):
        return f"{planned:,} changes planned"
    if step == "send" and progress.parts:
        done, all_ = sum(part.done for part in progress.parts), sum(part.planned for part in progress.parts)
        return f"{done:,} of {all_:,}"
    if step == "clean" and any(known.values()):
        return register.counted(known)
    return None


def _sum(by_storefront: Mapping[str, Mapping[str, int]], figure: str) -> int:
    return max((figures.get(figure, 0) for figures in by_storefront.values()), default=0)


def _rows(counters: register.Counters, names: Mapping[int, str]) -> list[CounterRow]:
    ids = {name: one for one, name in names.items()}
    return [
        CounterRow(kind.value, storefront, ids.get(storefront), figures)
        for kind in ItemKind
        for storefront, figures in counters.get(kind.value, {}).items()
    ]
