"""Places for what lasts: a process has so many in all, and one tenant gets so many of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import ProblemError

ASKING, ASKING_OF_ONE = 8, 2
"""Requests that wait for a source or a store at one time. Each holds a thread, of 40 that a process has."""
ASKING_SAYS = "As many questions wait for sources and stores as may wait at one time; ask again in a few seconds."
LEAST_STREAMS = 5
"""So many streams a tenant may have at least, where a quarter of all is less."""
STREAMS_SAY = "As many listen to this process as it serves; ask again in a few seconds, or ask for the progress."


class Places:
    """So many places; a context of `one` holds one of them."""

    def __init__(self, most: int, of_one: int, *, says: str) -> None:
        self.most = most
        self.of_one = of_one
        self._says = says
        self._taken = Counter[int]()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many are held just now."""
        return self._taken.total()

    @contextmanager
    def one(self, tenant_id: int) -> Iterator[None]:
        """A place of this tenant's until the block ends; 503 where it gets none."""
        with self._lock:
            if self._taken.total() >= self.most or self._taken[tenant_id] >= self.of_one:
                raise ProblemError(503, "unavailable", self._says, headers={"Retry-After": "5"})
            self._taken[tenant_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[tenant_id] -= 1
                if not self._taken[tenant_id]:
                    del self._taken[tenant_id]


def for_streams(most: int) -> Places:
    """Those for streams of events, of the API and of the pages; four tenants at least share them."""
    return Places(most, max(most // 4, LEAST_STREAMS), says=STREAMS_SAY)


def for_asking() -> Places:
    """Those for requests that ask a source or a store while somebody waits."""
    return Places(ASKING, ASKING_OF_ONE, says=ASKING_SAYS)
