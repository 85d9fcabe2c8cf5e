"""What a turn costs beside its work: publish, claim, load, save, release: `make bench T=turns`.

The slices are the product's own, and so are Postgres, Redis and the messages; the one step that they come to saves a
cursor and leaves. The wall time of a whole slice is what somebody waits who could have had the slot.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from rich.console import Console

from sandbox.bench.figures import Figure, Result
from sandbox.bench.works import Works, works
from sandbox.generator.catalogue import generate
from worker import logs
from worker.bigcommerce import quota
from worker.ledger.fairness import quantile
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.process import Process, collect_seldom
from worker.steps import sequence
from worker.steps.toolbox import Cursor, Save, Step, Toolbox
from worker.tasks import publish, run_slice

TURNS, CONNECTORS = 600, 10
MOST_MILLISECONDS, SLICE_SECONDS = 20.0, 10.0


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    turns = max(50, int(TURNS * scale))
    console.print(f"turns: {turns} turns of {CONNECTORS} connectors ...")
    with works() as at, _one_step():
        logs.configure(at.settings)
        collect_seldom()  # as a worker process does
        milliseconds = [1000 * seconds for seconds in _turns(at, turns)]
    middle = median(milliseconds)
    console.print(
        f"p50 {middle:.1f} ms, p95 {quantile(milliseconds, 0.95):.1f} ms;"
        f" {middle / SLICE_SECONDS / 10:.2f} % of a slice of {SLICE_SECONDS:.0f} s"
    )
    figures = [Figure.at_most("turn_ms", "milliseconds a turn", middle, MOST_MILLISECONDS, places=1)]
    return Result(figures)


def _turns(at: Works, turns: int) -> Iterator[float]:
    catalogue = generate(seed=1, categories=2, products=2, variants_per_product=0)
    vault = Vault.from_ring(at.settings.credential_keys.get_secret_value())
    broker = quota.connect(at.settings.redis_url)
    here = Process(at.settings, at.engine, meet(at.settings, vault, broker))
    sent: list[Dispatched] = []

    def send(one: Dispatched) -> None:
        publish(one)
        sent.append(one)

    for number in range(CONNECTORS):
        at.request(at.add(f"turn{number}", catalogue, tenant=f"tenant{number}"), publish=send)
    for number in range(turns + CONNECTORS):
        one = sent.pop(0)
        began = time.perf_counter()
        run_slice(here, one.tenant_id, one.connector_id, one.epoch, worker="bench", publish=send)
        if number >= CONNECTORS:  # the first of each begins a run
            yield time.perf_counter() - began
    broker.close()


def _leaves(_tools: Toolbox, cursor: Cursor | None) -> Step:
    """A step that is never finished."""
    yield Save({"turns": int((cursor or {}).get("turns", 0)) + 1})
    return False


@contextmanager
def _one_step() -> Iterator[None]:
    """Runs come to that step, and to no other."""
    first = sequence.first()
    before = sequence.SEQUENCE[first]
    sequence.SEQUENCE[first] = _leaves
    try:
        yield
    finally:
        sequence.SEQUENCE[first] = before
