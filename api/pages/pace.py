"""How long a run will take still, from how fast it went in the last minutes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from worker.ledger.progress import Progress

WINDOW = 180.0
"""Seconds that are looked back."""
SHORTEST = 15.0
"""Seconds of watching before anything is said."""
FEWEST = 5
"""Items that must have been dealt with in that time."""
SLOWER, FASTER = 1.5, 0.75
"""How much longer, or shorter, it may take than at the pace that was seen."""
MOST_RUNS = 500


@dataclass(frozen=True, slots=True)
class Estimate:
    """Between so many and so many seconds."""

    least: float
    most: float

    def __str__(self) -> str:
        low, high = _round(self.least), _round(self.most)
        return f"about {low}" if low == high else f"{low} to {high}"


@dataclass(slots=True)
class Pace:
    """What this process has seen of runs under way."""

    clock: Callable[[], float] = time.monotonic
    _seen: dict[int, deque[tuple[float, int]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def estimate(self, progress: Progress) -> Estimate | None:
        """The time that the run needs still, by how it went since it was looked at; None where that is too little."""
        run_id, now = progress.entry.id, self.clock()
        if progress.entry.has_ended or not progress.parts:
            with self._lock:
                self._seen.pop(run_id, None)
            return None
        done, left = sum(part.done for part in progress.parts), sum(part.left for part in progress.parts)
        with self._lock:
            seen = self._seen.setdefault(run_id, deque())
            if seen and done < seen[-1][1]:
                seen.clear()  # it was planned anew
            seen.append((now, done))
            while now - seen[0][0] > WINDOW:
                seen.popleft()
            while len(self._seen) > MOST_RUNS:
                del self._seen[next(iter(self._seen))]
            (since, before) = seen[0]
        if now - since < SHORTEST or done - before < FEWEST or not left:
            return None
        seconds = left * (now - since) / (done - before)
        return Estimate(seconds * FASTER, seconds * SLOWER)


def _round(seconds: float) -> str:
    if seconds < 55:
        return f"{max(10, 10 * round(seconds / 10)):.0f} s"
    minutes = seconds / 60
    if minutes < 10:
        return f"{max(1, round(minutes)):.0f} min"
    if minutes < 55:
        return f"{5 * round(minutes / 5):.0f} min"
    hours = minutes / 60
    return f"{max(1, round(hours)):.0f} h" if hours < 48 else f"{hours / 24:.0f} d"
