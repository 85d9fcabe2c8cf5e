"""`python -m sandbox.simulator`: the tables of docs/fairness.md."""

from __future__ import annotations

import time

from sandbox.simulator import loads
from sandbox.simulator.orders import Fair, FirstCome, Order
from sandbox.simulator.play import House, Played, play
from worker.ledger.fairness import jain, quantile

SMALL_SECONDS = 60.0
DAY = 28_800.0


def orders(house: House) -> dict[str, Order]:
    """The ones that are compared."""
    return {
        "first come, slices of 600 s": FirstCome(yields=False),
        "first come, yields after 60 s": FirstCome(yields=True),
        "fair turns, yields after 60 s": Fair(house.quantum),
    }


def small_waits(played: Played) -> list[float]:
    """Seconds until their first slot, of the runs that need no more than a minute."""
    return [run.began - run.came for run in played.runs if run.work <= SMALL_SECONDS and run.began is not None]


def seconds(value: float | None) -> str:
    """A cell of the table."""
    return "-" if value is None else f"{value:,.0f}"


def main() -> None:
    """Print both tables."""
    house = House()
    print("| 1 giant, 9,999 small | small runs | wait p50 | p95 | p99 | longest | utilisation | played in |")  # noqa: T201
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")  # noqa: T201
    for name, order in orders(house).items():
        began = time.perf_counter()
        played = play(loads.giant_and_small(), order, house)
        took = time.perf_counter() - began
        waits = small_waits(played)
        cells = " | ".join(seconds(quantile(waits, share)) for share in (0.5, 0.95, 0.99, 1.0))
        print(f"| {name} | {len(waits):,} | {cells} | {played.utilisation:.3f} | {took:.1f} s |")  # noqa: T201
    print("\n| 300 backlogged tenants, weights 1:2:4 | Jain by weight | least / mean | most / mean |")  # noqa: T201
    print("| --- | --- | --- | --- |")  # noqa: T201
    weights = loads.weights()
    for name, order in (orders(house) | {"fair turns, yields after 60 s": Fair(house.quantum, weights)}).items():
        played = play(loads.backlogged(), order, house, until=DAY)
        shares = [played.held[tenant] / weight for tenant, weight in weights.items()]
        mean = sum(shares) / len(shares)
        print(f"| {name} | {jain(shares):.4f} | {min(shares) / mean:.2f} | {max(shares) / mean:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
