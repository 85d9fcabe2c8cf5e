"""How fairly real workers share two slots among fifty tenants: `make bench T=fairness`.

1. One giant with four connectors that never come to an end, and 49 small tenants whose small runs arrive one by one
   (a Poisson process, about 25 % of one slot): how long does a small run wait for its start?
2. Fifty equal tenants, all with more to do than the time allows: does each get as much?
3. The same with weights of 1, 2 and 4: does each get as much by its weight?

Slices yield after 3 s. The figures are the service's own (`worker/ledger/fairness.py`), out of its log of slices.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.generator.catalogue import generate
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Cast, seat
from worker.ledger import fairness, runs
from worker.ledger.fairness import Figures, quantile
from worker.ledger.session import as_scheduler, as_tenant, engine
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

SLOTS, TENANTS, YIELD_SECONDS = 2, 50, 3.0
SMALL_RUN_EVERY = 3.0
"""Mean seconds between two small runs, each about three quarters of a second of one slot."""
SLOW, QUICK = 0.3, 0.03
"""Seconds that a store takes for an answer: of those who have much to do, and of the small ones."""
NEVER = 100_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What one phase came to."""

    name: str
    figures: Figures
    starts: Sequence[float] = ()
    """Seconds from the request of each small run to its start."""
    small_load: float = 0.0
    """Of one slot, what the small runs held."""


@dataclass(slots=True)
class Bench:
    """Workers on a database of their own, and the tenants of one phase."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    casts: list[Cast] = field(default_factory=list)

    def add(self, tenant: str, catalogue: Mapping[str, Any], *, weight: float, latency: float, name: str) -> Cast:
        """A tenant's connector, idle until a run is asked for."""
        store_hash = f"{tenant}{name}"
        code = f"CN-{store_hash}"
        self.ground.neighbours.open(code, store_hash, catalogue, latency=latency)
        cast = seat(
            self.engine,
            Vault.from_ring(KEY_RING),
            tenant=tenant,
            name=name,
            code=code,
            store_hash=store_hash,
            profile={"check_every_seconds": NEVER},
            weight=weight,
        )
        self.casts.append(cast)
        return cast

    def request(self, cast: Cast) -> None:
        """A run for this one."""
        with as_tenant(self.engine, cast.tenant_id) as session:
            runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
        dispatch.wake(self.engine, self.settings, publish, cast.connector_id)

    def until_idle(self) -> None:
        """Wait until nobody has anything to do."""
        while True:
            with as_scheduler(self.engine) as session:
                busy = session.scalar(text("SELECT count(*) FROM turn WHERE state <> 'parked'"))
            if not busy:
                return
            time.sleep(0.2)

    def figures(self, window: float) -> Figures:
        """Of the last so many seconds."""
        with as_scheduler(self.engine) as session:
            history = fairness.history(session, window=window)
        return fairness.reckon(history)


