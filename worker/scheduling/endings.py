"""How a slice ends: what is written down, and when the connector is due again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.vocabulary import ENDED, Deed, RunState, SliceEnd
from worker.errors import CredentialsRefused, ProfileUnusable, RootCategoryGone, RunTrouble, Unwell
from worker.ledger import connectors, events, journal, outage, runs, schedules
from worker.ledger.session import Session
from worker.scheduling import breaker, calendar
from worker.scheduling.fence import Fence

log = structlog.get_logger(__name__)

MOST_BUGS = 3
"""Slices in a row that may end by an unknown exception before the run stops (law 8)."""
FOR_GOOD = float("inf")
"""Until somebody asks for a run."""
UNABLE_SECONDS = 15.0
"""Before somebody looks whether Postgres can work again: each look reads from the neighbours in vain."""
JITTER = 0.1
"""Share by which checks and back-offs are spread, so that connectors do not move in step."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a slice ended, and when the connector is due again (seconds; None = at once)."""

    why: SliceEnd
    park: float | None = None
    failed: bool = False

    def __str__(self) -> str:
        """As Flower shows it: "wanted", "quota_spent, parked 12 s"; parked for good where no time is told."""
        if self.park is None:
            return self.why.value
        return f"{self.why.value}, parked" + (f" {math.ceil(self.park)} s" if self.park < FOR_GOOD else "")


@dataclass(slots=True)
class Endings:
    """The endings of one slice that leave something behind; each is written in a fenced transaction."""

    fence: Fence
    rng: random.Random = field(default_factory=random.Random)

    def stopped_by(self, trouble: RunTrouble, run_id: int | None) -> Ending:
        """The run stops and somebody must act; credentials and roots stop the connector too."""
        log.warning("run stopped", code=trouble.code, reason=str(trouble))
        tenant_id, connector_id = self.fence.tenant_id, self.fence.connector_id
        with self.fence.transaction() as session:
            if run_id is None:
                # What is stored of the connector cannot be read: whoever waits for a run, or looks, hears of it.
                run_id = runs.current_or_check(session, tenant_id, connector_id).id
            runs.list_it(session, run_id)
            runs.say(session, tenant_id, run_id, level="error", code=trouble.code, message=str(trouble))
            run = runs.load(session, run_id)
            if run is not None and run.state not in ENDED:
                runs.become(session, run_id, RunState.FAILED)
            if isinstance(trouble, CredentialsRefused | RootCategoryGone):
                reason = f"{trouble.code}: {trouble}"
                connectors.disable(session, connector_id, reason)
                who, what = journal.THE_SERVICE, Deed.DISABLED
                journal.write(session, tenant_id, connector_id, who=who, what=what, reason=reason)
                events.needs_action(session, connector_id, code=trouble.code, message=str(trouble), run_id=run_id)
                self._answer_follow_up(session, trouble)
                return Ending(SliceEnd.STOPPED, park=FOR_GOOD)
            # Somebody must act, and asks for a run then: until that, no failed run every few minutes.
            rest = self.spread(calendar.AFTER_TROUBLE_SECONDS)
            at = schedules.standing(session, connector_id)
            date = 0.0 if at.next_date is None else (at.next_date - at.now).total_seconds()
            return Ending(SliceEnd.STOPPED, park=max(rest, date))

    def _answer_follow_up(self, session: Session, trouble: RunTrouble) -> None:
        """A run that waits behind this one would wait for ever: whoever asked for it hears why."""
        waiting = runs.current(session, self.fence.connector_id)
        if waiting is not None and waiting.state is RunState.QUEUED:
            runs.say(session, self.fence.tenant_id, waiting.id, level="error", code=trouble.code, message=str(trouble))
            runs.become(session, waiting.id, RunState.FAILED)

    def unwell(self, trouble: Unwell, run_id: int | None, *, got_on: bool) -> Ending:
        """A neighbour has failed: it rests, for all who share it, and the run says why and until when."""
        rest = breaker.trip(self.fence, trouble, self.rng, got_on=got_on)
        log.warning("neighbour unwell", code=trouble.code, failures=rest.failures, seconds=round(rest.seconds))
        if run_id is not None:
            with self.fence.transaction() as session:
                if rest.failures > 1:
                    runs.list_it(session, run_id)  # a check too: what lasts is to be seen
                text = f"{trouble}{'' if str(trouble).endswith('.') else '.'} [{rest}]"
                runs.keep_saying(
                    session, self.fence.tenant_id, run_id, level="warning", code=trouble.code, message=text
                )
        return Ending(SliceEnd.NEIGHBOUR_UNWELL, park=rest.seconds)

    def database_unwell(self, trouble: SQLAlchemyError) -> Ending:
        """Postgres does not do its part: where it can work for nobody, the connector waits, and it is no attempt."""
        log.warning("database unwell", error=type(trouble).__name__, reason=outage.reason(trouble))
        if outage.is_unable(trouble):
            return Ending(SliceEnd.NEIGHBOUR_UNWELL, park=self.spread(UNABLE_SECONDS))
        return Ending(SliceEnd.NEIGHBOUR_UNWELL, park=self.spread(1.0), failed=True)

    def bug(self, bug: Exception, run_id: int | None) -> Ending:
        """An unknown exception: the slice ends, it is counted, after three in a row the run stops."""
        in_a_row = 0
        if run_id is not None:
            with self.fence.transaction() as session:
                in_a_row = runs.count_bug(session, run_id)
        if in_a_row >= MOST_BUGS:
            text = f"a fault of this service stopped the run three times ({type(bug).__name__}); its operator must look"
            return self.stopped_by(RunTrouble(text), run_id)
        return Ending(SliceEnd.BUG, park=self.spread(5.0 * max(1, in_a_row)), failed=run_id is None)

    def stopped_by_somebody(self, run_id: int | None) -> Ending:
        """Paused, held or switched off: for good. Cancelled: a follow-up at once, else the next check in its time."""
        with self.fence.transaction() as session:
            connector = connectors.load(session, self.fence.connector_id)
            run = None if run_id is None else runs.load(session, run_id)
            if connector is None or not connector.enabled or run is None or run.state not in ENDED:
                return Ending(SliceEnd.STOPPED, park=FOR_GOOD)
            return Ending(SliceEnd.STOPPED, park=self.until_next(session))

    def until_next(self, session: Session) -> float | None:
        """Seconds until the connector is due, by its profile as it is now; None = at once, where a run waits too."""
        if runs.current(session, self.fence.connector_id) is not None:
            return None
        try:
            connector = connectors.load(session, self.fence.connector_id)
        except ProfileUnusable:
            return None  # the next slice says so
        return FOR_GOOD if connector is None else calendar.until_next(session, connector, spread=self.spread)

    def spread(self, seconds: float) -> float:
        """The seconds, give or take a tenth."""
        return seconds * self.rng.uniform(1 - JITTER, 1 + JITTER)
