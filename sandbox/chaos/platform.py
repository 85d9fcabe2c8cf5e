"""What a container platform does: starts workers, and starts another where one has ended.

It also takes down whom a `kill -9` or a SIGSTOP has hit: the connectors whose slices that worker held.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

from sandbox.processes.children import Child, Children
from worker.ledger.session import as_scheduler

SECONDS_BETWEEN_LOOKS = 0.02
ARGUMENTS = "worker -P threads -E --without-gossip --without-mingle -l warning"


@dataclass(frozen=True, slots=True)
class Hit:
    """A connector that lost its worker."""

    connector_id: int
    tenant_id: int
    epoch: int
    """Of the slice that was hit."""
    at: float
    """Seconds since the epoch of Unix."""
    bound: float
    """Seconds in which it has to be claimed again."""
    by: str


@dataclass(slots=True)
class Worker:
    """One worker process."""

    node: str
    """Its name for Celery, which stands in the turns that it holds."""
    child: Child

    def send(self, number: signal.Signals) -> None:
        """Have the process hear this signal."""
        os.kill(self.child.process.pid, number)


@dataclass(slots=True)
class Platform:
    """Two workers, or what is left of them."""

    children: Children
    engine: Engine
    environment: dict[str, str]
    """The product's settings, for the workers that are started from now on."""
    slots: int
    """Slices that one worker plays at once."""
    bound: float
    """Seconds from a hit to the next claim, as they are to be."""
    workers: dict[str, Worker] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    seconds_before_another: float = 1.0
    """Between the end of a worker and the start of its successor."""
    exits: list[tuple[str, int]] = field(default_factory=list)
    """Node and exit code of every worker that has ended."""
    _count: int = 0
    _ended: dict[str, float] = field(default_factory=dict)
    _orders: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """What the next worker at a place is to do beside its work."""

    def start(self, place: str, orders: Mapping[str, str] | None = None) -> Worker:
        """A worker at this place; with orders, one that dies or freezes by itself (`sandbox.chaos.app`)."""
        self._count += 1
        node = f"{place}-{self._count}"
        application = "sandbox.chaos.app" if orders else "worker.app"
        arguments = ["-A", application, *ARGUMENTS.split(), "-c", str(self.slots), "-n", f"{node}@%h"]
        environment = self.environment | ({"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}) | dict(orders or {})
        self.workers[place] = Worker(node, self.children.start(f"worker-{node}", "celery", arguments, environment))
        return self.workers[place]

    def next_is(self, place: str, orders: Mapping[str, str]) -> None:
        """The next worker at this place has these orders."""
        self._orders[place] = orders

    def tend(self) -> None:
        """Write down who has ended, and start others in their places."""
        for place, worker in list(self.workers.items()):
            if place in self._ended:
                if time.monotonic() - self._ended[place] > self.seconds_before_another:
                    del self._ended[place]
                    self.start(place, self._orders.pop(place, None))
            elif worker.child.has_ended():
                code = int(worker.child.process.returncode)
                self._ended[place] = time.monotonic()
                self.exits.append((worker.node, code))
                if code == -signal.SIGKILL:
                    self.hit(worker, "kill -9")

    def wait(self, seconds: float) -> None:
        """Tend the workers for so long."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            self.tend()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def hit(self, worker: Worker, by: str) -> int:
        """Whose slices this worker held when it was hit, just now; how many there are."""
        at = time.time()
        with as_scheduler(self.engine) as session:
            rows = session.execute(
                text(
                    "SELECT connector_id, tenant_id, epoch FROM turn"
                    " WHERE state = 'running' AND deadline > now() AND split_part(worker, '@', 1) = :node"
                ),
                {"node": worker.node},
            ).all()
        self.hits += [Hit(row.connector_id, row.tenant_id, row.epoch, at, self.bound, by) for row in rows]
        return len(rows)

    def has(self, place: str) -> bool:
        """Whether a worker lives there."""
        return place in self.workers and place not in self._ended and not self.workers[place].child.has_ended()
