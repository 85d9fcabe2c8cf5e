"""A thread in every worker that finds what was lost and wakes what is due.

No beat, no dispatcher process, no leader: whoever gets the scheduler's row
lock acts, the others pass by. It is the watchdog of its own process too, says
how many slots that one has, and hears when an operator tells it to drain.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger import lapsed, outage, processes, turns
from worker.ledger.session import as_scheduler
from worker.metrics import database, slices
from worker.scheduling.dispatch import Publish, send_off
from worker.settings import Settings

CANNOT_REACH = "pacemaker cannot reach the database"
SEEN_EVERY_SECONDS = 10.0
"""How often a process says that it is there: three times before it counts as gone."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Pacemaker:
    """Looks every second or two, with jitter, until it is stopped."""

    engine: Engine
    settings: Settings
    publish: Publish
    queue_length: Callable[[], int | None]
    """Messages that wait in the broker; None = the broker cannot be asked."""
    stuck: Callable[[], bool] = lambda: False
    """Whether a slot of this process has not been heard of for too long."""
    give_up: Callable[[], None] = lambda: None
    """Drain this process and end it, so that its supervisor starts another."""
    drain: Callable[[], None] = lambda: None
    """End this process in order, as its supervisor's SIGTERM does."""
    worker: str = ""
    slots: int = 0
    """Slices that this process holds at once; 0 = it holds none, and need not be counted."""
    stopped: threading.Event = field(default_factory=threading.Event)
    has_said_its_end: threading.Event = field(default_factory=threading.Event)
    """Set when nothing more is to be said: who comes for this process is told that it takes nothing new."""
    _began: datetime | None = None
    _said_at: float = float("-inf")
    _is_told: bool = False
    _saying: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> threading.Thread:
        """Look from now on, in a thread of its own, and watch in another; a third one waits for the end."""
        threading.Thread(target=self.watch, name="watchdog", daemon=True).start()
        threading.Thread(target=self.end, name="ending", daemon=True).start()
        thread = threading.Thread(target=self.run, name="pacemaker", daemon=True)
        thread.start()
        return thread

    def watch(self) -> None:
        """Give the process up where a slot of it is stuck; it asks nobody, so as not to be stuck in the same thing."""
        while not self.stopped.wait(self.settings.pacemaker_seconds):
            if self.stuck():
                self.give_up()
                # Last: what it is stuck in may be the log itself, which nobody reads any more.
                log.error("a slot is stuck, the worker ends")
                return

    def run(self) -> None:
        """Look until stopped."""
        pause = 0.0  # it says that it is there before the first slice is long under way
        while not self.stopped.wait(pause):
            pause = self.settings.pacemaker_seconds * random.uniform(0.7, 1.3)  # noqa: S311 jitter
            try:
                self.say_that_it_is_there()
                self.hear()
                if not self.stopped.is_set():
                    self.look()
            except SQLAlchemyError as trouble:
                log.warning(CANNOT_REACH, error=type(trouble).__name__, reason=outage.reason(trouble))
                database.unwell(database.PACEMAKER)
            except Exception:
                log.exception("bug in the pacemaker")
        self._say_that_it_ends()

    def end(self) -> None:
        """Say that this process ends as soon as it is stopped: a look may wait for a broker that is away."""
        self.stopped.wait()
        self._say_that_it_ends()

    def say_that_it_is_there(self) -> None:
        """Write down now and then that this process is there, and how many slots it has."""
        if not self.slots or time.monotonic() - self._said_at < SEEN_EVERY_SECONDS:
            return
        with self._saying:
            if self.stopped.is_set():
                return
            with as_scheduler(self.engine) as session:
                if self._began is None or not processes.seen(session, self.worker, self._began):
                    self._began = processes.begin(session, self.worker, slots=self.slots)
            self._said_at = time.monotonic()

    def hear(self) -> None:
        """Whether an operator has told this process to drain: it begins at once, and is told no more."""
        if self._began is None or self._is_told:
            return
        with as_scheduler(self.engine) as session:
            self._is_told = processes.is_to_drain(session, self.worker, self._began)
        if self._is_told:
            log.info("an operator has told this worker to drain")
            self.drain()

    def _say_that_it_ends(self) -> None:
        with self._saying:
            if self.has_said_its_end.is_set():
                return
            try:
                if self._began is not None:
                    with as_scheduler(self.engine) as session:
                        processes.seen(session, self.worker, self._began, ends=True)
                self.has_said_its_end.set()
            except SQLAlchemyError as trouble:
                log.warning(CANNOT_REACH, error=type(trouble).__name__, reason=outage.reason(trouble))

    def look(self) -> tuple[int, int]:
        """(turns whose lease or message was lost, parked ones that are due), all ready again; the door is full."""
        length = self.queue_length()
        with as_scheduler(self.engine) as session:
            if not turns.take_the_baton(session):
                return 0, 0
            lost, due = lapsed.sweep(
                session,
                quantum=self.settings.slice_yield_seconds,
                ttl=self.settings.dispatch_seconds,
                queue_is_empty=length == 0,
            )
            passed = turns.dispatch(
                session, door=self.settings.door_size, ttl=self.settings.dispatch_seconds, wait=False
            )
        if lost:
            log.warning("turns swept", lost=lost)
            slices.swept(lost)
        send_off(passed, self.publish)
        return lost, due
