"""How memory and cost grow with the catalogue: `make bench T=growth`.

Catalogues of 10,000, 100,000 and 500,000 items, each with a worker process, a database and a store of its own: a first
run, a look at all that was written, and one run more that finds nothing to do. The store answers at once and allows
everything, so what is measured is ours. The largest takes twenty minutes: it goes on beside the others, which give way
to it, and has no third run; the run whose rate is a figure waits until it is alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event

import psutil
from rich.console import Console
from rich.table import Table

from sandbox.bench import processor
from sandbox.bench.figures import Figure, Panel, Result
from sandbox.bench.measured.catalogue import FIRST, LOOKED_AT, STORE, UNCHANGED, Cost, catalogue, cost
from sandbox.bench.works import works

SIZES: Mapping[int, int] = {10_000: 5, 100_000: 5, 500_000: 24}
"""Items -> variants of a product; the largest has larger families, or its creations would take half an hour."""
MEASURED = 100_000
"""The size whose unchanged run is the figure."""
LARGEST = max(SIZES)
GIVES_WAY = 10
"""How nice who does not take longest is to who does."""
RUNS = (FIRST, LOOKED_AT, UNCHANGED)
PRODUCTS_A_CATEGORY = 20
MOST_MEBIBYTES, MOST_APART = 256.0, 0.2
AT_LEAST = 10_000.0


@dataclass(frozen=True, slots=True)
class Grown:
    """What a catalogue of this size came to."""

    items: int
    costs: Mapping[str, Cost]
    mebibytes: float
    """The most that the worker process has held."""

    @property
    def unchanged_rate(self) -> float:
        """Items looked at in a second of the worker's processor, where nothing has changed."""
        return self.items / self.costs[UNCHANGED].processor["worker"]


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    for size, variants in SIZES.items():
        console.print(f"growth: {int(size * scale):,} items, {variants} variants a product ...")
    context = get_context("spawn")
    is_alone = context.Event()
    with ProcessPoolExecutor(2, mp_context=context, initializer=_begin, initargs=(is_alone,)) as two:
        largest = two.submit(_grown, int(LARGEST * scale), SIZES[LARGEST], is_largest=True)
        others = [
            two.submit(_grown, int(size * scale), variants, waits=size == MEASURED)
            for size, variants in SIZES.items()
            if size != LARGEST
        ]
        largest.add_done_callback(lambda _: is_alone.set())
        grown = [one.result() for one in (*others, largest)]
    console.print(_table(grown))
    peaks = [round(one.mebibytes, 1) for one in grown]
    is_flat = max(peaks) <= MOST_MEBIBYTES and max(peaks) <= min(peaks) * (1 + MOST_APART)
    rate = grown[list(SIZES).index(MEASURED)].unchanged_rate
    figures = [
        Figure.at_least("unchanged_items_per_second", "items a second, unchanged", round(rate), AT_LEAST),
        Figure(
            "memory_mib",
            "MiB of a worker at its peak",
            peaks,
            f"<= {MOST_MEBIBYTES:.0f}, within {MOST_APART:.0%}",
            is_flat,
        ),
    ]
    return Result(figures, [_curves(grown), _memory(grown)])


_is_alone: list[Event] = []


def _begin(is_alone: Event) -> None:
    _is_alone.append(is_alone)


def _grown(size: int, variants: int, *, is_largest: bool = False, waits: bool = False) -> Grown:
    if not is_largest:
        psutil.Process().nice(GIVES_WAY)  # and so have the processes that it starts
    categories = max(5, size // (1 + (1 + variants) * PRODUCTS_A_CATEGORY))
    products = max(10, (size - categories) // (1 + variants))
    sold = catalogue(products=products, categories=categories, variants=variants)
    with works() as at:
        worker = at.start(2)
        cast = at.add("grown", sold, **STORE)
        with processor.peak(worker.child.process.pid) as held:
            costs = {FIRST: cost(at, cast), LOOKED_AT: cost(at, cast, refresh=True)}
            if waits:
                _is_alone[0].wait()
            if not is_largest:
                costs[UNCHANGED] = cost(at, cast, refresh=True)
    return Grown(categories + products * (1 + variants), costs, held.mebibytes)


def _curves(grown: Sequence[Grown]) -> Panel:
    curves = {
        run: [(one.items, 1000 * one.costs[run].processor["worker"] / one.items) for one in grown if run in one.costs]
        for run in RUNS
    }
    return Panel("What a catalogue costs", "items", "worker's seconds per 1,000 items", curves, is_logarithmic=True)


def _memory(grown: Sequence[Grown]) -> Panel:
    curves = {"worker process": [(float(one.items), one.mebibytes) for one in grown]}
    return Panel("What it holds in memory", "items", "MiB at the peak", curves, is_logarithmic=True)


def _table(grown: Sequence[Grown]) -> Table:
    table = Table("", *(f"{one.items:,} items" for one in grown), title=None)
    table.add_row("MiB at the peak", *(f"{one.mebibytes:.0f}" for one in grown))
    for run in RUNS:
        for who in ("worker", "postgres", "store", "source"):
            cells = [
                f"{1000 * one.costs[run].processor[who] / one.items:.3f}" if run in one.costs else "" for one in grown
            ]
            table.add_row(f"{run}: {who}'s seconds per 1,000 items", *cells)
    return table
