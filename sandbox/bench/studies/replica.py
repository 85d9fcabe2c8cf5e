"""How many connectors one worker process drives at once, and per hour: `make bench T=replica`.

1. One process with 8, 16, 32 and 64 slots, as many connectors, each with a store of its own on the Standard plan (150
   calls in 30 s) and more to send than the time allows; stores that answer after 0.1 s and after 2 s. What does a
   store get of its quota, what does a call cost the worker, how long does a slice go without a heartbeat?
2. Connectors without changes, checked one after the other: what does a check cost?

The figures of calls are the ledger's, those of CPU and memory the kernel's; a heartbeat's age is read off the lease.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from models.vocabulary import SENDING_STEPS, RunState
from sandbox.bench import processor
from sandbox.bench.works import Works, works
from sandbox.generator.catalogue import generate
from sandbox.stage.stage import Cast
from worker.ledger import runs
from worker.ledger.fairness import quantile
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling import dispatch
from worker.tasks import publish

SLOTS = (8, 16, 32, 64)
LATENCIES = (0.1, 2.0)
PLAN, ALLOWED = "Standard", 5.0
"""A store's plan, and the calls a second that it comes to."""
SECONDS, WARM_UP = 12.0, 3.0
STARTING = 15.0
"""Seconds in which all slices begin; a process that cannot hold so many is measured with those that it holds."""
CHECKED, CHECKS_SECONDS = 16, 10.0
"""Connectors without changes, and how long they are checked."""
SEED = 1
SENDING = (RunState.PREPARED.value, RunState.SYNCHRONIZING.value)
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One process with so many slots, for the seconds of one window."""

    latency: float
    slots: int
    seconds: float
    calls: int
    cpu: float
    """Seconds of the worker's processor."""
    neighbours: float
    """Of the simulated store's."""
    memory: float
    """MiB, what is shared counted in parts."""
    running: float
    """Slices at a time, on the average."""
    ages: Sequence[float]
    """Seconds since the last heartbeat of each running slice, looked up again and again."""

    @property
    def rate(self) -> float:
        """Calls a second, of all slots."""
        return self.calls / self.seconds

    @property
    def share(self) -> float:
        """Of what the stores allow."""
        return self.rate / self.slots / ALLOWED


@dataclass(frozen=True, slots=True)
class Checks:
    """Connectors without changes, checked for some seconds."""

    number: int
    seconds: float
    cpu: float
    """Seconds of the worker's processor."""
    postgres: float
    """Of Postgres's."""
    held: float
    """Seconds in a slot, at the 95th percentile."""

    def __str__(self) -> str:
        each = 1000 / max(1, self.number)
        return (
            f"{self.number / self.seconds:.0f} a second, {each * self.cpu:.1f} ms of CPU each and"
            f" {each * self.postgres:.1f} ms of Postgres's, p95 {1000 * self.held:.0f} ms in a slot"
        )


