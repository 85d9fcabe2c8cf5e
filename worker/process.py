"""What one worker process holds: its pool of connections, its keys, its sign to drain."""

from __future__ import annotations

import gc
import os
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import Engine

from worker.bigcommerce import quota
from worker.ledger.session import engine
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.scheduling.neighbours import Meet
from worker.settings import Settings, settings

STUCK_AFTER_LEASES = 8
"""A slot that has not beaten for so many leases is stuck: threads cannot be killed, the process can."""


COLLECT_AFTER = (10_000, 10, 10)
"""gc.set_threshold: objects made until the first collection, and how many of one kind until the next."""


@dataclass(slots=True)
class Process:
    """The composition root of a worker process."""

    settings: Settings
    engine: Engine
    meet: Meet
    draining: threading.Event = field(default_factory=threading.Event)
    beats: dict[int, float] = field(default_factory=dict)
    """Thread id -> when its slice was last heard of, on the monotonic clock."""

    gate: threading.BoundedSemaphore = field(init=False)
    """Calls to stores that all slices of this process may have in flight."""

    def __post_init__(self) -> None:
        self.gate = threading.BoundedSemaphore(self.settings.process_calls_in_flight)

    def is_stuck(self) -> bool:
        """Whether a slice of this process has been silent for far too long."""
        silent_since = time.monotonic() - STUCK_AFTER_LEASES * self.settings.lease_seconds
        return any(heard < silent_since for heard in list(self.beats.values()))

    def drain(self, *, exit_code: int = 0) -> None:
        """No new slice, no new call; what is still open after the drain time is left to its lease."""
        if self.draining.is_set():
            return
        self.draining.set()
        timer = threading.Timer(self.settings.drain_seconds, os._exit, args=(exit_code,))
        timer.daemon = True
        timer.start()


def collect_seldom() -> None:
    """What the process holds by now stays, so the collector need not look at it again, and at the rest less often.

    What a slice makes is mostly freed without it; at Python's own thresholds it took every tenth second of a worker's
    processor.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@lru_cache
def process() -> Process:
    """The things of this process, made at first use (after a fork, not before)."""
    chosen = settings()
    broker = quota.connect(chosen.redis_url)
    vault = Vault.from_ring(chosen.credential_keys.get_secret_value())
    connections = engine(chosen.database_url, pool=chosen.database_pool, longest_idle=chosen.lease_seconds)
    return Process(chosen, connections, meet(chosen, vault, broker))
