"""What the stores that this process works for have said of their quota, while it does."""

from __future__ import annotations

import threading
from collections import Counter

from prometheus_client import Gauge

LEFT = Gauge(
    "connector_quota_left_calls", "Calls left in the store's window, as its last answer said", ["store"], registry=None
)
CALLS = Gauge("connector_quota_calls", "Calls that the store allows in one window", ["store"], registry=None)
WINDOW = Gauge("connector_quota_window_seconds", "Length of the store's window", ["store"], registry=None)
METRICS = (LEFT, CALLS, WINDOW)

_shown = Counter[str]()
_lock = threading.Lock()


class Shown:
    """One client's part in what is shown of its store, from its first word on until it is forgotten."""

    def __init__(self, store_hash: str) -> None:
        self._store = store_hash
        self._gauges: tuple[Gauge, ...] = ()
        self._is_over = False

    def told(self, *, left: int, quota: int, window_ms: int) -> None:
        """The store has said so."""
        with _lock:
            if self._is_over:
                return
            if not self._gauges:
                self._gauges = tuple(gauge.labels(self._store) for gauge in METRICS)
                _shown[self._store] += 1
            for gauge, value in zip(self._gauges, (left, quota, window_ms / 1000), strict=True):
                gauge.set(value)

    def forget(self) -> None:
        """The client is closed: with the last one its store is gone from the page, so that they never add up."""
        with _lock:
            if self._gauges and not self._is_over:
                _shown[self._store] -= 1
                if not _shown[self._store]:
                    del _shown[self._store]
                    for gauge in METRICS:
                        gauge.remove(self._store)
            self._is_over = True