@dataclass(slots=True)
class Bench:
    """One tenant's connectors, and the process that drives them."""

    at: Works
    casts: list[Cast] = field(default_factory=list)
    idle: list[Cast] = field(default_factory=list)
    """Those without changes."""

    def ask(self, sql: str, **values: Any) -> int:
        """One number of the tenant's."""
        with as_tenant(self.at.engine, self.casts[0].tenant_id) as session:
            return int(session.scalar(text(sql), values) or 0)

    def turns(self, state: str) -> int:
        """How many turns are there."""
        with as_scheduler(self.at.engine) as session:
            return int(session.scalar(text("SELECT count(*) FROM turn WHERE state = :state"), {"state": state}) or 0)

    def ages(self) -> list[float]:
        """How long ago each running slice has renewed its lease."""
        with as_scheduler(self.at.engine) as session:
            left = session.scalars(
                text("SELECT extract(epoch FROM deadline - now())::float8 FROM turn WHERE state = 'running'")
            )
            return [max(0.0, self.at.settings.lease_seconds - one) for one in left]

    def pause(self) -> int:
        """Runs that have come to sending stand still; how many do by now."""
        with as_tenant(self.at.engine, self.casts[0].tenant_id) as session:
            coming = session.execute(
                text(
                    "SELECT connector_id, id FROM run WHERE state = ANY(:states) AND step = ANY(:steps)"
                    " AND connector_id = ANY(:busy)"
                ),
                {
                    "states": list(SENDING),
                    "steps": list(SENDING_STEPS),
                    "busy": [one.connector_id for one in self.casts],
                },
            ).all()
        for connector_id, run_id in coming:
            with as_tenant(self.at.engine, self.casts[0].tenant_id) as session:
                runs.pause(session, connector_id, run_id)
        return self.ask("SELECT count(*) FROM run WHERE state = 'paused'")

    def resume(self, cast: Cast) -> None:
        """Its paused run goes on."""
        with as_tenant(self.at.engine, cast.tenant_id) as session:
            run_id = session.scalar(
                text("SELECT id FROM run WHERE connector_id = :id AND state = 'paused'"), {"id": cast.connector_id}
            )
            runs.resume(session, int(run_id or 0))
        dispatch.wake(self.at.engine, self.at.settings, publish, cast.connector_id)

    @contextmanager
    def worker(self, slots: int) -> Iterator[int]:
        """One process of so many slots, ended by SIGTERM; its id."""
        started = self.at.start(slots)
        try:
            yield started.child.process.pid
        finally:
            started.send(signal.SIGTERM)
            started.child.process.wait(self.at.settings.drain_seconds + 20)

    def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until it is so."""
        give_up_at = time.monotonic() + seconds
        while not true():
            if time.monotonic() > give_up_at:
                raise TimeoutError("bench: it did not come to pass; is the machine busy with something else?")
            time.sleep(0.1)


def main(scale: float) -> None:
    """Measure, and print the tables."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"replica: one process, stores on {PLAN} ({ALLOWED:.0f} calls/s each), seed {SEED}; preparing ...")
    with works(durable=False, pacemaker_seconds=0.5) as at:
        bench = _seated(at, scale)
        began = time.monotonic()
        _prepare(bench)
        console.print(f"{len(bench.casts)} runs planned in {time.monotonic() - began:.0f} s")
        checks = _checks(bench, max(2.0, CHECKS_SECONDS * scale))
        measured: list[Measured] = []
        for slots in SLOTS:
            measured += _measure(bench, slots, max(2.0, SECONDS * scale))
            told = (f"{one.rate:.0f} calls/s where they answer after {one.latency} s" for one in measured[-2:])
            console.print(f"{slots} slots: {', '.join(told)}")
    console.print(_table(sorted(measured, key=lambda one: one.latency)))
    console.print(f"checks without changes, {CHECKED} slots: {checks}")


def _seated(at: Works, scale: float) -> Bench:
    """All connectors, the busy ones with more to send than all windows allow in which they take part."""
    bench = Bench(at)
    little = generate(seed=SEED, categories=2, products=3, variants_per_product=0)
    bench.idle = [at.add(f"idle{n}", little, plan=PLAN) for n in range(CHECKED)]
    seconds = max(2.0, SECONDS * scale) + WARM_UP + 3.0
    for first, last in zip((0, *SLOTS), SLOTS, strict=False):
        windows = len(LATENCIES) * sum(slots >= last for slots in SLOTS)
        products = int(windows * seconds * ALLOWED) + 40
        much = generate(seed=SEED, categories=3, products=products, variants_per_product=0)
        bench.casts += [at.add(f"busy{n}", much, plan=PLAN) for n in range(first, last)]
    return bench


def _prepare(bench: Bench) -> None:
    """Every run is planned, and stands still before it sends; those without changes have had theirs."""
    for cast in (*bench.idle, *bench.casts):
        bench.at.request(cast)
    with bench.worker(32):
        bench.until(lambda: bench.pause() == len(bench.casts) and bench.ask(_ENDED) == CHECKED)
        bench.until(lambda: bench.turns("running") == 0)


def _measure(bench: Bench, slots: int, seconds: float) -> Iterator[Measured]:
    """One process, with quick stores first and with slow ones then."""
    busy = bench.casts[:slots]
    with bench.worker(slots) as pid:
        for latency in LATENCIES:
            for cast in busy:
                bench.at.ground.neighbours.configure_store(cast.store_hash, latency=latency)
            if latency == LATENCIES[0]:
                _begin(bench, busy)
            time.sleep(WARM_UP + latency)
            yield _window(bench, latency, slots, seconds, pid)
        bench.pause()
        bench.until(lambda: bench.turns("running") == 0)


