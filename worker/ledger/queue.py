"""The queue as one connector sees it: its place, why it waits, and when it may have a slice.

Nothing of another tenant is told but how many come before. As scheduler, apart from `hold`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.vocabulary import RunState, TurnState, Waiting
from worker.ledger import processes, turns
from worker.ledger.processes import TAKES_UP
from worker.ledger.session import Session
from worker.ledger.statement import text

LOOKED_BACK_SECONDS = 600.0
"""How slots turned over in the last ten minutes says how they will in the next ones."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a connector stands in the queue."""

    why: Waiting
    place: int | None
    """How many come before it; None where it does not stand in the line."""
    expected_start: datetime | None
    """None where nobody can know."""
    since: datetime | None
    """Since when it waits, or has its slice."""
    until: datetime | None
    """The end of the rest or the date that it waits for."""

    @property
    def sentence(self) -> str:
        """Why it waits, for people."""
        if self.why is Waiting.WAITS_FOR_SLOT and self.place:
            before = "1 connector comes" if self.place == 1 else f"{self.place:,} connectors come"
            return f"It waits for a slot; {before} before it."
        return _SENTENCES[self.why]


_SENTENCES = {
    Waiting.RUNS: "A worker is at it.",
    Waiting.AT_THE_DOOR: "It is next: a worker is about to take it up.",
    Waiting.WAITS_FOR_SLOT: "It is the next that gets a free slot.",
    Waiting.STORE_BUSY: "Another connector of the same store has a slice; a store serves one at a time.",
    Waiting.PLAN_LIMIT: "As many of the tenant's connectors work as its plan allows.",
    Waiting.STORE_RESTS: "The store has failed several times; it is left in peace for a while.",
    Waiting.SOURCE_RESTS: "The source has failed several times; it is left in peace for a while.",
    Waiting.PARKED: "It is due at a date; a request brings it forward.",
    Waiting.NOTHING_TO_DO: "There is nothing to do; it waits for a request.",
    Waiting.NO_WORKER: "No worker is there; an operator must start one.",
    Waiting.BROKEN: "Slice after slice came to nothing; an operator must look. A request tries again.",
    Waiting.PAUSED: "Its run is paused; it goes on when somebody resumes it.",
    Waiting.AWAITING_APPROVAL: "Its run waits for somebody's approval.",
    Waiting.SWITCHED_OFF: "The connector is switched off; enable it first.",
}


def standing(session: Session, connector_id: int, *, longest: float) -> Standing | None:
    """Where the connector stands; `longest` seconds does a slice last while others wait. As scheduler."""
    row = session.execute(_STANDING, {"id": connector_id}).one_or_none()
    if row is None:
        return None
    state = TurnState(row.state)
    if state is TurnState.RUNNING:
        return Standing(Waiting.RUNS, None, None, row.started_at, None)
    if state is TurnState.BROKEN:
        return Standing(Waiting.BROKEN, None, None, None, None)
    rests = _rest(row.store_rests, row.source_rests)
    if state is TurnState.PARKED:
        if row.not_before is None:
            return Standing(Waiting.NOTHING_TO_DO, None, None, None, None)
        if rests is not None and rests[1] > row.not_before:
            return Standing(rests[0], None, rests[1], None, rests[1])
        return Standing(Waiting.PARKED, None, row.not_before, None, row.not_before)
    free = processes.free_slots(session)
    if free is None:
        return Standing(Waiting.NO_WORKER, None, None, row.ready_at, None)
    if state is TurnState.DISPATCHED:
        return Standing(Waiting.AT_THE_DOOR, 0, row.now, row.ready_at, None)
    if rests is not None:
        return Standing(rests[0], None, rests[1], row.ready_at, rests[1])
    for is_so, why in ((row.store_is_busy, Waiting.STORE_BUSY), (row.plan_is_full, Waiting.PLAN_LIMIT)):
        if is_so:
            return Standing(why, None, None, row.ready_at, None)
    before = int(session.scalar(_BEFORE, {"id": connector_id}))
    expected = row.now if before < free else _expected(session, row.now, before - free, longest)
    return Standing(Waiting.WAITS_FOR_SLOT, before, expected, row.ready_at, None)


def hold(session: Session, connector_id: int) -> Waiting | None:
    """What keeps the connector from any turn until somebody acts; in its tenant's name."""
    row = session.execute(
        text(
            "SELECT c.enabled, (SELECT state FROM run r WHERE r.connector_id = c.id"
            " AND state IN ('paused', 'awaiting_approval') ORDER BY id DESC LIMIT 1) FROM connector c WHERE c.id = :id"
        ),
        {"id": connector_id},
    ).one_or_none()
    if row is None:
        return None
    held = {RunState.PAUSED.value: Waiting.PAUSED, RunState.AWAITING_APPROVAL.value: Waiting.AWAITING_APPROVAL}
    return Waiting.SWITCHED_OFF if not row[0] else held.get(row[1])


def told(found: Standing, held: Waiting | None) -> Standing:
    """Both together; a slice that is under way ends in order, whatever holds the next one up."""
    return found if held is None or found.why is Waiting.RUNS else Standing(held, None, None, None, None)


def _rest(store: datetime | None, source: datetime | None) -> tuple[Waiting, datetime] | None:
    """Whichever of the two rests longer."""
    resting = [(at, why) for at, why in ((store, Waiting.STORE_RESTS), (source, Waiting.SOURCE_RESTS)) if at]
    return None if not resting else max(resting)[::-1]


def _expected(session: Session, now: datetime, before: int, longest: float) -> datetime | None:
    """When a slot comes to whom so many come before while all slots are held; None where no slice says how long."""
    row = session.execute(_TURNOVER, {"back": LOOKED_BACK_SECONDS, "longest": longest}).one()
    if row.mean is None or not row.slots:
        return None
    return now + timedelta(seconds=(before + 1) * row.mean / row.slots)


_STANDING = text("""
    SELECT u.state, u.started_at, u.ready_at, now() AS now,
      CASE WHEN isfinite(u.not_before) THEN u.not_before END AS not_before,
      CASE WHEN s.not_before > now() THEN s.not_before END AS store_rests,
      CASE WHEN u.source_not_before > now() THEN u.source_not_before END AS source_rests,
      EXISTS (SELECT FROM turn b WHERE b.store_hash = u.store_hash AND b.connector_id <> u.connector_id
        AND b.state IN ('dispatched', 'running')) AS store_is_busy,
      coalesce(t.max_slots <= (SELECT count(*) FROM turn b WHERE b.tenant_id = u.tenant_id
        AND b.state IN ('dispatched', 'running')), false) AS plan_is_full
    FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN store_turn s USING (store_hash)
    WHERE u.connector_id = :id
""")

# Those at the door are on their way to a slot; of those that are ready, only they come before who could pass.
_BEFORE = text(f"""
    SELECT (SELECT count(*) FROM turn WHERE state = 'dispatched') + (
      SELECT count(*) FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN store_turn s USING (store_hash)
      WHERE {turns.may_pass()} AND (u.tag, u.ready_at, u.connector_id) < (
        SELECT tag, ready_at, connector_id FROM turn WHERE connector_id = :id))
""")  # noqa: S608 constants

# While others wait, a slice gives its worker back after a quantum.
_TURNOVER = text(f"""
    SELECT (SELECT avg(least(extract(epoch FROM ended_at - started_at), :longest))::float8 FROM slice_log
        WHERE ended_at > now() - make_interval(secs => :back)) AS mean,
      (SELECT sum(slots) FROM worker_process WHERE {TAKES_UP}) AS slots
""")  # noqa: S608 constants
