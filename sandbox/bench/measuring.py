"""What can be measured, by name, and how it is gone about."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console

from sandbox.bench.figures import Result, table
from sandbox.bench.measured import beside_naive, catalogue, connectors, growth, quota, tenants, turns

MEASURED: Mapping[str, tuple[Callable[[float, Console], Result], tuple[str, ...]]] = {
    "quota": (quota.main, ("quota_used", "avoidable_429")),
    "naive": (beside_naive.main, ("naive_ratio_calls", "naive_ratio_seconds")),
    "catalogue": (
        catalogue.main,
        (
            *("calls_create", "calls_update", "calls_one_percent", "calls_unchanged_reads", "calls_unchanged_writes"),
            *("cpu_per_1000_first", "cpu_per_1000_unchanged"),
        ),
    ),
    "growth": (growth.main, ("unchanged_items_per_second", "memory_mib")),
    "turns": (turns.main, ("turn_ms",)),
    "connectors": (connectors.main, ("many_connectors_ratio",)),
    "tenants": (tenants.main, ("claims_per_second",)),
}
"""Name -> how it is measured, and the keys of its figures."""
SIDE_BY_SIDE = frozenset({"quota", "naive"})
"""Both wait for a store's answers and quota nearly all of their time, each in a service of its own."""
BESIDE_THEM = frozenset({"growth"})
"""What counts memory and processor seconds of its own processes, and no time: it may go on while the others wait."""
WIDTH = 118


def measured(chosen: Sequence[str], scale: float) -> Iterator[tuple[str, Result, str]]:
    """Name, result, and what was printed, of each; those that wait for their stores alone go side by side."""
    waiting = [name for name in chosen if name in SIDE_BY_SIDE]
    beside = [name for name in chosen if name in BESIDE_THEM]
    with ProcessPoolExecutor(len(SIDE_BY_SIDE), mp_context=get_context("spawn")) as processes:
        under_way = {name: processes.submit(play, name, scale, quiet=True) for name in waiting}
        for name in beside:
            yield name, *play(name, scale)
        for name, one in under_way.items():
            result, text = one.result()
            print(text, end="")  # noqa: T201 as the others print it
            yield name, result, text
    for name in chosen:
        if name not in {*waiting, *beside}:
            yield name, *play(name, scale)


def play(name: str, scale: float, *, quiet: bool = False) -> tuple[Result, str]:
    """What it came to, and what it has printed meanwhile."""
    console = Console(width=WIDTH, record=True, file=io.StringIO() if quiet else None)
    began = time.monotonic()
    result = MEASURED[name][0](scale, console)
    console.print(table(result.figures))
    console.print(f"{name}: {time.monotonic() - began:.0f} s")
    return result, console.export_text()
