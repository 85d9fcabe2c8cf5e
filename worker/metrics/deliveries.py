"""Tries of this process to carry events to the tenants' endpoints, by what came of each."""

from __future__ import annotations

from prometheus_client import Counter

TRIES = Counter("connector_webhook_tries", "Tries to deliver an event", ["result"], registry=None)
METRICS = (TRIES,)

DELIVERED, FAILED, GAVE_UP = "delivered", "failed", "gave_up"
"""It has arrived; it is tried again; that was the last try."""

for _result in (DELIVERED, FAILED, GAVE_UP):
    TRIES.labels(_result)


def tried(result: str) -> None:
    """A try has come to this."""
    TRIES.labels(result).inc()