def main(scale: float) -> None:
    """Measure the three phases, and print them."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"fairness: {SLOTS} slots, {TENANTS} tenants, yield after {YIELD_SECONDS:.0f} s, seed {SEED}")
    measured = []
    with ground(durable=False) as opened:
        for number, (name, (phase, seconds)) in enumerate(PHASES.items()):
            with _bench(opened, f"phase{number}") as bench:
                console.print(f"{name}: {seconds * scale:.0f} s ...")
                measured.append(phase(bench, name, seconds * scale))
    console.print(_table(measured))


@contextmanager
def _bench(opened: Ground, database: str) -> Iterator[Bench]:
    environment = opened.environment(opened.database(database)) | {
        "SLICE_YIELD_SECONDS": str(YIELD_SECONDS),
        "CALLS_IN_FLIGHT": "2",
        "LOG_LEVEL": "warning",
    }
    chosen = {name.lower(): value for name, value in environment.items()}
    settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
    speak_to(settings.redis_url)
    at = engine(settings.database_url)
    platform = Platform(opened.children, at, environment, slots=SLOTS, bound=30.0)
    worker = platform.start(database)
    try:
        yield Bench(opened, at, settings, platform)
    finally:
        worker.child.process.kill()
        worker.child.process.wait()
        at.dispose()


def _giant(bench: Bench, name: str, seconds: float) -> Measured:
    chance = random.Random(SEED)
    much = generate(seed=SEED, categories=5, products=1500, variants_per_product=0)
    little = generate(seed=SEED + 1, categories=2, products=4, variants_per_product=0)
    small = [bench.add(f"small{n}", little, weight=1, latency=QUICK, name="main") for n in range(TENANTS - 1)]
    for cast in small:
        bench.request(cast)
    bench.until_idle()
    giants = [bench.add("giant", much, weight=1, latency=SLOW, name=f"c{n}") for n in range(4)]
    for cast in giants:
        bench.request(cast)
    time.sleep(5.0)
    with as_scheduler(bench.engine) as session:
        since = session.scalar(text("SELECT now()"))
    began = time.monotonic()
    product = little["data"]["products"][0][1]
    at, number = began, 0
    while (at := at + chance.expovariate(1 / SMALL_RUN_EVERY)) < began + seconds:
        time.sleep(max(0.0, at - time.monotonic()))
        cast = chance.choice(small)
        number += 1
        bench.ground.neighbours.edit(cast.code, "products", product, {"product_price": f"{number}.5"})
        bench.request(cast)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    figures = bench.figures(time.monotonic() - began)
    starts: list[float] = []
    held = 0.0
    for cast in small:
        with as_tenant(bench.engine, cast.tenant_id) as session:
            rows = session.execute(
                text(
                    "SELECT extract(epoch FROM r.started_at - r.requested_at), (SELECT sum(extract(epoch FROM"
                    " coalesce(ended_at, now()) - s.started_at)) FROM slice_log s WHERE s.run_id = r.id)"
                    " FROM run r WHERE r.requested_at >= :since AND r.started_at IS NOT NULL"
                ),
                {"since": since},
            )
            for waited, took in rows:
                starts.append(float(waited))
                held += float(took or 0)
    return Measured(name, figures, starts, held / figures.window)


def _equal(bench: Bench, name: str, seconds: float) -> Measured:
    return _backlogged(bench, name, seconds, [1.0] * TENANTS)


def _weighted(bench: Bench, name: str, seconds: float) -> Measured:
    return _backlogged(bench, name, seconds, [(1.0, 2.0, 4.0)[n % 3] for n in range(TENANTS)])


def _backlogged(bench: Bench, name: str, seconds: float, weights: Sequence[float]) -> Measured:
    """Everybody asks for a run at once that nobody finishes within the time."""
    enough = int(12 * max(weights) * seconds * SLOTS / sum(weights)) + 60
    catalogue = generate(seed=SEED, categories=3, products=enough, variants_per_product=0)
    for number, weight in enumerate(weights):
        bench.add(f"tenant{number}", catalogue, weight=weight, latency=SLOW, name="main")
    for cast in bench.casts:
        bench.request(cast)
    began = time.monotonic()
    time.sleep(seconds)
    return Measured(name, bench.figures(time.monotonic() - began))


PHASES: Mapping[str, tuple[Callable[[Bench, str, float], Measured], float]] = {
    "one giant, 49 small": (_giant, 180.0),
    "50 equal": (_equal, 330.0),
    "weights 1, 2, 4": (_weighted, 520.0),
}
"""What is measured, and for how many seconds: so that each of those who have more to do gets four slices at least."""


def _table(measured: Sequence[Measured]) -> Table:
    table = Table("figure", *(one.name for one in measured), "to reach", title=None)
    rows: list[tuple[str, list[str], str]] = [
        ("seconds", [f"{one.figures.window:.0f}" for one in measured], ""),
        ("slices", [f"{sum(each.slices for each in one.figures.tenants)}" for one in measured], ""),
        (
            "tenants backlogged throughout",
            [str(sum(t.backlogged for t in one.figures.tenants)) for one in measured],
            "",
        ),
        ("Jain's index by weight, of these", [_number(one.figures.jain, 4) for one in measured], ">= 0.99"),
        ("utilisation", [_number(one.figures.utilisation, 3) for one in measured], ">= 0.97"),
        ("idle while somebody was ready, s", [_number(one.figures.idle_while_ready, 2) for one in measured], ""),
        ("small runs", [str(len(one.starts) or "-") for one in measured], ""),
        ("their load of one slot", [_number(one.small_load or None, 2) for one in measured], "<= 0.30"),
    ]
    for share in (0.5, 0.95, 0.99):
        waits = [_number(quantile(one.starts, share), 2) for one in measured]
        to_reach = f"<= {YIELD_SECONDS + 1:.0f}" if share == 0.95 else ""
        rows.append((f"start of a small run, p{share * 100:.0f}, s", waits, to_reach))
    for figure, values, to_reach in rows:
        table.add_row(figure, *values, to_reach)
    return table


def _backlog(figures: Figures) -> int:
    return sum(one.backlogged for one in figures.tenants)


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"
