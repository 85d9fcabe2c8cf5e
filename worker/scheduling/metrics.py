"""The figures of fairness for Prometheus, served by a worker process.

They are the same whichever process is asked: all are read from Postgres, seldom enough to cost nothing, and by a
connection of their own, so that no scrape takes one from a slice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from models.vocabulary import SliceEnd, TurnState
from worker.ledger import fairness
from worker.ledger.fairness import Figures
from worker.ledger.session import as_scheduler, engine
from worker.settings import Settings

WINDOW_SECONDS = 300.0
"""The figures are of the last five minutes."""
KEPT_SECONDS = 5.0
"""Scrapes within so many seconds get the same answer: asking more often costs the database nothing."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)  # a registry finds its collectors by their identity
class Fairness:
    """A collector of prometheus_client: reads the figures when it is asked, at most every few seconds."""

    read: Callable[[], Figures]
    clock: Callable[[], float] = time.monotonic
    _kept: Figures | None = None
    _read_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def collect(self) -> Iterator[Metric]:
        """The figures; where the database cannot be asked, only that (`connector_fairness_up` 0), never old ones."""
        with self._lock:
            if self.clock() - self._read_at >= KEPT_SECONDS:
                self._kept = self._asked()
                self._read_at = self.clock()
            found = self._kept
        yield GaugeMetricFamily("connector_fairness_up", "Whether the figures could be read", float(found is not None))
        if found is not None:
            yield from families(found)

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not ask the database."""
        return iter(())

    def _asked(self) -> Figures | None:
        try:
            return self.read()
        except SQLAlchemyError as trouble:
            log.warning("no figures of fairness", error=type(trouble).__name__)
            return None


def families(found: Figures) -> Iterator[Metric]:
    """The figures as metrics; docs/fairness.md lists them."""
    gauge = GaugeMetricFamily
    yield gauge("connector_slots", "Slots of all worker processes", found.slots)
    yield gauge("connector_idle_while_ready_seconds", "Seconds of the window with a slot free while somebody waited",
                found.idle_while_ready)  # fmt: skip
    yield gauge("connector_longest_wait_seconds", "Longest wait of the connectors that wait now",
                found.longest_wait_now)  # fmt: skip
    if found.jain is not None:
        yield gauge("connector_fairness_jain", "Jain index by weight, among tenants backlogged throughout", found.jain)
    if found.utilisation is not None:
        yield gauge("connector_slot_utilisation", "Share of the slots' time that slices held", found.utilisation)
    waits = gauge("connector_wait_seconds", "Seconds that slices begun in the window had waited", labels=["quantile"])
    for quantile, seconds in (("0.5", found.waits.p50), ("0.95", found.waits.p95), ("0.99", found.waits.p99)):
        if seconds is not None:
            waits.add_metric([quantile], seconds)
    yield waits
    turns = gauge("connector_turns", "Turns by state", labels=["state"])
    for state in TurnState:
        turns.add_metric([state.value], found.turns.get(state.value, 0))
    yield turns
    endings = gauge("connector_slices_ended", "Slices ended in the window, by reason", labels=["reason"])
    for end in SliceEnd:
        endings.add_metric([end.value], found.endings.get(end.value, 0))
    yield endings


def serve(settings: Settings) -> Callable[[], None] | None:
    """Serve the metrics until what comes back is called; None where they are off, or the port is not to be had."""
    if not settings.metrics_port:
        return None
    own = engine(settings.database_url, pool=1)

    def read() -> Figures:
        with as_scheduler(own) as session:
            history = fairness.history(session, window=WINDOW_SECONDS)
        return fairness.reckon(history)

    registry = CollectorRegistry()
    registry.register(Fairness(read))
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as trouble:
        # Slices do not depend on who watches them.
        log.warning("metrics not served", host=settings.metrics_host, port=settings.metrics_port, error=str(trouble))
        own.dispose()
        return None
    log.info("metrics served", host=settings.metrics_host, port=settings.metrics_port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()
        own.dispose()

    return stop
