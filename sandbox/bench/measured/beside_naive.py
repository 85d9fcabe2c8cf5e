"""How many calls and seconds a naive connector takes beside ours: `make bench T=naive`.

Both put the same catalogue into an empty store of the same plan that answers in the same time: the real one (Luma)
where it is there, else a made one of the same size. Options are left as the store makes them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.bench.figures import Figure, Result
from sandbox.bench.naive import Naive
from sandbox.bench.works import NotAsMeant, Works, works
from sandbox.generator.catalogue import generate
from sandbox.stage.stage import TOKEN

LUMA = Path(__file__).parents[4] / "shared" / "catalogues" / "luma.json"
PLAN, LATENCY = "Pro", 0.1
TIMES = 20.0


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    catalogue = _part(_catalogue(console), scale)
    counts = {table: len(rows) for table, rows in catalogue["data"].items()}
    console.print(f"naive: {', '.join(f'{count:,} of {table}' for table, count in counts.items())} ...")
    with works() as at:
        at.start(2)
        ours = at.add("ours", catalogue, plan=PLAN, latency=LATENCY)
        at.ground.neighbours.open("CN-theirs", "theirs", catalogue, plan=PLAN, latency=LATENCY)
        began = time.monotonic()
        at.run(ours, may_have_errors=True)
        our_seconds, our_calls = time.monotonic() - began, len(at.calls(ours))
        naive = Naive(f"{at.ground.neighbours.store}/stores/theirs/v3", TOKEN, catalogue)
        began = time.monotonic()
        naive.run()
        their_seconds = time.monotonic() - began
        ours_hold, theirs_hold = (_held(at, store) for store in (ours.store_hash, "theirs"))
    table = Table("", "naive", "ours", "times fewer", title=None)
    table.add_row("calls", f"{naive.calls:,}", f"{our_calls:,}", f"{naive.calls / our_calls:.1f}")
    table.add_row("seconds", f"{their_seconds:.1f}", f"{our_seconds:.1f}", f"{their_seconds / our_seconds:.1f}")
    for what, theirs in theirs_hold.items():
        table.add_row(f"{what} in the store", f"{theirs:,}", f"{ours_hold[what]:,}", "")
    console.print(table)
    if ours_hold["variants"] * 10 < theirs_hold["variants"] * 9:
        raise NotAsMeant("the two stores do not hold the same: there is nothing to compare")
    figures = [
        Figure.at_least("naive_ratio_calls", "naive calls / ours", naive.calls / our_calls, TIMES, places=1),
        Figure.at_least("naive_ratio_seconds", "naive seconds / ours", their_seconds / our_seconds, TIMES, places=1),
    ]
    return Result(figures)


def _catalogue(console: Console) -> dict[str, Any]:
    if LUMA.exists():
        return dict(json.loads(LUMA.read_text("utf-8")))
    console.print("naive: the Luma catalogue is not there; a made one of its size instead")
    return generate(seed=1, categories=39, products=190, variants_per_product=(9, 11))


def _part(catalogue: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """All categories, and the first products with their variants."""
    data = catalogue["data"]
    products = data["products"][: max(10, int(len(data["products"]) * min(1.0, scale)))]
    mine = {row[1] for row in products}
    variants = [row for row in data["product_formats"] if row[2] in mine]
    return {**catalogue, "data": {**data, "products": products, "product_formats": variants}}


def _held(at: Works, store_hash: str) -> dict[str, int]:
    store = at.ground.neighbours.snapshot(store_hash)
    return {
        "categories": len(store["categories"]),
        "products": len(store["products"]),
        "variants": sum(len(one["variants"]) for one in store["products"]),
        "pictures": sum(len(one["images"]) for one in store["products"]),
    }
