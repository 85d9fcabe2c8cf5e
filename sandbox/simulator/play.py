"""The slots, the door and the clock: who gets a slot when, until all work is done or the time is over."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from sandbox.simulator.orders import Order, Run

AT_THE_DOOR_SECONDS = 2.0
"""Who is at the door is taken for waiting from its third second on, as in `turns.is_wanted`."""
MOMENT = 1e-6
"""Seconds that do not count: a sum of floats may fall short of what it should be."""


@dataclass(frozen=True, slots=True)
class House:
    """What the operator has set up; seconds."""

    slots: int = 32
    door: int = 8
    quantum: float = 60.0
    longest: float = 600.0
    batch: float = 5.0
    """The longest from the moment at which a slice should end until it does: what is in flight comes back."""
    handoff: float = 0.5
    """What it costs a slice to begin, out of its own time."""

    def promise(self, place: int) -> float:
        """The longest wait of a tenant without debts that is so many-th in line, those at the door included."""
        return math.ceil(place / self.slots) * (self.quantum + self.batch) + AT_THE_DOOR_SECONDS


@dataclass(slots=True)
class Played:
    """What came of it."""

    runs: list[Run]
    slots: int
    held: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Tenant -> slot-seconds."""
    ended: float = 0.0
    slices: int = 0

    @property
    def utilisation(self) -> float:
        """Share of the slots' time that slices held."""
        return sum(self.held.values()) / (self.slots * self.ended) if self.ended else 0.0


@dataclass(slots=True)
class _Floor:
    """The slots and the door at one moment."""

    order: Order
    house: House
    played: Played
    door: deque[Run] = field(default_factory=deque)
    started: dict[Run, float] = field(default_factory=dict)
    """When the slice under way of each run began."""
    looks: list[tuple[float, int, Run]] = field(default_factory=list)
    """When each slice under way is looked at next."""
    numbers: Iterator[int] = field(default_factory=count)

    def comes(self, run: Run) -> None:
        """The run is asked for."""
        self.order.add(run)
        before = self.order.ahead(run)
        run.promised = None if before is None else self.house.promise(len(self.door) + before + 1)

    def fill(self, now: float) -> None:
        """The door is filled, and who stands at it takes what slots are free."""
        while True:
            free = self.house.slots - len(self.started)
            while len(self.door) < min(self.house.door, free) and (passed := self.order.take()) is not None:
                self.door.append(passed)
            if not self.door or len(self.started) == self.house.slots:
                return
            run = self.door.popleft()
            run.began = now if run.began is None else run.began
            self.started[run] = now
            self.played.slices += 1
            self._look_later(run, 0.0)

    def look(self, now: float) -> None:
        """The slice that is to be looked at now ends, or goes on."""
        _, _, run = heapq.heappop(self.looks)
        held = now - self.started[run]
        is_done = held + MOMENT >= self.house.handoff + run.left
        if not is_done and not self._should_leave(run, held, now):
            self._look_later(run, held + MOMENT)
            return
        del self.started[run]
        self.played.held[run.tenant] += held
        run.left -= held - self.house.handoff
        self.order.settle(run, held)
        if is_done:
            run.ended = now
        else:
            run.ready = now
            self.order.add(run)

    def _should_leave(self, run: Run, held: float, now: float) -> bool:
        if held + MOMENT >= self.house.longest:
            return True
        stuck = [one for one in self.door if now - one.ready > AT_THE_DOOR_SECONDS]
        return held + MOMENT >= self.house.quantum and self.order.is_wanted(run, held, stuck)

    def _look_later(self, run: Run, held: float) -> None:
        """At the yield quantum, after it with every batch; where it has no more work, or no more time, then."""
        at = self.house.quantum if held < self.house.quantum else held + self.house.batch
        at = min(at, self.house.longest, self.house.handoff + run.left)
        heapq.heappush(self.looks, (self.started[run] + at, next(self.numbers), run))


def play(runs: Iterable[Run], order: Order, house: House, *, until: float = math.inf) -> Played:
    """Play the runs; those that are under way at `until` are counted as far as they came."""
    coming = deque(sorted(runs, key=lambda run: run.came))
    played = Played(list(coming), house.slots)
    floor = _Floor(order, house, played)
    while coming or floor.looks:
        comes = coming[0].came if coming else math.inf
        now = min(comes, floor.looks[0][0] if floor.looks else math.inf)
        if now > until:
            break
        if comes <= now:
            floor.comes(coming.popleft())
        else:
            floor.look(now)
        floor.fill(now)
        played.ended = now
    if until < math.inf:
        played.ended = until
        for run, since in floor.started.items():
            played.held[run.tenant] += until - since
    return played
