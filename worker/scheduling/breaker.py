"""A circuit breaker for each store and each source: who fails is left in peace, for longer each time.

| state     | what it is                                                                                  |
| --------- | ------------------------------------------------------------------------------------------- |
| closed    | no failure is counted                                                                       |
| open      | a slice ended since the neighbour was unwell: nobody is dispatched to it before its time    |
| half-open | the time has come: the next slice is the probe, and the only one, as a store has one at a time |

Only the neighbour's own failure counts: not that the quota is spent, the worker drains, or an item is refused. Why it
is as it is: docs/decisions/0011.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.errors import SourceUnwell, TurnLost, Unwell
from worker.ledger import rests
from worker.ledger.rests import Neighbour
from worker.ledger.session import as_scheduler
from worker.metrics import slices
from worker.scheduling.fence import Fence

FIRST_REST, LONGEST_REST = 30.0, 1800.0
"""Seconds: 30 s x 2^n, half an hour at most."""
MOST_SPREAD = 1.1
"""Times what the neighbour has asked for: later than it said, never earlier, and not all at one moment."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How long a neighbour is left in peace."""

    neighbour: Neighbour
    failures: int
    """slices in a row that failed by it"""
    seconds: float
    until: datetime

    def __str__(self) -> str:
        again = f"the {self.neighbour} is called again after {self.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return again if self.failures == 1 else f"{again}; it has failed {self.failures} times in a row"


def seconds_of_rest(failures: int, told: float, rng: random.Random) -> float:
    """The longer of our back-off, of which half is chance, and of what the neighbour itself has `told` (seconds)."""
    longest = min(LONGEST_REST, FIRST_REST * 2.0 ** min(failures - 1, 10))
    return max(longest * rng.uniform(0.5, 1), told * rng.uniform(1, MOST_SPREAD))


def trip(fence: Fence, trouble: Unwell, rng: random.Random, *, got_on: bool) -> Rest:
    """Open the circuit for everybody; `got_on`: the neighbour has served this slice before it failed."""
    neighbour = whose(trouble)
    at = (neighbour, fence.connector_id, fence.epoch)
    with as_scheduler(fence.engine) as session:
        failures = rests.count_failure(session, *at, is_first=got_on)
        if failures is None:
            raise TurnLost
        seconds = seconds_of_rest(failures, trouble.retry_after, rng)
        until = rests.rest(session, *at, seconds=seconds)
    slices.failed_by(neighbour.value)
    return Rest(neighbour, failures, seconds, until)


def whose(trouble: Unwell) -> Neighbour:
    """The neighbour that is unwell."""
    return Neighbour.SOURCE if isinstance(trouble, SourceUnwell) else Neighbour.STORE
