"""One slice: walk the steps until the deadline, then hand over.

1. Claim the turn; a doubled, late or stolen message claims nothing and does nothing.
2. Take up the run under way, or the one that waits, or begin what is due: a check, or a run of the schedule.
3. Walk the steps; every save is fenced, and asks whether to leave.
4. Release the turn, dispatch, commit, publish.

There is one `except` for each size of trouble (errors.py); nothing else catches broadly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.vocabulary import RunState, SliceEnd, Trigger
from worker import traces
from worker.catalog.profile import Profile
from worker.errors import QuotaSpent, RunHeld, RunTrouble, SliceTrouble, TurnLost, Unwell, WorkerTooOld
from worker.ledger import connectors, retention, runs, slices, source_items, taken, turns
from worker.ledger.connectors import Connector
from worker.ledger.rests import Neighbour
from worker.ledger.runs import Run
from worker.ledger.session import Session, as_scheduler, as_tenant
from worker.metrics import database
from worker.scheduling import breaker, calendar
from worker.scheduling.deadline import Deadline
from worker.scheduling.endings import FOR_GOOD, Ending, Endings
from worker.scheduling.fence import Fence
from worker.scheduling.neighbours import Meet, Neighbours
from worker.scheduling.pool import Pool
from worker.settings import Settings
from worker.steps import sequence
from worker.steps.toolbox import Cursor, Save, Step, Toolbox

log = structlog.get_logger(__name__)

PATIENT_SECONDS = 3.0
"""A quota that comes back sooner than this is waited for, whoever else waits (design §5)."""
LOOK_SECONDS = 0.5
"""How often a slice beats, and so hears at the latest that it is to stop: no new call a second after the word."""
Tell = Callable[[int, str], None]
DATABASE_UNWELL = (OperationalError, InterfaceError, PoolTimeout)
"""Postgres is away, restarts or is too slow; any other error of a statement is a bug."""


def told_to_nobody(_run_id: int, _step: str) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class Slice:
    """One slice of one connector, from claim to release."""

    engine: Engine
    settings: Settings
    meet: Meet
    deadline: Deadline
    tenant_id: int
    connector_id: int
    epoch: int
    worker: str
    gate: threading.BoundedSemaphore
    tell: Tell = told_to_nobody
    """Called with the run and the step, at each step that the slice comes to."""
    fence: Fence = field(init=False)
    endings: Endings = field(init=False)
    run_id: int | None = None
    step: str | None = None
    settled: int = 0
    waited: float | None = None
    """Seconds from the moment at which the turn was ready; None where nobody knows."""
    _calls: tuple[int, int] = (0, 0)
    _neighbours: Neighbours | None = None
    _bugs_before: int = 0
    _unwell: Neighbour | None = None

    def __post_init__(self) -> None:
        self.fence = Fence(
            self.engine, self.deadline, self.settings.lease_seconds, self.tenant_id, self.connector_id, self.epoch
        )
        self.endings = Endings(self.fence)

    def claim(self) -> bool:
        """Take the turn; False = this message is not (any more) good for one."""
        with as_tenant(self.engine, self.tenant_id) as session:
            claimed = turns.claim(
                session, self.connector_id, self.epoch, lease=self.settings.lease_seconds, worker=self.worker
            )
        if claimed is None:
            return False
        self.waited = claimed.waited
        return True

    def work(self) -> Ending:
        """Walk the steps; how the slice ended. Whatever it was, the caller releases."""
        try:
            return self._with_troubles()
        except TurnLost:
            return Ending(SliceEnd.TURN_LOST)
        except DATABASE_UNWELL as trouble:
            database.unwell(database.SLICE)
            return self.endings.database_unwell(trouble)
        finally:
            if self._neighbours is not None:
                self._neighbours.store.stop.set()
                self._neighbours.close()

    def _with_troubles(self) -> Ending:
        """Each size of trouble, once; what is met while writing one down is the caller's."""
        try:
            ending = self._work()
        except (TurnLost, *DATABASE_UNWELL):
            raise
        except RunHeld:
            return self.endings.stopped_by_somebody(self.run_id)
        except QuotaSpent as trouble:
            return Ending(SliceEnd.QUOTA_SPENT, park=max(0.1, trouble.retry_after))
        except SliceTrouble as trouble:
            if self.deadline.reason() is not None:
                return self._left()
            if isinstance(trouble, Unwell) and trouble.is_failure:
                return self._failed_by(trouble)
            self._say("warning", trouble.code, str(trouble))
            return Ending(SliceEnd.NEIGHBOUR_UNWELL, park=self.endings.spread(max(1.0, trouble.retry_after)))
        except RunTrouble as trouble:
            return self.endings.stopped_by(trouble, self.run_id)
        except Exception as bug:
            log.exception("bug in a slice", step=self.step)
            return self.endings.bug(bug, self.run_id)
        if self._bugs_before and self.run_id is not None:
            # Bugs are counted in a row: a slice that ended well begins the count anew.
            with self.fence.transaction() as session:
                runs.forgive_bugs(session, self.run_id)
        return ending

    def _failed_by(self, trouble: Unwell) -> Ending:
        self._unwell = breaker.whose(trouble)
        # Pages of the source are worth nothing before the last (law 7); what the store took, it took.
        got_on = self._unwell is Neighbour.STORE and self.deadline.units > 0 and self._unwell in self._have_answered()
        return self.endings.unwell(trouble, self.run_id, got_on=got_on)

    def _have_answered(self) -> set[Neighbour]:
        if self._neighbours is None:
            return set()
        answers = {Neighbour.STORE: self._neighbours.store.answers, Neighbour.SOURCE: self._neighbours.source.answers}
        return {neighbour for neighbour, number in answers.items() if number}

    def served_by(self) -> set[Neighbour]:
        """The neighbours that have answered, and have not been what ended the slice."""
        return self._have_answered() - {self._unwell}

    def _work(self) -> Ending:
        trouble: RunTrouble | None = None
        with self.fence.transaction() as session:
            connector, run = taken.up(session, self.connector_id)
            if connector is None or not connector.enabled:
                return Ending(SliceEnd.STOPPED, park=FOR_GOOD)
            run = run or calendar.begin_what_is_due(session, connector)
            if run is None:
                return Ending(SliceEnd.WORK_DONE, park=self.endings.until_next(session))
            if run.state is RunState.PAUSED or run.state is RunState.AWAITING_APPROVAL:
                return Ending(SliceEnd.STOPPED, park=FOR_GOOD)
            self.run_id = run.id
            structlog.contextvars.bind_contextvars(run=run.id)
            traces.note(run=run.id)
            slices.works_on(session, run.id, self.connector_id, self.epoch)
            if run.state is RunState.QUEUED:
                runs.begin(session, run.id, connector.profile)
                calendar.serve(session, connector)
            self._bugs_before = run.bugs
            try:
                self._neighbours = self.meet(connector, session)
            except RunTrouble as of_a_credential:
                # What stands in this transaction stands all the same: the run is there to say so.
                trouble = of_a_credential
        if self._neighbours is None:
            assert trouble is not None
            raise trouble
        profile = run.profile or connector.profile
        return self._walk(connector, run, profile, self._neighbours)

    def _walk(self, connector: Connector, run: Run, profile: Profile, neighbours: Neighbours) -> Ending:
        most = self.settings.calls_in_flight
        with Pool(most, name=f"calls-{self.connector_id}", heard=self.deadline.heard) as pool:
            tools = Toolbox(
                self.tenant_id,
                self.connector_id,
                connector.store_hash,
                run.id,
                run.refresh,
                profile,
                neighbours.source,
                neighbours.store,
                pool,
                most,
                self.gate,
                lambda: as_tenant(self.engine, self.tenant_id),
                importer=neighbours.importer,
            )
            self.deadline.holds_on = tools.holds_on.is_set
            # Asked by the threads of the calls, which do not speak SQL: they see what the slice last heard.
            neighbours.store.patience = lambda wait: wait <= PATIENT_SECONDS or not self.deadline.is_wanted
            try:
                return self._steps(tools, run)
            finally:
                # The pool is waited for; a call that has not begun does not begin any more.
                neighbours.store.stop.set()

    def _steps(self, tools: Toolbox, run: Run) -> Ending:
        name: str | None = run.step or sequence.first()
        cursor: Cursor | None = run.cursor
        while name is not None:
            self.step = name
            if name not in sequence.SEQUENCE:
                raise WorkerTooOld(name)
            self.tell(run.id, name)
            with traces.step(name, phase=sequence.PHASES.get(name), run=run.id):
                is_finished = self._drive(sequence.SEQUENCE[name](tools, cursor))
            if not is_finished:
                return self._left()
            if name == "read_source" and (ending := self._nothing_changed(run)):
                return ending
            if name == "plan" and self._is_held(run):
                return Ending(SliceEnd.STOPPED, park=FOR_GOOD)
            name, cursor = sequence.after(name), None
            self._save(Save(None), step=name or self.step)
        log.info("run ended", settled=self.settled)
        with self.fence.transaction() as session:
            retention.prune(session, self.connector_id, days=self.settings.retention_days)
            return Ending(SliceEnd.WORK_DONE, park=self.endings.until_next(session))

    def _drive(self, step: Step) -> bool:
        """Carry the step from one yield to the next; whether it finished."""
        leaving = False
        try:
            wish = next(step)
            while True:
                if isinstance(wish, Save):
                    self._save(wish, step=self.step)
                    self.deadline.units += wish.gets_on
                elif self.deadline.renewal_is_due(min(LOOK_SECONDS, self.settings.heartbeat_seconds)):
                    self._save(Save(None), step=None)
                if not leaving and self._should_leave():
                    leaving = True
                    # What waits for the quota does not go out any more; what is under way comes back.
                    assert self._neighbours is not None
                    self._neighbours.store.stop.set()
                wish = step.send(leaving)
        except StopIteration as end:
            return bool(end.value)

    def _save(self, save: Save, *, step: str | None) -> None:
        """Write work and cursor in one transaction, fenced; `step` None = only beat."""
        if self.deadline.may_have_lapsed:
            raise TurnLost("our own clock says that the lease may be over")
        with self.fence.transaction(progress=step is not None) as session:
            save.write(session)
            # Counted before the step changes: they are those of the step that ends here.
            self._count_calls(session)
            if step is not None and self.run_id is not None:
                runs.keep_cursor(session, self.run_id, step, save.cursor)
        self.settled += save.settled

    def _calls_so_far(self) -> tuple[int, int]:
        """Calls to the store and to the source."""
        if self._neighbours is None or self.run_id is None:
            return self._calls
        return self._neighbours.store.calls, self._neighbours.source_calls

    def _count_calls(self, session: Session) -> None:
        calls = self._calls_so_far()
        if self.run_id is not None and calls != self._calls:
            runs.count(session, self.run_id, calls=calls[0] - self._calls[0], source_calls=calls[1] - self._calls[1])
            self._calls = calls

    def _should_leave(self) -> bool:
        if self.deadline.question_is_due():
            with as_scheduler(self.engine) as session:
                self.deadline.is_wanted = turns.is_wanted(
                    session,
                    self.connector_id,
                    self.epoch,
                    quantum=self.settings.slice_yield_seconds,
                    ttl=self.settings.dispatch_seconds,
                )
            self.deadline.answered()
        return self.deadline.reason() is not None

    def _left(self) -> Ending:
        why = self.deadline.reason() or SliceEnd.TIME_IS_UP
        return self.endings.stopped_by_somebody(self.run_id) if why is SliceEnd.STOPPED else Ending(why)

    def _is_held(self, run: Run) -> bool:
        """After planning: whether the brake holds the run until somebody approves."""
        with self.fence.transaction() as session:
            planned = runs.load(session, run.id)
        return planned is not None and planned.state is RunState.AWAITING_APPROVAL

    def _nothing_changed(self, run: Run) -> Ending | None:
        """After reading the source: a check without changes leaves no run, a request is *unchanged*."""
        with self.fence.transaction() as session:
            connectors.checked(session, self.connector_id)
            if source_items.has_due(session, self.connector_id):
                runs.list_it(session, run.id)
                return None
            leaves_no_run = run.trigger is Trigger.CHECK and not run.listed
            if leaves_no_run:
                # What has grown old meanwhile is the caretaker's: checks are many, and nearly none finds anything.
                runs.forget(session, run.id)
            else:
                runs.advance(session, run.id, RunState.UNCHANGED)
                retention.prune(session, self.connector_id, days=self.settings.retention_days)
            self._count_calls(session)
            park = self.endings.until_next(session)
        self.run_id = None if leaves_no_run else self.run_id
        return Ending(SliceEnd.WORK_DONE, park=park)

    def _say(self, level: str, code: str, message: str) -> None:
        if self.run_id is None:
            return
        with self.fence.transaction() as session:
            runs.say(session, self.tenant_id, self.run_id, level=level, code=code, message=message)
            self._count_calls(session)

    def count_last_calls(self) -> None:
        """Calls that came back after the last save: their work is done again, they were sent all the same.

        It is history, so it is not fenced.
        """
        if self._calls_so_far() != self._calls:
            with as_tenant(self.engine, self.tenant_id) as session:
                self._count_calls(session)

    def told(self, ending: Ending) -> slices.Ended:
        """What the log of slices is to say of its end."""
        return slices.Ended(ending.why.value, self.step, self._calls[0], self.settled)
