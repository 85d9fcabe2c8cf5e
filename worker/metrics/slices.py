"""Slices of this process: begun, ended and why, how long they waited and lasted; turns that were lost."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from models.vocabulary import SliceEnd
from worker.metrics.calls import SOURCE, STORE

BEGUN = Counter("connector_slices_begun", "Slices begun", registry=None)
ENDED = Counter("connector_slices_ended", "Slices ended", ["reason"], registry=None)
SECONDS = Histogram(
    "connector_slice_seconds",
    "Seconds that slices held a slot",
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 45, 60, 75, 90, 120, 180, 300, 600, 900),
    registry=None,
)
WAIT = Histogram(
    "connector_slice_wait_seconds",
    "Seconds that slices had waited when they began",
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600),
    registry=None,
)
LOST = Counter("connector_turns_lost", "Turns found to be lost", ["found_by"], registry=None)
RESTS = Counter(
    "connector_neighbour_rests", "Times that a slice opened the circuit to a neighbour", ["neighbour"], registry=None
)
METRICS = (BEGUN, ENDED, SECONDS, WAIT, LOST, RESTS)

BY_SLICE, BY_PACEMAKER = "slice", "pacemaker"
"""Who finds it: the slice itself, at its next save; or a pacemaker, when the lease or the message is overdue."""

# Each is there from the start: else its first time would be no increase.
for _end in SliceEnd:
    ENDED.labels(_end.value)
for _finder in (BY_SLICE, BY_PACEMAKER):
    LOST.labels(_finder)
for _neighbour in (STORE, SOURCE):
    RESTS.labels(_neighbour)


def begun(waited: float | None) -> None:
    """A slice begins; it has waited so long, where that is known."""
    BEGUN.inc()
    if waited is not None:
        WAIT.observe(max(0.0, waited))


def ended(why: SliceEnd, *, seconds: float) -> None:
    """A slice ends after so long."""
    ENDED.labels(why.value).inc()
    SECONDS.observe(seconds)
    if why is SliceEnd.TURN_LOST:
        LOST.labels(BY_SLICE).inc()


def failed_by(neighbour: str) -> None:
    """A slice has failed by its neighbour, and everybody leaves that in peace."""
    RESTS.labels(neighbour).inc()


def swept(lost: int) -> None:
    """The pacemaker of this process has found so many turns lost."""
    LOST.labels(BY_PACEMAKER).inc(lost)
