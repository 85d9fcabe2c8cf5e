"""What is to be done: seeded loads of many tenants."""

from __future__ import annotations

import random

from sandbox.simulator.orders import Run

GIANT = 0


def giant_and_small(
    *, tenants: int = 10_000, slots: int = 32, hours: float = 8.0, load: float = 0.55, seed: int = 1
) -> list[Run]:
    """One tenant with 200 connectors of two hours each, and all others with small runs that come one by one.

    The small runs alone would keep `load` of the slots busy: 45 s on average, the longest half an hour.
    """
    rng = random.Random(seed)
    runs = [Run(GIANT, rng.uniform(0, 60), 7200.0) for _ in range(200)]
    now = 0.0
    while now < hours * 3600:
        now += rng.expovariate(load * slots / 45.0)
        runs.append(Run(rng.randrange(1, tenants), now, min(1800.0, max(2.0, rng.lognormvariate(3.0, 1.2)))))
    return runs


def backlogged(*, tenants: int = 300, seed: int = 2) -> list[Run]:
    """Tenants of one to fifty connectors that all have more work than there is time."""
    rng = random.Random(seed)
    runs = [
        Run(tenant, 0.0, 1e9) for tenant in range(tenants) for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 10, 20, 50)))
    ]
    rng.shuffle(runs)
    return runs


def weights(*, tenants: int = 300) -> dict[int, float]:
    """Weights of one, two and four in turn."""
    return {tenant: (1.0, 2.0, 4.0)[tenant % 3] for tenant in range(tenants)}
