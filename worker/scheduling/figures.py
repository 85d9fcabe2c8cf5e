"""The figures of the whole service for Prometheus, served beside what the process counts of itself.

They are the same whichever process is asked: all are read from Postgres, seldom enough to cost nothing, and by a
connection of their own, so that no scrape takes one from a slice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from models.vocabulary import ENDED, RunState, SliceEnd, TurnState
from worker.errors import CredentialsRefused, RootCategoryGone
from worker.ledger import fairness, service_figures
from worker.ledger.fairness import Figures
from worker.ledger.rests import Neighbour
from worker.ledger.service_figures import BY_HAND, ServiceFigures
from worker.ledger.session import as_scheduler, engine
from worker.metrics import database, page
from worker.settings import Settings

WINDOW_SECONDS = 300.0
"""The figures that have a window are of the last five minutes."""
KEPT_SECONDS = 5.0
"""Scrapes within so many seconds get the same answer: asking more often costs the database nothing."""
PATIENT_SECONDS = 3.0
"""A scrape waits no longer for the database, and no statement takes longer: what the process tells of itself is
scraped, and soon, also while Postgres is unwell."""
SWITCH_OFF = (CredentialsRefused.code, RootCategoryGone.code)
"""What switches a connector off by itself (endings.py)."""

log = structlog.get_logger(__name__)

Gauge = GaugeMetricFamily
_Read = tuple[Figures, ServiceFigures]


@dataclass(slots=True, eq=False)  # a registry finds its collectors by their identity
class KeptFigures(Collector):
    """A collector of prometheus_client: reads the figures when it is asked, at most every few seconds."""

    read: Callable[[], _Read]
    clock: Callable[[], float] = time.monotonic
    _kept: _Read | None = None
    _read_at: float = float("-inf")
    _asking: Future[_Read | None] | None = None
    _missed: Future[_Read | None] | None = None
    """The last question whose answer somebody has missed: it came too late, or not at all."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def collect(self) -> Iterator[Metric]:
        """The figures; where the database cannot be asked, only that (`connector_service_up` 0), never old ones."""
        found = self._found()
        yield Gauge("connector_service_up", "Whether the service's figures could be read", float(found is not None))
        if found is not None:
            yield from of_the_queue(found[0])
            yield from of_the_slots(found[0])
            yield from of_the_service(found[1])

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not ask the database."""
        return iter(())

    def _found(self) -> _Read | None:
        """What is kept, or what is read within some seconds; all scrapes wait for the same answer."""
        with self._lock:
            if self._asking is None:
                if self.clock() - self._read_at < KEPT_SECONDS:
                    return self._kept
                self._asking = Future()
                threading.Thread(target=self._ask, args=(self._asking,), name="figures", daemon=True).start()
            asking = self._asking
        try:
            return asking.result(timeout=PATIENT_SECONDS)
        except TimeoutError as trouble:
            self._miss(asking, trouble)
            return None

    def _miss(self, asking: Future[_Read | None], trouble: Exception) -> None:
        """Tell of it, once for each question however many wait."""
        with self._lock:
            if self._missed is asking:
                return
            self._missed = asking
        log.warning("no figures of the service", error=type(trouble).__name__)
        database.unwell(database.FIGURES)

    def _ask(self, asking: Future[_Read | None]) -> None:
        found = None
        try:
            found = self.read()
        except SQLAlchemyError as trouble:
            self._miss(asking, trouble)
        finally:
            with self._lock:
                self._asking, self._kept, self._read_at = None, found, self.clock()
            asking.set_result(found)


def of_the_queue(found: Figures) -> Iterator[Metric]:
    """Who waits, and for how long."""
    yield Gauge("connector_service_queue_age_seconds", "Oldest wait that a free slot would end", found.queue_age)
    yield Gauge("connector_service_longest_wait_seconds", "Longest wait of all that wait now", found.longest_wait_now)
    waits = Gauge("connector_service_wait_seconds", "Seconds that slices begun in the window had waited",
                  labels=["quantile"])  # fmt: skip
    for quantile, seconds in (("0.5", found.waits.p50), ("0.95", found.waits.p95), ("0.99", found.waits.p99)):
        if seconds is not None:
            waits.add_metric([quantile], seconds)
    yield waits
    states = [state.value for state in TurnState]
    yield _each("connector_service_turns", "Turns by state", "state", states, found.turns)


def of_the_slots(found: Figures) -> Iterator[Metric]:
    """How many slots there are, and how they were shared."""
    yield Gauge("connector_service_slots", "Slots of all worker processes", found.slots)
    if found.utilisation is not None:
        yield Gauge("connector_service_slot_utilisation_ratio", "Share of the slots' time that slices held",
                    found.utilisation)  # fmt: skip
    yield Gauge("connector_service_idle_while_ready_seconds",
                "Seconds of the window with a slot free while somebody waited", found.idle_while_ready)  # fmt: skip
    if found.jain is not None:
        yield Gauge("connector_service_fairness_ratio", "Jain index by weight, among tenants backlogged throughout",
                    found.jain)  # fmt: skip
    ends = [end.value for end in SliceEnd]
    yield _each("connector_service_recent_slices", "Slices ended in the window", "reason", ends, found.endings)


def of_the_service(found: ServiceFigures) -> Iterator[Metric]:
    """What is there, what rests, and what stands still until somebody acts."""
    yield Gauge("connector_service_processes", "Worker processes", found.processes)
    neighbours = [one.value for one in Neighbour]
    yield _each("connector_service_resting", "Neighbours that rest", "neighbour", neighbours, found.resting)
    under_way = [state.value for state in RunState if state not in ENDED]
    yield _each("connector_service_runs", "Runs that have not ended", "state", under_way, found.runs)
    reasons = [*SWITCH_OFF, BY_HAND]
    yield _each("connector_service_connectors_off", "Connectors switched off", "reason", reasons, found.off)


def _each(name: str, words: str, label: str, values: Iterable[str], found: Mapping[str, int]) -> Metric:
    """A gauge with a value for each of these, 0 where nothing was found."""
    gauge = Gauge(name, words, labels=[label])
    for value in values:
        gauge.add_metric([value], found.get(value, 0))
    return gauge


def serve(settings: Settings, of_this_process: Iterable[Collector]) -> Callable[[], None] | None:
    """Serve both until what comes back is called; None where metrics are off, or the port is not to be had."""
    own = engine(settings.database_url, pool=1, longest_statement=PATIENT_SECONDS)

    def read() -> _Read:
        with as_scheduler(own) as session:
            history = fairness.history(session, window=WINDOW_SECONDS)
            of_the_rest = service_figures.read(session, codes=SWITCH_OFF)
        return fairness.reckon(history), of_the_rest

    stop_serving = page.serve(settings, [KeptFigures(read), *of_this_process])
    if stop_serving is None:
        own.dispose()
        return None

    def stop() -> None:
        stop_serving()
        own.dispose()

    return stop
