"""Runs asked for, held up and let go; the transaction that does it writes it into the journal.

It holds the turn first, and says there that the connector is due: waking it after the commit only saves the pacemaker's
look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.vocabulary import Deed, ItemKind, RunState
from worker.commands import item as items
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.errors import ProfileUnusable
from worker.ledger import asked, connectors, journal, runs, source_items, turns
from worker.ledger.connectors import Connector
from worker.ledger.runs import Run
from worker.ledger.session import Session, as_tenant
from worker.scheduling import calendar


@dataclass(frozen=True, slots=True)
class Requested:
    """The run that will serve a request."""

    run_id: int
    folded: bool
    """Into a run that waited already."""
    follows: int | None
    """The run under way that it comes after."""


@dataclass(frozen=True, slots=True)
class Held:
    """A run that somebody has held up or let go, and the state in which it is now."""

    run_id: int
    state: RunState


Keep = Callable[[Session, Requested], None]
"""Called in the transaction that requests the run, with what will be answered; what it raises undoes the request."""


def _no_matter(_session: Session, _answer: Requested) -> None:
    return None


def request(
    desk: Desk, tenant_id: int, connector_id: int, *, refresh: bool, who: str, keep: Keep = _no_matter
) -> Requested:
    """Ask for a run; one that waits already serves this request too, one under way is followed by exactly one more."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        _switched_on(session, connector_id)
        answer = _request(session, tenant_id, connector_id, refresh=refresh, who=who)
        keep(session, answer)
    desk.wake(connector_id)
    return answer


def retry(
    desk: Desk,
    tenant_id: int,
    connector_id: int,
    *,
    code: str | None,
    who: str,
    item: tuple[ItemKind, int] | None = None,
    keep: Keep = _no_matter,
) -> Requested:
    """Send the items again that failed (with this code), or this one of them; Refusal where there are none."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        known = _switched_on(session, connector_id)
        if not source_items.retry(session, connector_id, code, item=item):
            with_it = f" with {code}" if code else ""
            raise Refusal(Why.NOTHING_FAILED, f"no item of '{known.name}' has failed{with_it}.")
        answer = _request(session, tenant_id, connector_id, refresh=False, who=who)
        keep(session, answer)
    desk.wake(connector_id)
    return answer


def synchronise(
    desk: Desk, tenant_id: int, connector_id: int, kind: ItemKind, source_id: int, *, who: str, keep: Keep = _no_matter
) -> Requested:
    """Compare the item with the store anew, and send what the source says; the run that will do it."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        known = _switched_on(session, connector_id)
        if not items.synchronise(session, connector_id, kind, source_id):
            raise Refusal(Why.UNKNOWN, f"the source of '{known.name}' has no {kind} {source_id}.")
        answer = _request(session, tenant_id, connector_id, refresh=False, who=who)
        keep(session, answer)
    desk.wake(connector_id)
    return answer


def approve(
    desk: Desk, tenant_id: int, connector_id: int, *, who: str, run: int | None = None, shown: int | None = None
) -> tuple[Held, int]:
    """Let the run pass that the brake holds: it reads and plans again; how many items it may disable or blank.

    Refusal where `run` is meant and another one is held: nobody has looked at that one. So it is below, too. Refusal
    where somebody was `shown` another number of items than it is now: it has planned again since.
    """
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        name = _name(session, connector_id)
        held = _meant(session, connector_id, run)
        if held is None or held.state is not RunState.AWAITING_APPROVAL:
            raise Refusal(Why.NO_RUN, f"no run of '{name}' waits for an approval.")
        allowed = runs.approve(session, held.id)
        if shown is not None and shown != allowed:
            says = f"run {held.id} would disable or blank {allowed:,} items by now, not {shown:,}; look at it again."
            raise Refusal(Why.NO_RUN, says)
        asked.be_due(session, connector_id)
        _note(session, tenant_id, connector_id, who, Deed.APPROVED, held, allowed=allowed)
    desk.wake(connector_id)
    return Held(held.id, RunState.PREPARING), allowed


