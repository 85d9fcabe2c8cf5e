"""Calls to the two neighbours: how many, how each ended, how long it took, and which were sent again."""

from __future__ import annotations

from functools import lru_cache

import httpx
from prometheus_client import Counter, Histogram

STORE, SOURCE = "store", "source"
TIMEOUT, CONNECTION = "timeout", "connection"
"""How a call ends that has no answer: it was waited for in vain; or there was no connection, or it broke."""
HIGHEST_STATUS = 599

CALLS = Counter(
    "connector_calls",
    "Calls to a neighbour that have ended",
    ["neighbour", "method", "endpoint", "status"],
    registry=None,
)
SECONDS = Histogram(
    "connector_call_seconds",
    "Seconds from sending a call to its answer, or to its end without one",
    ["neighbour"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 90, 180, 300),
    registry=None,
)
RETRIES = Counter("connector_call_retries", "Calls sent again", ["neighbour", "reason"], registry=None)
METRICS = (CALLS, SECONDS, RETRIES)

for _neighbour in (STORE, SOURCE):
    SECONDS.labels(_neighbour)

# Both are asked at each call, and know no more than what their labels can say.
_calls = lru_cache(maxsize=None)(CALLS.labels)
_seconds = lru_cache(maxsize=None)(SECONDS.labels)


def ended(neighbour: str, method: str, endpoint: str, status: str, *, seconds: float) -> None:
    """A call has ended; `endpoint` is one of a few, never a path with an id in it."""
    _calls(neighbour, method, endpoint, status).inc()
    _seconds(neighbour).observe(seconds)


def sent_again(neighbour: str, reason: str) -> None:
    """A call is sent once more: a status, or how it ended without one."""
    RETRIES.labels(neighbour, reason).inc()


def status_of(response: httpx.Response) -> str:
    """The answer's status, as a label; what is no status of HTTP is one word."""
    return str(response.status_code) if response.status_code <= HIGHEST_STATUS else "other"


def without_answer(trouble: httpx.RequestError) -> str:
    """How a call without an answer ended, as a label."""
    return TIMEOUT if isinstance(trouble, httpx.ReadTimeout | httpx.WriteTimeout) else CONNECTION
