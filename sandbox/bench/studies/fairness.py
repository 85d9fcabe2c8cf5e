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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from sandbox.bench.works import Works, works
from sandbox.generator.catalogue import generate
from worker.ledger import fairness
from worker.ledger.fairness import Figures, quantile
from worker.ledger.session import as_scheduler, as_tenant

SLOTS, TENANTS, YIELD_SECONDS = 2, 50, 3.0
SMALL_RUN_EVERY = 3.0
"""Mean seconds between two small runs, each about three quarters of a second of one slot."""
SLOW, QUICK = 0.3, 0.03
"""Seconds that a store takes for an answer: of those who have much to do, and of the small ones."""
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


def main(scale: float) -> None:
    """Measure the three phases, and print them."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"fairness: {SLOTS} slots, {TENANTS} tenants, yield after {YIELD_SECONDS:.0f} s, seed {SEED}")
    measured: list[Measured] = []
    for name, (phase, seconds) in PHASES.items():
        with works(durable=False, slice_yield_seconds=YIELD_SECONDS, calls_in_flight=2) as at:
            at.start(SLOTS)
            console.print(f"{name}: {seconds * scale:.0f} s ...")
            measured.append(phase(at, name, seconds * scale))
    console.print(_table(measured))


def _giant(at: Works, name: str, seconds: float) -> Measured:
    chance = random.Random(SEED)
    much = generate(seed=SEED, categories=5, products=1500, variants_per_product=0)
    little = generate(seed=SEED + 1, categories=2, products=4, variants_per_product=0)
    small = [at.add(f"small{n}", little, tenant=f"small{n}", latency=QUICK) for n in range(TENANTS - 1)]
    at.until_ended([(cast, at.request(cast)) for cast in small])
    giants = [at.add(f"giant{n}", much, tenant="giant", latency=SLOW) for n in range(4)]
    for cast in giants:
        at.request(cast)
    time.sleep(5.0)
    with as_scheduler(at.engine) as session:
        since = session.scalar(text("SELECT now()"))
    began = time.monotonic()
    product = little["data"]["products"][0][1]
    due, number = began, 0
    while (due := due + chance.expovariate(1 / SMALL_RUN_EVERY)) < began + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        cast = chance.choice(small)
        number += 1
        at.ground.neighbours.edit(cast.code, "products", product, {"product_price": f"{number}.5"})
        at.request(cast)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    figures = _figures(at, time.monotonic() - began)
    starts: list[float] = []
    held = 0.0
    for cast in small:
        with as_tenant(at.engine, cast.tenant_id) as session:
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


def _figures(at: Works, window: float) -> Figures:
    """Of the last so many seconds."""
    with as_scheduler(at.engine) as session:
        history = fairness.history(session, window=window)
    return fairness.reckon(history)


def _equal(at: Works, name: str, seconds: float) -> Measured:
    return _backlogged(at, name, seconds, [1.0] * TENANTS)


def _weighted(at: Works, name: str, seconds: float) -> Measured:
    return _backlogged(at, name, seconds, [(1.0, 2.0, 4.0)[n % 3] for n in range(TENANTS)])


def _backlogged(at: Works, name: str, seconds: float, weights: Sequence[float]) -> Measured:
    """Everybody asks for a run at once that nobody finishes within the time."""
    enough = int(12 * max(weights) * seconds * SLOTS / sum(weights)) + 60
    catalogue = generate(seed=SEED, categories=3, products=enough, variants_per_product=0)
    for number, weight in enumerate(weights):
        at.add(f"c{number}", catalogue, tenant=f"tenant{number}", weight=weight, latency=SLOW)
    for cast in at.casts:
        at.request(cast)
    began = time.monotonic()
    time.sleep(seconds)
    return Measured(name, _figures(at, time.monotonic() - began))


PHASES: Mapping[str, tuple[Callable[[Works, str, float], Measured], float]] = {
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
