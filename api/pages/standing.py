"""How a connector stands: its health, what it waits for, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from api.pages.viewers import Viewer
from api.pages.words import Mark
from models.vocabulary import RunState, TurnState, Waiting
from worker.commands import connectors
from worker.commands.desk import Desk
from worker.ledger import overview, processes, queue, run_facts
from worker.ledger.overview import Standing as Turn
from worker.ledger.run_facts import Last
from worker.ledger.session import as_scheduler, as_tenant

OVERDUE = timedelta(minutes=5)
"""So long after its time a check that nobody has begun is late."""

ON_TIME = Mark("On time", "check", "good")
CATCHING_UP = Mark("Catching up", "turning", "busy")
LATE = Mark("Late", "clock", "warn")
PAUSED = Mark("Paused", "pause", "warn")
ACT = Mark("Action needed", "warn", "bad")
NEW = Mark("New", "plus", "calm")


@dataclass(frozen=True, slots=True)
class Standing:
    """A connector as its pages' head shows it."""

    id: int
    name: str
    store_hash: str
    enabled: bool
    health: Mark
    why: str
    """One sentence beside the health."""
    waits: str | None
    """Why its run does not go on just now; None where it does, or where there is none."""
    last: Last
    next_at: datetime | None
    """When the source is asked next, where that is known."""
    turn: str
    expected_at: datetime | None = None
    """When its slice is expected to begin, where it stands in the line and that can be known."""

    @property
    def is_paused(self) -> bool:
        """Whether its run stands still until somebody resumes it."""
        return self.last.is_under_way and self.last.run_state == RunState.PAUSED


def of(here: Desk, viewer: Viewer) -> Standing:
    """How the connector stands now; Refusal where it is there no more."""
    with as_tenant(here.engine, viewer.tenant_id) as session:
        name, _ = connectors.known(session, viewer.connector_id)
        line = overview.connectors(session, viewer.connector_id)[viewer.connector_id]
        last = run_facts.last(session, viewer.connector_id)
    with as_scheduler(here.engine) as session:
        turns = overview.standings(session, connector_id=viewer.connector_id)
        free = processes.free_slots(session)
        place = queue.standing(session, viewer.connector_id, longest=here.settings.slice_yield_seconds)
    found = told(name, line, last, turns[0] if turns else None, free)
    if found.waits is None or place is None or place.why in (Waiting.PARKED, Waiting.NOTHING_TO_DO):
        return found
    return replace(found, waits=place.sentence, expected_at=place.expected_start)


def told(name: str, line: overview.ConnectorLine, last: Last, turn: Turn | None, free: int | None) -> Standing:
    """The standing of what is known of a connector; `free`: slots of the workers, None where no worker is there."""
    waits = _waits(line, last, turn, free)
    health, why = _health(line, last, turn)
    parked = turn is not None and turn.state == TurnState.PARKED and not last.is_under_way
    return Standing(
        line.id,
        name,
        line.store_hash,
        line.enabled,
        health,
        why,
        waits,
        last,
        turn.not_before if turn is not None and parked and line.enabled else None,
        "" if turn is None else turn.state,
    )


def _health(line: overview.ConnectorLine, last: Last, turn: Turn | None) -> tuple[Mark, str]:
    if not line.enabled:
        return ACT, f"It is switched off: {_ended(line.disabled_reason or 'nobody said why')}"
    if turn is not None and turn.state == TurnState.BROKEN:
        return ACT, "Its turns have failed again and again without progress; an operator has to look at it."
    if last.is_under_way and last.run_state == RunState.AWAITING_APPROVAL:
        return ACT, "A run waits for your approval."
    if last.is_under_way and last.run_state == RunState.PAUSED:
        return PAUSED, "Its run stands still until somebody resumes or cancels it."
    if last.is_under_way:
        return CATCHING_UP, "A run is under way." if last.run_state != RunState.QUEUED else "A run waits for its turn."
    if last.run_state == RunState.FAILED:
        return ACT, "The last run has failed; its page says what to do."
    if turn is not None and turn.not_before is not None and datetime.now(UTC) - turn.not_before > OVERDUE:
        return LATE, "Its check is overdue: no worker has taken it up."
    if last.run_id is None:
        return NEW, "It has not run yet."
    if last.run_state == RunState.COMPLETED_WITH_ERRORS:
        return ON_TIME, "The store is in step, but for the items with errors."
    return ON_TIME, "The store is in step with the source."


def _waits(line: overview.ConnectorLine, last: Last, turn: Turn | None, free: int | None) -> str | None:
    """Why the run that is under way, or is asked for, does not move."""
    if not last.is_under_way or turn is None or turn.state == TurnState.RUNNING:
        return None
    if not line.enabled:
        return "The connector is switched off."
    if last.run_state in (RunState.PAUSED, RunState.AWAITING_APPROVAL):
        return None
    if turn.state == TurnState.BROKEN:
        return "Its turns have failed again and again; an operator has to look at it."
    if free is None:
        return "No worker is running just now."
    if turn.rests_until is not None:
        return f"The source or the store has failed; nobody calls it before {_clock(turn.rests_until)}."
    if turn.state == TurnState.PARKED:
        if turn.not_before is not None and turn.not_before > datetime.now(UTC):
            until = _clock(turn.not_before)
            return f"The store's quota of calls is spent, or a neighbour needs rest; it goes on at about {until}."
        return "A worker takes it up within seconds."
    if turn.state == TurnState.DISPATCHED:
        return "A worker is about to take it up."
    if free:
        return "It waits for its store, which another run is at, or for its tenant's share of the workers."
    return "All workers are busy; turns are shared out fairly between tenants."


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
