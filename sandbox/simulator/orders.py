"""Who is next among those that are ready: by the product's own tags, or first come, first served."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.ledger import tags


@dataclass(slots=True, eq=False)
class Run:
    """Work of one connector: so many seconds of a slot, in as many slices as it takes."""

    tenant: int
    came: float
    work: float
    left: float = field(init=False)
    ready: float = field(init=False)
    tag: float = 0.0
    place: int = 0
    """Its number in the order in which turns became ready."""
    began: float | None = None
    ended: float | None = None
    promised: float | None = None
    """Seconds after which it must have had its first slot at the latest; None = its tenant had debts."""

    def __post_init__(self) -> None:
        self.left, self.ready = self.work, self.came


class Order(Protocol):
    """Whose turn it is."""

    def add(self, run: Run) -> None:
        """The run is ready, from its `ready` on."""

    def take(self) -> Run | None:
        """The next one, which goes to the door; None where nobody is ready."""

    def is_wanted(self, run: Run, held: float, at_door: Sequence[Run]) -> bool:
        """Whether this run, which has held its slot for so many seconds, should give it to somebody who waits."""

    def settle(self, run: Run, held: float) -> None:
        """A slice of the run is over."""

    def ahead(self, run: Run) -> int | None:
        """How many are ready that come before this run, once and for all; None where others may come in between."""


@dataclass(slots=True)
class Fair:
    """As the product does it: a tag for each turn, by the functions of `worker.ledger.tags`."""

    quantum: float
    weights: Mapping[int, float] = field(default_factory=dict)
    virtual_time: float = 0.0
    finishes: dict[int, float] = field(default_factory=dict)
    _ready: list[tuple[float, int, Run]] = field(default_factory=list)
    _places: int = 0

    def add(self, run: Run) -> None:
        """Tag the run."""
        charged = tags.charge(
            self.virtual_time, self._finish(run), weight=self._weight(run), quantum=self.quantum, turns=1
        )
        [run.tag] = charged.tags
        self.finishes[run.tenant] = charged.finish
        self._places += 1
        run.place = self._places
        heapq.heappush(self._ready, (run.tag, run.place, run))

    def take(self) -> Run | None:
        """The smallest tag; the virtual time moves up to it."""
        if not self._ready:
            return None
        tag, _, run = heapq.heappop(self._ready)
        self.virtual_time = max(self.virtual_time, tag)
        return run

    def is_wanted(self, run: Run, held: float, at_door: Sequence[Run]) -> bool:
        """Whether somebody poorer waits."""
        waiting = min((*(one.tag for one in at_door), *(entry[0] for entry in self._ready[:1])), default=None)
        return tags.is_wanted(
            waiting,
            virtual_time=self.virtual_time,
            finish=self._finish(run),
            weight=self._weight(run),
            quantum=self.quantum,
            held=held,
        )

    def settle(self, run: Run, held: float) -> None:
        """Charge the seconds held."""
        self.finishes[run.tenant] = tags.settle(
            self._finish(run), weight=self._weight(run), quantum=self.quantum, held=held
        )

    def ahead(self, run: Run) -> int | None:
        """Nobody passes a run that is tagged with the virtual time: later tags are not smaller, and ties wait."""
        if run.tag > self.virtual_time:
            return None
        return sum(entry[:2] < (run.tag, run.place) for entry in self._ready)

    def _finish(self, run: Run) -> float:
        return self.finishes.get(run.tenant, 0.0)

    def _weight(self, run: Run) -> float:
        return self.weights.get(run.tenant, 1.0)


@dataclass(slots=True)
class FirstCome:
    """What a plain queue does: whoever has more work queues itself again, behind all the others."""

    yields: bool
    """Whether a slice ends after the yield quantum when anybody waits; else it takes its longest time."""
    _queue: deque[Run] = field(default_factory=deque)

    def add(self, run: Run) -> None:
        """Behind all the others."""
        self._queue.append(run)

    def take(self) -> Run | None:
        """The one that has waited longest."""
        return self._queue.popleft() if self._queue else None

    def is_wanted(self, run: Run, held: float, at_door: Sequence[Run]) -> bool:
        """Whether anybody waits."""
        del run, held
        return self.yields and bool(self._queue or at_door)

    def settle(self, run: Run, held: float) -> None:
        """Nobody counts."""

    def ahead(self, run: Run) -> int | None:
        """Nothing is promised."""
        del run
        return None
