"""How often each key asks, counted in Redis; one that is away is left in peace for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis
import structlog
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

MINUTE = 60
REST_SECONDS = 10.0
"""After a failure nobody counts for so long: one that does not answer costs each caller seconds. Then one tries."""


class Counting:
    """The way in which a process counts calls."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rests_until: float | None = None
        self._lock = threading.Lock()

    def again(self, broker: redis.Redis, key_id: str) -> int | None:
        """Count one more call of the key; how many it has made in this minute, None where nobody can know."""
        if not self._may_try():
            return None
        counter = f"door:{key_id}:{int(time.time() // MINUTE)}"
        try:
            with broker.pipeline() as pipeline:
                pipeline.incr(counter)
                pipeline.expire(counter, 2 * MINUTE)
                asked, _ = pipeline.execute()
        except RedisError as trouble:
            # Nothing in Redis must last, and nobody is kept out because it is away.
            log.warning("calls not counted", error=type(trouble).__name__, seconds=REST_SECONDS)
            self._rests_until = self._clock() + REST_SECONDS
            return None
        self._rests_until = None
        return int(asked)

    def _may_try(self) -> bool:
        with self._lock:
            if self._rests_until is None:
                return True
            if self._clock() < self._rests_until:
                return False
            # The others wait for what becomes of this one's try.
            self._rests_until = self._clock() + REST_SECONDS
            return True
