"""A turn put back into the queue by an operator, and a rest of its neighbours ended.

What was *broken*, or *parked* by a back-off, or *dispatched* by a message that nobody takes up, is ready again. The
laws stand: a message that is out after all meets another state or a later epoch; the tag is the scheduler's to give; a
store has one slice at a time. A connector that is switched off, or whose run is held, is not brought round that way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from models.vocabulary import Deed, RunState, TurnState
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import asked, connectors, journal, overview, queue, rests, runs
from worker.ledger.asked import TurnHeld
from worker.ledger.queue import Standing
from worker.ledger.rests import Ended
from worker.ledger.session import Session, as_scheduler, as_tenant


@dataclass(frozen=True, slots=True)
class Requeued:
    """What became of the turn."""

    was: TurnState
    rests_ended: tuple[Ended, ...]
    standing: Standing
    """Where it stands in the queue now."""


def requeue(desk: Desk, tenant_id: int, connector_id: int, *, end_rest: bool, who: str) -> Requeued:
    """Put the turn back to *ready*; Refusal where that is not what helps, with what does."""
    with as_scheduler(desk.engine) as session:
        resting = rests.resting(session, connector_id) if end_rest else []
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        was = _may_be_requeued(session, connector_id, has_rest=bool(resting))
        if was.state == TurnState.DISPATCHED:
            asked.give_up_message(session, connector_id)
        elif was.state != TurnState.READY:
            asked.be_due(session, connector_id)
        journal.write(
            session,
            tenant_id,
            connector_id,
            who=who,
            what=Deed.REQUEUED,
            was=was.state,
            rests_ended=[str(one.neighbour) for one in resting],
        )
    with as_scheduler(desk.engine) as session:
        # The turn before the store, as a slice that is released locks them: nobody waits in a circle.
        for neighbour in sorted(one.neighbour for one in resting):
            rests.end(session, neighbour, connector_id)
    desk.wake(connector_id)
    with as_scheduler(desk.engine) as session:
        standing = queue.standing(session, connector_id, longest=desk.settings.slice_yield_seconds)
    if standing is None:
        raise Refusal(Why.UNKNOWN, f"the connector {connector_id} has just been removed.")
    return Requeued(TurnState(was.state), tuple(resting), standing)


def _may_be_requeued(session: Session, connector_id: int, *, has_rest: bool) -> TurnHeld:
    """The turn as it stands; Refusal where it must not, or need not, be put back."""
    turn = asked.standing(session, connector_id)
    line = overview.connectors(session, connector_id).get(connector_id)
    known = connectors.known_by(session, connector_id)
    if turn is None or line is None or known is None:
        raise Refusal(Why.UNKNOWN, f"there is no connector {connector_id}.")
    name = known[0]
    if not line.enabled:
        why = line.disabled_reason or "nobody said why"
        says = f"'{name}' is switched off ({why}): `connector enable {name}` switches it on, and it is checked at once."
        raise Refusal(Why.SWITCHED_OFF, says)
    run = runs.current(session, connector_id)
    if run is not None and run.state is RunState.PAUSED:
        says = f"run {run.id} of '{name}' is paused: `connector resume {name}` lets it go on."
        raise Refusal(Why.NO_RUN, says)
    if run is not None and run.state is RunState.AWAITING_APPROVAL:
        says = (
            f"run {run.id} of '{name}' waits for an approval: `connector approve {name}` or `connector cancel {name}`."
        )
        raise Refusal(Why.NO_RUN, says)
    match TurnState(turn.state):
        case TurnState.RUNNING if turn.lease_is_over:
            says = f"the lease of {turn.worker} for '{name}' is over: the next look of any worker makes it ready."
            raise Refusal(Why.NO_RUN, says)
        case TurnState.RUNNING:
            says = f"'{name}' has its slice, at {turn.worker}; `connector drain` takes the worker from it."
            raise Refusal(Why.NO_RUN, says)
        case TurnState.READY if not has_rest:
            raise Refusal(Why.NO_RUN, f"'{name}' is ready already: `connector ps` says why it waits.")
        case TurnState.PARKED if turn.not_before is None and run is None:
            raise Refusal(Why.NO_RUN, f"'{name}' has nothing to do: `connector run {name}` requests a run.")
        case _:
            return turn


def in_words(one: Ended) -> str:
    """A rest that was ended."""
    until = f"{one.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"the {one.neighbour}'s rest until {until} is over; it had failed {one.failures} times in a row"
