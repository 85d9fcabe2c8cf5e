"""The scheduler alone, with 10,000 tenants and 50,000 connectors on Postgres: `make bench T=tenants`.

A hand-off is what a turn takes of the scheduler: dispatched by its tag, claimed, released, tagged again. Three
processes hand off at the same time, as workers do; the rate is what they come to together. It is measured for more and
more connectors that are ready at the same time; the rate that counts is that of the most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, create_engine, text

from sandbox.bench.figures import Figure, Panel, Result
from sandbox.servers.postgres import SUPERUSER, EmbeddedPostgres
from sandbox.stage.database import migrate
from worker.ledger import processes, turns
from worker.ledger.fairness import quantile
from worker.ledger.session import as_scheduler, as_tenant, engine
from worker.process import collect_seldom

TENANTS, CONNECTORS = 10_000, 50_000
READY = (100, 1_000, 10_000, 50_000)
HAND_OFFS, PROCESSES = 4_000, 3
SLOTS, DOOR, TTL, QUANTUM, LEASE = 32, 8, 150.0, 60.0, 25.0
AT_LEAST = 200.0


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    hand_offs = max(100, int(HAND_OFFS * scale))
    console.print(f"tenants: {TENANTS:,} tenants, {CONNECTORS:,} connectors, {hand_offs:,} hand-offs each time ...")
    table = Table("ready", "hand-offs a second", "p50, ms", "p95, ms", title=None)
    rates, medians, highs = [], [], []
    with _filled() as (at, url), _workers() as hand_off:
        _make_ready(at, READY[0])
        hand_off(url, PROCESSES * DOOR)  # all have begun, and have their connections
        for ready in READY:
            _make_ready(at, ready)
            began = time.monotonic()
            seconds = hand_off(url, hand_offs)
            rates.append(len(seconds) / (time.monotonic() - began))
            medians.append(median(seconds))
            highs.append(float(quantile(seconds, 0.95) or 0))
            table.add_row(f"{ready:,}", f"{rates[-1]:.0f}", f"{1000 * medians[-1]:.2f}", f"{1000 * highs[-1]:.2f}")
    console.print(table)
    # log n at most: from the fewest to the most the logarithm grows so many times.
    growth, allowed = medians[-1] / medians[0], math.log(READY[-1]) / math.log(READY[0])
    console.print(f"from {READY[0]:,} to {READY[-1]:,} ready it takes {growth:.2f} times as long; log n {allowed:.2f}")
    is_reached = rates[-1] >= AT_LEAST and growth <= allowed
    figures = [Figure("claims_per_second", "hand-offs a second", round(rates[-1]), f">= {AT_LEAST:.0f}", is_reached)]
    curves = {
        name: [(float(ready), 1000 * one) for ready, one in zip(READY, of, strict=True)]
        for name, of in (("p50", medians), ("p95", highs))
    }
    panel = Panel("What a hand-off takes", "connectors that are ready", "milliseconds", curves, is_logarithmic=True)
    return Result(figures, [panel])


@contextmanager
def _filled() -> Iterator[tuple[Engine, str]]:
    """A database with tenants and connectors, all of whose turns are parked, and its address."""
    with EmbeddedPostgres() as postgres:
        postgres.create_database("tenants")
        migrate(postgres.url("tenants", "owner"))
        filling = create_engine(postgres.url("tenants", SUPERUSER))
        with filling.begin() as session:
            for statement in _FILLING:
                session.execute(text(statement), {"tenants": TENANTS, "connectors": CONNECTORS})
        with filling.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            session.execute(text("VACUUM ANALYZE"))
        filling.dispose()
        at = engine(postgres.url("tenants"), pool=4)
        with as_scheduler(at) as session:
            processes.begin(session, "bench", slots=SLOTS)
        yield at, postgres.url("tenants")
        at.dispose()


_FILLING = (
    "INSERT INTO tenant (id, name) SELECT n, 't' || n FROM generate_series(1, :tenants) n",
    "INSERT INTO tenant_turn (tenant_id, name) SELECT n, 't' || n FROM generate_series(1, :tenants) n",
    """
    INSERT INTO connector (id, tenant_id, name, store_hash, profile)
    SELECT n, 1 + n % :tenants, 'c' || n, 's' || n, '{}' FROM generate_series(1, :connectors) n
    """,
    "INSERT INTO store_turn (store_hash) SELECT 's' || n FROM generate_series(1, :connectors) n",
    """
    INSERT INTO turn (connector_id, tenant_id, name, store_hash)
    SELECT n, 1 + n % :tenants, 'c' || n, 's' || n FROM generate_series(1, :connectors) n
    """,
)


def _make_ready(at: Engine, wanted: int) -> None:
    """So many turns wait, however many did before."""
    with as_scheduler(at) as session:
        there = int(session.scalar(text("SELECT count(*) FROM turn WHERE state = 'ready'")) or 0)
    parked = range(1, CONNECTORS + 1)
    for begin in range(there, wanted, 1_000):
        with as_scheduler(at) as session:
            turns.make_ready(session, list(parked[begin : min(begin + 1_000, wanted)]), quantum=QUANTUM)


@contextmanager
def _workers() -> Iterator[Callable[[str, int], list[float]]]:
    """Hands off so many turns in the database at this address, by all processes together; the seconds of each."""
    context = get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_begin, initargs=(barrier,)) as processes:

        def hand_off(url: str, wanted: int) -> list[float]:
            shares = processes.map(_hand_offs, [url] * PROCESSES, [wanted // PROCESSES] * PROCESSES)
            return [one for share in shares for one in share]

        yield hand_off


def _begin(barrier: Barrier) -> None:
    """None begins before all are there."""
    barrier.wait()
    collect_seldom()  # as a worker process does


@cache
def _opened(url: str) -> Engine:
    """A process's own connection."""
    return engine(url, pool=1)


def _hand_offs(url: str, wanted: int) -> Sequence[float]:
    """Seconds of each of so many hand-offs, which one process does one after the other."""
    at, seconds = _opened(url), list[float]()
    while len(seconds) < wanted:
        began = time.perf_counter()
        with as_scheduler(at) as session:
            passed = turns.dispatch(session, door=DOOR, ttl=TTL)
        shared = (time.perf_counter() - began) / max(1, len(passed))
        for one in passed:
            began = time.perf_counter()
            with as_tenant(at, one.tenant_id) as session:
                assert turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="bench")
            with as_scheduler(at) as session:
                assert turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=None)
            seconds.append(shared + time.perf_counter() - began)
    return seconds
