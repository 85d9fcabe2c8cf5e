"""How many calls a store still allows, and how many at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 30.0
# Units in a window by plan (API facts §2.1); Enterprise has no request limit, its header shows a large number.
UNLIMITED = 7_000_000
QUOTAS = {"Standard": 150, "Plus": 150, "Trial": 150, "Pro": 450, "Enterprise": UNLIMITED, "Enterprise-Test": UNLIMITED}


class Window:
    """One store's quota in fixed windows; every request is one unit when it arrives."""

    def __init__(self, clock: Callable[[], float], quota: int, seconds: float = WINDOW_SECONDS) -> None:
        self._clock = clock
        self.quota = quota
        self.seconds = seconds
        self._start = clock()
        self._used = 0

    @property
    def left(self) -> int:
        """The units left in this window."""
        self._turn()
        return max(0, self.quota - self._used)

    @property
    def remaining_seconds(self) -> float:
        """The time until the quota is fresh again."""
        self._turn()
        return max(0.0, self._start + self.seconds - self._clock())

    def take(self, units: int = 1) -> bool:
        """Whether the window had room; if so the units are gone."""
        if self.left < units:
            return False
        self._used += units
        return True

    def eat(self, units: int) -> None:
        """Another app has used units, as many as there are."""
        self._used += min(units, self.left)

    def headers(self) -> dict[str, str]:
        """The headers of every answer (API facts §2.2)."""
        return {
            "X-Rate-Limit-Time-Window-Ms": str(round(self.seconds * 1000)),
            "X-Rate-Limit-Time-Reset-Ms": str(math.ceil(self.remaining_seconds * 1000)),
            "X-Rate-Limit-Requests-Quota": str(self.quota),
            "X-Rate-Limit-Requests-Left": str(self.left),
        }

    def retry_headers(self) -> dict[str, str]:
        """What a rate-limited answer carries in addition."""
        return {"X-Retry-After": str(max(1, math.ceil(self.remaining_seconds)))}

    def _turn(self) -> None:
        passed = (self._clock() - self._start) // self.seconds
        if passed >= 1:
            self._start += passed * self.seconds
            self._used = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """An endpoint that takes only so many calls at once (API facts §2.4).

    `refuses` answers 429; the others are only advised against, so a call too many is noted in the log, and so is one
    beside any of the lane that it is to keep `apart_from`.
    """

    name: str
    width: int
    refuses: bool = True
    apart_from: str = ""


CATALOGUE_WRITES = "catalogue writes"


class Lanes:
    """Which calls are on their way, by lane; a call is on its way until its answer is due."""

    def __init__(self) -> None:
        self._until: dict[str, list[float]] = {}

    def is_full(self, lane: Lane, now: float) -> bool:
        """Whether one more call would be too many."""
        return self._busy(lane.name, now) >= lane.width or bool(lane.apart_from and self._busy(lane.apart_from, now))

    def _busy(self, name: str, now: float) -> int:
        self._until[name] = [until for until in self._until.get(name, ()) if until > now]
        return len(self._until[name])

    def enter(self, lane: Lane, until: float) -> None:
        """One more call is on its way."""
        self._until.setdefault(lane.name, []).append(until)
