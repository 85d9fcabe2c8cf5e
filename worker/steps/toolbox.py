"""What a step works with, and what it yields.

A step is a generator. Each `yield` is a safe place to stop: the engine
(`scheduling/slice.py`) carries out the save, renews the lease, and answers
True where the slice should end. The step then starts nothing new, brings in
what is under way, and returns False; at its own end it returns True.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from worker.bigcommerce.client import Client as StoreClient
from worker.catalog.profile import Profile
from worker.ledger.session import Session
from worker.saleslayer.client import Client as SourceClient

Cursor = Mapping[str, Any]
Write = Callable[[Session], object]
Answered = TypeVar("Answered")

BREATH_SECONDS = 0.25
"""How often a step that waits for calls lets the engine look around."""


@dataclass(frozen=True, slots=True)
class Save:
    """Work and the cursor behind it: written in one transaction, which is fenced (law 1)."""

    cursor: Cursor | None
    write: Write = lambda _session: None
    settled: int = 0
    """Items that have their outcome with this save."""
    gets_on: bool = True
    """Whether the run is further on with this save: a slice does not leave before one such."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to save; the step waits for a neighbour."""


IDLE = Idle()

Step = Generator[Save | Idle, bool, bool]
"""Yields what to save, is answered whether to leave, returns whether it is finished."""


@dataclass(slots=True)
class Toolbox:
    """All that the steps of one slice share."""

    tenant_id: int
    connector_id: int
    store_hash: str
    run_id: int
    refresh: bool
    profile: Profile
    source: SourceClient
    store: StoreClient
    pool: ThreadPoolExecutor
    most_calls: int
    """Calls that this slice may ever have in flight."""
    gate: threading.BoundedSemaphore
    """Calls that all slices of this process may have in flight."""
    read: Callable[[], AbstractContextManager[Session]]
    """A short transaction to read in; it must be over before a neighbour is called."""
    importer: SourceClient | None = None
    """The client of the import connector, where the connector has credentials for one."""
    holds_on: threading.Event = field(default_factory=threading.Event)
    """Set while the slice should not yield to others: the source's pages expired twice (law 7)."""

    def width(self) -> int:
        """How many calls use what the store allows: 1.5 x its rate x the latency measured (design §4)."""
        return width(self.store.rate(), self.store.latency, most=self.most_calls)


FEWEST_CALLS = 4
"""In flight at least: a slow start costs more than four calls too many."""


def width(rate: float, latency: float, *, most: int) -> int:
    """Calls to keep in flight for `rate` calls a second that take `latency` seconds each."""
    return max(min(FEWEST_CALLS, most), min(most, math.ceil(1.5 * rate * latency)))


def answered(tools: Toolbox, call: Callable[[], Answered]) -> Generator[Save | Idle, bool, tuple[Answered, bool]]:
    """The call's answer, while the engine keeps its heartbeat; and whether the slice should leave."""
    future: Future[Answered] = tools.pool.submit(call)
    leaving = False
    while not wait([future], timeout=BREATH_SECONDS).done:
        leaving = (yield IDLE) or leaving
    return future.result(), leaving
