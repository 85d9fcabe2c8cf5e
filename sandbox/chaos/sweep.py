"""The sweep: a run is killed before and after each of its calls and commits, and finished.

Each run is a new tenant's first one, between a source and an empty store of its own. It is played in a forked child by
the slice's own code, with a lease of a second, and dies by `kill -9` at its n-th moment, for every n. Then another
process waits until the lease has really run out, and finishes it.

While one waits for a lease, others work: several lanes run side by side, each a process with a database of its own, so
that no lane's pacemaker finds another's turns.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue

from sandbox.chaos import attempt
from sandbox.chaos.attempt import Attempt
from sandbox.chaos.end import End, judge
from sandbox.chaos.figures import Figures
from sandbox.chaos.ground import Ground
from sandbox.chaos.neighbours import Neighbours
from sandbox.stage.stage import KEY_RING
from worker import logs
from worker.settings import Settings

LANES = 4
"""On two cores: while two wait for their leases, two work."""
LEASE_SECONDS = 1.0
BOUND_SECONDS = LEASE_SECONDS + 3.0
"""From a death to the next claim."""
LIVED_IN_A_ROW = 4
"""So many runs whose first worker lived to the end: there is no further moment to die at."""
LONGER = 1.2
"""How many times as many moments as the undisturbed run a slow one may have: more heartbeats, nothing else."""
SEED = 3


@dataclass(frozen=True, slots=True)
class _Lane:
    settings: Settings
    neighbours: Neighbours


_lane: list[_Lane] = []
"""This process's own."""


def _take_lane(lanes: SimpleQueue[_Lane]) -> None:
    _lane.append(lanes.get())
    logs.configure(_lane[0].settings)


def _attempt(name: str, at: int | None) -> Attempt:
    lane = _lane[0]
    return attempt.attempt(lane.settings, lane.neighbours, name, at, seed=SEED)


def lane_settings(ground: Ground, number: int) -> Settings:
    """Short leases, and messages that count as lost after a second."""
    return Settings(
        database_url=ground.database(f"lane_{number}"),
        redis_url=ground.redis.url,
        saleslayer_url=ground.neighbours.source,
        bigcommerce_url=ground.neighbours.store,
        credential_keys=KEY_RING,
        lease_seconds=LEASE_SECONDS,
        dispatch_seconds=LEASE_SECONDS,
        calls_in_flight=6,
        log_level="critical",
    )


def sweep(
    ground: Ground,
    moments: Iterable[int] | None = None,
    *,
    lanes: int = LANES,
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Die at these moments, None = at every one; the figures of all the runs."""
    context = multiprocessing.get_context("spawn")
    waiting: SimpleQueue[_Lane] = context.SimpleQueue()
    for number in range(lanes):
        waiting.put(_Lane(lane_settings(ground, number), ground.neighbours))
    with ProcessPoolExecutor(lanes, context, _take_lane, (waiting,)) as pool:
        twin = pool.submit(_attempt, "undisturbed", None).result()
        tell(f"sweep: the undisturbed run has {twin.moments} moments and {twin.end.booked} outcomes")
        found = Figures()
        began = time.monotonic()
        for done, (at, result) in enumerate(_attempts(pool, lanes, moments, twin.moments), start=1):
            _add(found, at, result, twin.end)
            if done % 50 == 0:
                tell(f"sweep: {done} runs in {time.monotonic() - began:.0f} s, {found.short()}")
    return found


def _attempts(
    pool: ProcessPoolExecutor, lanes: int, moments: Iterable[int] | None, expected: int
) -> Iterator[tuple[int, Attempt]]:
    """The runs as they end; without chosen moments, until there are no further ones to die at."""
    chosen = iter(moments) if moments is not None else iter(range(int(LONGER * expected)))
    under_way: dict[Future[Attempt], int] = {}
    lived = 0
    while True:
        while len(under_way) < lanes and lived < LIVED_IN_A_ROW and (at := next(chosen, None)) is not None:
            under_way[pool.submit(_attempt, f"cut{at}", at)] = at
        if not under_way:
            return
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            result = future.result()
            lived = 0 if result.died_at else lived + 1
            yield under_way.pop(future), result


def _add(found: Figures, at: int, result: Attempt, twin: End) -> None:
    verdict = judge(result.end, twin)
    where = f"dead at moment {at}, {result.died_at}" if result.died_at else f"alive past moment {at}"
    found.add(where, result.end, verdict)
    if result.died_at:
        found.deaths += 1
    if result.recovery is not None:
        found.recovered(result.recovery, BOUND_SECONDS)
