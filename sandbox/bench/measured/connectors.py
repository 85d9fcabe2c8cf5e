"""How long many connectors take beside what their stores' quotas take: `make bench T=connectors`.

60 connectors of 60 Standard stores, each with at least 450 calls to make, 20 slices at a time on one machine: in two
worker processes of ten slots, since one interpreter uses one core. By the quotas alone it takes three rounds of 450
calls at 150 in 30 s: 270 s.
"""

from __future__ import annotations

import time

from rich.console import Console
from sqlalchemy import text

from sandbox.bench.figures import Figure, Panel, Result
from sandbox.bench.works import Works, works
from sandbox.generator.catalogue import generate
from sandbox.stage.stage import Cast
from worker.ledger.session import as_tenant

CONNECTORS, SLOTS, PROCESSES, CALLS = 60, 20, 2, 450
PLAN, ALLOWED = "Standard", 150 / 30
LATENCY = 0.3


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    connectors = max(SLOTS, int(CONNECTORS * scale))
    console.print(f"connectors: {connectors} connectors, {SLOTS} slices at a time, {CALLS} calls each ...")
    catalogue = generate(seed=1, categories=5, products=CALLS, variants_per_product=0)
    with works() as at:
        for _ in range(PROCESSES):
            at.start(SLOTS // PROCESSES)
        casts = [
            at.add(f"many{number}", catalogue, tenant=f"tenant{number}", plan=PLAN, latency=LATENCY)
            for number in range(connectors)
        ]
        began = time.monotonic()
        at.until_ended([(cast, at.request(cast)) for cast in casts], look_every=0.5)
        took = time.monotonic() - began
        ends = sorted(_seconds(at, cast) for cast in casts)
        calls = [len(at.calls(cast)) for cast in casts]
        refused = sum(one["status"] == 429 for cast in casts for one in at.calls(cast))
        spent = at.spent()
    alone = -(-connectors // SLOTS) * min(calls) / ALLOWED
    console.print(
        f"{took:.0f} s, the quotas alone {alone:.0f} s; {min(calls)} to {max(calls)} calls a store, {refused} refused;"
        f" processor seconds: {', '.join(f'{who} {value:.0f}' for who, value in spent.items())}"
    )
    figures = [Figure.at_most("many_connectors_ratio", "many connectors / quotas alone", took / alone, 1.15)]
    a_round = min(calls) / ALLOWED
    curves = {
        "ended": [(one, float(number)) for number, one in enumerate(ends, start=1)],
        "by the quotas alone": [(a_round * (number // SLOTS + 1), float(number + 1)) for number in range(connectors)],
    }
    return Result(figures, [Panel("When connectors are done", "seconds since all were asked", "connectors", curves)])


def _seconds(at: Works, cast: Cast) -> float:
    """From the request of its run to its end."""
    with as_tenant(at.engine, cast.tenant_id) as session:
        return float(
            session.scalar(text("SELECT extract(epoch FROM ended_at - requested_at) FROM run ORDER BY id DESC LIMIT 1"))
        )