def pause(desk: Desk, tenant_id: int, connector_id: int, *, who: str, run: int | None = None) -> Held:
    """Hold the run under way: no new call a second later; what is under way comes back and is recorded."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        name = _name(session, connector_id)
        held = _meant(session, connector_id, run)
        if held is None:
            raise Refusal(Why.NO_RUN, f"'{name}' has no run that could be paused; disabling keeps it from one.")
        if held.state in (RunState.PAUSED, RunState.AWAITING_APPROVAL):
            raise Refusal(Why.NO_RUN, f"run {held.id} stands still already: it is {held.state.replace('_', ' ')}.")
        runs.pause(session, connector_id, held.id)
        runs.list_it(session, held.id)  # a check too: whoever looks must see what stands still
        _note(session, tenant_id, connector_id, who, Deed.PAUSED, held)
    return Held(held.id, RunState.PAUSED)


def resume(desk: Desk, tenant_id: int, connector_id: int, *, who: str, run: int | None = None) -> Held:
    """Let the paused run go on where it was; *cancelled* where it gives way to one that waits."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        name = _name(session, connector_id)
        held = _meant(session, connector_id, run)
        if held is None or held.state is not RunState.PAUSED:
            raise Refusal(Why.NO_RUN, f"no run of '{name}' is paused.")
        state = runs.resume(session, held.id)
        asked.be_due(session, connector_id)
        _note(session, tenant_id, connector_id, who, Deed.RESUMED, held)
    desk.wake(connector_id)
    return Held(held.id, state)


def cancel(desk: Desk, tenant_id: int, connector_id: int, *, who: str, run: int | None = None) -> Held:
    """End the run here: no new call a second later; what it has not sent is due for the next one."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        name = _name(session, connector_id)
        held = _meant(session, connector_id, run)
        if held is None:
            raise Refusal(Why.NO_RUN, f"'{name}' has no run that could be cancelled.")
        runs.cancel(session, connector_id, held.id)
        _note(session, tenant_id, connector_id, who, Deed.CANCELLED, held)
        is_followed = runs.current(session, connector_id) is not None
        if is_followed:
            asked.be_due(session, connector_id)
        else:
            # What was planned is still due: the next check or date, at its time and not at once, plans it again.
            turns.park(session, connector_id, seconds=_until_next(session, connector_id))
    if is_followed:
        desk.wake(connector_id)
    return Held(held.id, RunState.CANCELLED)


def _until_next(session: Session, connector_id: int) -> float:
    try:
        return calendar.until_next(session, there(session, connector_id)) or 0.0
    except ProfileUnusable:  # the next slice says so
        return calendar.AFTER_TROUBLE_SECONDS


def there(session: Session, connector_id: int) -> Connector:
    """The connector; Refusal where the session's tenant has no such one."""
    known = connectors.load(session, connector_id)
    if known is None:
        raise Refusal(Why.UNKNOWN, f"there is no connector {connector_id}.")
    return known


def _name(session: Session, connector_id: int) -> str:
    """What the connector is called, whatever its profile is like."""
    found = connectors.known_by(session, connector_id)
    if found is None:
        raise Refusal(Why.UNKNOWN, f"there is no connector {connector_id}.")
    return found[0]


def _meant(session: Session, connector_id: int, run_id: int | None) -> Run | None:
    """The run under way; Refusal where another one is meant."""
    found = runs.current(session, connector_id)
    if found is None or run_id in (None, found.id):
        return found
    now = found.state.replace("_", " ")
    raise Refusal(Why.NO_RUN, f"that was about run {run_id}; by now it is run {found.id}, {now}: look at it.")


def _switched_on(session: Session, connector_id: int) -> Connector:
    known = there(session, connector_id)
    if not known.enabled:
        why = known.disabled_reason or "nobody said why"
        raise Refusal(Why.SWITCHED_OFF, f"'{known.name}' is switched off ({why}); enable it first.")
    return known


def _request(session: Session, tenant_id: int, connector_id: int, *, refresh: bool, who: str) -> Requested:
    before = runs.current(session, connector_id)
    waiting = runs.queued(session, connector_id)
    run_id = runs.request(session, tenant_id, connector_id, refresh=refresh, by=who)
    asked.be_due(session, connector_id)
    follows = before.id if before is not None and before.id != run_id else None
    return Requested(run_id, folded=waiting == run_id, follows=follows)


def _note(session: Session, tenant_id: int, connector_id: int, who: str, what: Deed, run: Run, **more: int) -> None:
    journal.write(session, tenant_id, connector_id, who=who, what=what, run=run.id, **more)
