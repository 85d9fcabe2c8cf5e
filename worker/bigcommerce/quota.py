"""One budget of calls per store, shared by all worker processes.

The store counts calls in fixed windows and tells in every answer how many are left. What Redis holds per store is a
careful model of that count: it errs only towards fewer calls.

    used     calls of ours that the store has counted in this window, or may have: asked for in it, or in the air
             when it turned. One that proves to have been counted in the window before is given back.
    others   what else is missing from the store's own figure: the calls of other apps.
    left     quota - used - others; the share that is left to other apps counts what they have had already
    reset    when the window ends. An answer tells it late by its own way back, never early: the earliest counts.
    slack    how long the answer that told it took: by so much at most it may be late
    ready    calls that may go at once. They grow at the pace at which what is left for us lasts until the window ends,
             a few of them are kept for the call that comes after a pause, and each call takes one (decision 0011).

A window ends by the clock, or by an answer that already belongs to the next one. With Redis away each process goes on
slowly by itself, by what the last answer has told it.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.bigcommerce import quota_scripts as scripts
from worker.metrics.quota import Shown

log = structlog.get_logger(__name__)

GUARD_MS = 100  # after the turn, so that no call of the new window arrives in the old one
FIRST_CALLS = 2  # a second, while nothing is known of the store: 40 first calls at once could overrun an empty budget
BURST = 1 / 20  # of a window's calls may go at once: 1.5 seconds' worth of 30
FEWEST_AT_ONCE = 4  # however small the window's quota is
CATCH_UP = 3  # times the even pace, at most, where a part of the window was slept through
EARLY = 1 / 60  # of the window: so long before its end all is to be used
SLACK = 1 / 15  # of the window, at most: so much earlier, since the end is known no better than answers take to come
BLIND_CALLS = 2  # a second, with Redis away: one slice at a time calls a store, so that is all that it gets of us
MOST_LINES = 1_000  # of a process: each slice under way keeps one
BLIND_SECONDS = 2.0  # before Redis is tried again
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 60.0  # after a 429 that does not say until when
LONGEST_TOLD = 3600.0  # a store that tells of more is not believed: its windows last half a minute
SHORTEST_WINDOW_MS, LONGEST_WINDOW_MS = 500, 3_600_000  # idem


class Unit(float):
    """Seconds to wait; 0.0 is leave to send one call, and then says which call it is."""

    turn: int = -1
    serial: int = -1
    at: int = 0
    spent: bool = False
    """the store allows no call for so long; else it is only our own pace that keeps the call waiting"""

    @classmethod
    def granted(cls, turn: int, serial: int, at: int) -> Unit:
        """Leave to send the `serial`-th call, asked for at `at` (ms) in the window `turn`."""
        unit = cls(0.0)
        unit.turn, unit.serial, unit.at = turn, serial, at
        return unit

    @classmethod
    def later(cls, seconds: float, *, spent: bool) -> Unit:
        """No leave for so many seconds."""
        unit = cls(seconds)
        unit.spent = spent
        return unit


@dataclass(frozen=True, slots=True)
class Level:
    """How full the budget is."""

    left: int
    quota: int
    seconds: float
    """until the window turns, or until a pause that the store asked for is over"""


class Quota:
    """The calls that a store still allows; `clock` (seconds) is for tests, else Redis' own clock counts."""

    _line: redis.Redis | None = None

    def __init__(
        self,
        redis: redis.Redis,
        *,
        store_hash: str,
        left_to_others: float = 0.0,
        prefix: str = "quota:",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis = redis
        self._key = prefix + store_hash
        self._share = left_to_others
        self._clock = clock
        self._ask = redis.register_script(scripts.NOW_AND_STATE + scripts.ASK)
        self._heed = redis.register_script(scripts.NOW_AND_STATE + scripts.HEED)
        self._lock = threading.Lock()
        self._on_the_line = threading.Lock()
        self._blind_until = 0.0
        self._next_blind_call = 0.0
        self._blind_gap = 1 / BLIND_CALLS
        self._spent_until = 0.0
        self.shown = Shown(store_hash)

    def ask(self) -> Unit:
        """0.0 = one unit is ours, send now; else the seconds until it is worth asking again."""
        paces = (BURST, FEWEST_AT_ONCE, CATCH_UP, EARLY, SLACK)
        answer = self._run(self._ask, self._share, GUARD_MS, FIRST_CALLS, *paces)
        if answer is None:
            return self._ask_blindly()
        wait, turn, serial, at, spent = (int(number) for number in answer)
        if wait <= 0:
            return Unit.granted(turn, serial, at)
        unit = Unit.later(max(wait, 1) / 1000, spent=bool(spent))
        if unit.spent:
            self._spent_until = self._now() + unit  # so that it is known too if Redis goes away now
        return unit

    def heed(self, headers: Mapping[str, str], *, status: int, unit: Unit | None = None) -> None:
        """Learn from an answer; `unit` is what `ask` gave for it, and status 0 a call without an answer."""
        said = {name.lower(): value for name, value in headers.items()}
        numbers = [_whole(said.get(f"x-rate-limit-{name}")) for name in _HEADERS]
        again = max(_whole(said.get(name)) for name in ("x-retry-after", "retry-after"))
        again = round(min(max(0, again), LONGEST_TOLD) * 1000)
        if not _makes_sense(*numbers):
            # Nothing is learnt of the window; of a refusal it may still be known how long it lasts.
            reset = numbers[3] if numbers[3] <= LONGEST_TOLD * 1000 else -1
            numbers = [-1, -1, numbers[2], reset]
        else:
            self.shown.told(window_ms=numbers[0], quota=numbers[1], left=numbers[2])
        unit = Unit() if unit is None else unit  # a granted one is 0.0, so false
        jitter = 1 - random.random() / 4  # noqa: S311  spreads, hides nothing
        pauses = (int(SHORTEST_PAUSE * 1000), int(LONGEST_PAUSE * 1000))
        self._keep_in_mind(status, numbers, again)
        self._run(self._heed, status, unit.turn, unit.serial, unit.at, *numbers, again, *pauses, jitter)

    def level(self) -> Level | None:
        """What is left now, or None where nothing is known."""
        if self._now() < self._blind_until:
            return None
        try:
            names = ["quota", "used", "others", "reset", "until"]
            values: list[Any] = self._redis.hmget(self._key, names)
            seconds, micros = self._redis.time() if self._clock is None else (self._clock(), 0)
        except redis.RedisError as trouble:
            self._is_away(trouble)
            return None
        if values[0] is None:
            return None
        now = float(seconds) * 1000 + float(micros) / 1000
        quota, used, others, reset, until = (int(value or 0) for value in values)
        if now < until:
            return Level(0, quota, (until - now) / 1000)
        if now >= reset:
            return Level(quota, quota, 0.0)
        return Level(max(0, quota - used - others), quota, (reset - now) / 1000)

    def _run(self, script: Callable[..., Any], *values: float) -> Any:
        """What the script answers, or None while Redis is away."""
        with self._lock:
            began = self._now()
            if began < self._blind_until:
                return None
            looks = bool(self._blind_until)
            if looks:
                self._blind_until = began + BLIND_SECONDS  # one call looks whether it is back, the others do not wait
        now = "" if self._clock is None else round(self._clock() * 1000)
        with self._on_the_line:
            if not looks and self._now() < self._blind_until:
                return None  # it went away while we waited, and nobody waits for it after another
            try:
                answer = script(keys=[self._key], args=[now, *values], client=self._kept_line())
            except redis.RedisError as trouble:
                self._is_away(trouble)
                return None
            self._blind_until = 0.0
        return answer

    def _kept_line(self) -> redis.Redis:
        """Redis by a connection that is kept, one for all the calls of a slice: none of them waits for long.

        For the pool to lend one, look whether it is alive and take it back costs a third of a script's processor time.
        """
        if self._line is None:
            self._line = redis.Redis(connection_pool=self._redis.connection_pool, single_connection_client=True)
        return self._line

    def close(self) -> None:
        """Give the connection back; whoever asks afterwards gets another one."""
        with self._on_the_line:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _is_away(self, trouble: redis.RedisError) -> None:
        log.warning("quota kept without Redis", seconds=BLIND_SECONDS, error=type(trouble).__name__)
        self._blind_until = self._now() + BLIND_SECONDS

    def _ask_blindly(self) -> Unit:
        """At a slow pace, and not before the store's window has turned if it is known to be spent."""
        with self._lock:
            now = self._now()
            if now < self._spent_until:
                return Unit.later(self._spent_until - now, spent=True)
            if now < self._next_blind_call:
                return Unit.later(self._next_blind_call - now, spent=False)
            self._next_blind_call = now + self._blind_gap
            return Unit.granted(-1, -1, 0)

    def _keep_in_mind(self, status: int, numbers: list[int], again: int) -> None:
        """What this answer means for calls that are sent without Redis."""
        _, quota, left, reset = numbers
        ours = left - math.ceil(quota * self._share - 1e-6) if left >= 0 else 0
        with self._lock:
            if status == 429:
                pause = max(reset, again) / 1000 if again or left <= 0 else 0
                self._spent_until = max(self._spent_until, self._now() + (pause or SHORTEST_PAUSE))
            elif quota > 0 and ours <= 0:
                self._spent_until = max(self._spent_until, self._now() + reset / 1000)
            elif quota > 0:
                self._blind_gap = max(1 / BLIND_CALLS, reset / 1000 / ours)

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()


def connect(url: str) -> redis.Redis:
    """The Redis of the quota: tried twice, so that who asks is told soon that it is away."""
    return redis.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=3,
        health_check_interval=5,
        retry=Retry(NoBackoff(), 1),
        max_connections=MOST_LINES,
    )


_HEADERS = ("time-window-ms", "requests-quota", "requests-left", "time-reset-ms")


def _makes_sense(window: int, quota: int, left: int, reset: int) -> bool:
    """Whether the four can be true of one window."""
    is_window = SHORTEST_WINDOW_MS <= window <= LONGEST_WINDOW_MS
    return is_window and quota > 0 and left >= 0 and 0 <= reset <= window + 1000


def _whole(text: str | None) -> int:
    """The header's number, not below the truth, or -1 where it has none."""
    try:
        return min(math.ceil(float(text)), 10**12) if text is not None else -1
    except (ValueError, OverflowError):
        return -1
