"""When a slice has to end: the one place that asks, and the only monotonic clock.

| reason        | when                                                                            |
| ------------- | ------------------------------------------------------------------------------- |
| turn_lost     | the fence is lost, or our own clock says that the lease may be over             |
| draining      | the worker stops                                                                |
| stopped       | somebody paused or cancelled the run                                            |
| time_is_up    | the slice has had its longest time                                              |
| wanted        | it has had its yield quantum and somebody poorer waits                          |

The last two wait until the slice has done at least one unit of work, so that every slice gets on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from models.vocabulary import SliceEnd


@dataclass(slots=True)
class Deadline:
    """The clock of one slice."""

    slice_seconds: float
    yield_seconds: float
    lease_seconds: float
    draining: threading.Event
    clock: Callable[[], float] = time.monotonic
    holds_on: Callable[[], bool] = lambda: False
    heard: Callable[[], object] = lambda: None
    """Called at every sign of life: the process's watchdog listens."""
    began: float = field(init=False)
    renewed: float = field(init=False)
    asked: float = field(init=False)
    units: int = 0
    is_wanted: bool = False
    stop_asked: bool = False

    def __post_init__(self) -> None:
        self.began = self.renewed = self.asked = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the slice began."""
        return self.clock() - self.began

    def renewal_is_due(self, heartbeat: float) -> bool:
        """Whether it is time to beat, though there is nothing to save."""
        return self.clock() - self.renewed >= heartbeat

    def question_is_due(self, every: float = 1.0) -> bool:
        """Whether it is time to ask if somebody poorer waits."""
        return self.clock() - self.asked >= min(every, self.yield_seconds)

    def answered(self) -> None:
        """The question was asked just now."""
        self.asked = self.clock()

    def beaten(self, sent_at: float) -> None:
        """The lease was renewed by a statement that was sent at `sent_at` on this clock."""
        self.renewed = sent_at

    @property
    def may_have_lapsed(self) -> bool:
        """Whether another worker may hold the turn by now; counted from before the renewal was sent."""
        return self.clock() - self.renewed >= self.lease_seconds

    def reason(self) -> SliceEnd | None:
        """Why the slice should end now; None = go on."""
        self.heard()
        if self.draining.is_set():
            return SliceEnd.DRAINING
        if self.stop_asked:
            return SliceEnd.STOPPED
        if not self.units:
            return None
        if self.elapsed >= self.slice_seconds:
            return SliceEnd.TIME_IS_UP
        if self.is_wanted and self.elapsed >= self.yield_seconds and not self.holds_on():
            return SliceEnd.WANTED
        return None