def _begin(bench: Bench, busy: Sequence[Cast]) -> None:
    """All of them send, in a window of the quota that begins now, with nothing known of the one before."""
    with redis.Redis.from_url(bench.at.settings.redis_url) as server:
        for key in server.scan_iter("quota:*"):
            server.delete(key)
    for cast in busy:
        bench.at.ground.neighbours.configure_store(cast.store_hash, window_seconds=30.0)
        bench.resume(cast)
    give_up_at = time.monotonic() + STARTING
    while bench.turns("running") < len(busy) and time.monotonic() < give_up_at:
        time.sleep(0.1)


def _window(bench: Bench, latency: float, slots: int, seconds: float, pid: int) -> Measured:
    store = bench.at.ground.store.process.pid
    began, calls, cpu, theirs = time.monotonic(), bench.ask(_CALLS), processor.seconds(pid), processor.seconds(store)
    looks: list[list[float]] = []
    while time.monotonic() < began + seconds:
        looks.append(bench.ages())
        time.sleep(0.2)
    took = time.monotonic() - began
    ages = [age for look in looks for age in look]
    return Measured(
        latency,
        slots,
        took,
        bench.ask(_CALLS) - calls,
        processor.seconds(pid) - cpu,
        processor.seconds(store) - theirs,
        _memory(pid),
        len(ages) / len(looks),
        ages,
    )


def _checks(bench: Bench, seconds: float) -> Checks:
    mine = [one.connector_id for one in bench.idle]
    with bench.worker(CHECKED) as pid:
        began, before = time.monotonic(), bench.ask(_SLICES, ids=mine)
        cpu, postgres = processor.seconds(pid), processor.seconds(bench.at.ground.postgres.pid)
        while time.monotonic() < began + seconds:
            with as_scheduler(bench.at.engine) as session:
                parked = session.scalars(
                    text("SELECT connector_id FROM turn WHERE state = 'parked' AND connector_id = ANY(:ids)"),
                    {"ids": mine},
                ).all()
            for connector_id in parked:
                dispatch.wake(bench.at.engine, bench.at.settings, publish, connector_id)
            time.sleep(0.01)
        took, cpu = time.monotonic() - began, processor.seconds(pid) - cpu
        postgres = processor.seconds(bench.at.ground.postgres.pid) - postgres
        checks = bench.ask(_SLICES, ids=mine) - before
        bench.until(lambda: bench.turns("running") == 0)
        with as_tenant(bench.at.engine, bench.idle[0].tenant_id) as session:
            held = session.scalars(text(_HELD), {"ids": mine, "most": checks}).all()
    return Checks(checks, took, cpu, postgres, quantile([float(one) for one in held], 0.95) or 0.0)


_ENDED = "SELECT count(*) FROM run WHERE ended_at IS NOT NULL"
_CALLS = "SELECT coalesce(sum(calls), 0) FROM run"
_SLICES = "SELECT count(*) FROM slice_log WHERE connector_id = ANY(:ids) AND ended_at IS NOT NULL"
_HELD = (
    "SELECT extract(epoch FROM ended_at - started_at) FROM slice_log WHERE connector_id = ANY(:ids)"
    " AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT :most"
)


def _memory(pid: int) -> float:
    """MiB of the process, what it shares with others counted in parts."""
    return float(psutil.Process(pid).memory_full_info().pss) / 2**20


def _table(measured: Sequence[Measured]) -> Table:
    table = Table(
        *("answers after", "slots", "running", "calls/s", "beside 8", "of the quota", "CPU", "ms a call"),
        *("store's CPU", "MiB", "beat p95, s", "longest, s"),
    )
    for one in measured:
        fewest = next(each for each in measured if each.latency == one.latency)
        table.add_row(
            f"{one.latency} s",
            str(one.slots),
            f"{one.running:.0f}",
            f"{one.rate:.0f}",
            f"x {one.rate / max(fewest.rate, 0.01):.2f}",
            f"{one.share:.0%}",
            f"{one.cpu / one.seconds:.0%}",
            f"{1000 * one.cpu / max(1, one.calls):.1f}",
            f"{one.neighbours / one.seconds:.0%}",
            f"{one.memory:.0f}",
            f"{quantile(one.ages, 0.95) or 0:.2f}",
            f"{max(one.ages, default=0.0):.2f}",
        )
    return table
