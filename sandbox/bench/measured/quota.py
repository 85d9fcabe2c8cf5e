"""How much of a store's quota a run uses while it sends: `make bench T=quota`.

A Pro store that answers in 2 s (log-normal) takes 5,000 creations, one call each. Counted are all calls from the
first creation to the last, against what the quota allowed in that time; and refusals for speed (429), of which
none has to be.
"""

from __future__ import annotations

from collections import Counter

from rich.console import Console

from sandbox.bench.figures import Figure, Result
from sandbox.bench.works import works
from sandbox.generator.catalogue import generate

CREATIONS = 5_000
PLAN, ALLOWED = "Pro", 450 / 30
LATENCY = {"median": 2.0, "sigma": 0.5}
TOO_MANY = 429


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    creations = max(300, int(CREATIONS * scale))
    console.print(f"quota: {creations:,} creations in a {PLAN} store that answers in {LATENCY['median']:g} s ...")
    catalogue = generate(seed=1, categories=5, products=creations, variants_per_product=0)
    with works() as at:
        at.start(4)
        cast = at.add("quota", catalogue, plan=PLAN, latency=LATENCY)
        at.run(cast)
        calls = at.calls(cast)
    made = [one["at"] for one in calls if one["method"] == "POST" and one["route"] == "/v3/catalog/products"]
    first, last = made[0], made[-1]
    within = [one for one in calls if first <= one["at"] <= last]
    tens = Counter(int((one["at"] - first) // 10) for one in within)
    console.print(f"calls in each 10 s: {', '.join(str(tens[n]) for n in range(int((last - first) // 10) + 1))}")
    figures = [
        Figure.at_least("quota_used", "quota used while sending", len(within) / ((last - first) * ALLOWED), 0.95),
        Figure.at_most("avoidable_429", "429s", sum(one["status"] == TOO_MANY for one in calls), 0),
    ]
    return Result(figures)
