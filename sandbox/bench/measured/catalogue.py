"""What whole runs cost in calls, processor seconds and rows written: `make bench T=catalogue`.

10,000 products with 5 variants each and 500 categories, whole on two storefronts; pictures inline, no stock, options
left as the store makes them; a store that answers at once and allows everything. A real worker, and both neighbours,
are processes of their own, so each one's processor time is told apart.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from sandbox.bench.figures import Figure, Result
from sandbox.bench.works import Works, works
from sandbox.generator.catalogue import generate
from sandbox.stage.stage import Cast
from worker.ledger.session import as_tenant

PRODUCTS, VARIANTS_EACH, CATEGORIES, STOREFRONTS = 10_000, 5, 500, 2
WITHOUT = {"product_formats": {"format_stock"}}
"""Columns whose fields have calls of their own."""
STORE: Mapping[str, Any] = {"plan": "Enterprise", "quota": 10**7}
STATISTICS_SECONDS = 1.5
"""So late at most a connection of Postgres tells what it has written."""
FIRST, LOOKED_AT, UNCHANGED, FEW, ALL = "first run", "first look at all", "unchanged", "1 % changed", "all updated"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run came to."""

    reads: int
    writes: int
    processor: Mapping[str, float]
    """Who -> seconds."""
    written: Mapping[str, int]
    """Rows inserted, updated and deleted, and bytes of the write-ahead log."""

    @property
    def calls(self) -> int:
        """Reads and writes."""
        return self.reads + self.writes


def main(scale: float, console: Console) -> Result:
    """Measure it."""
    products = max(100, int(PRODUCTS * scale))
    categories = max(5, int(CATEGORIES * scale))
    items = products * (1 + VARIANTS_EACH) + categories
    console.print(f"catalogue: {items:,} items, {products:,} of them products, on {STOREFRONTS} storefronts ...")
    sold = catalogue(products=products, categories=categories)
    with works() as at:
        at.start(2)
        cast = at.add("catalogue", sold, storefronts=STOREFRONTS, **STORE)
        costs = {FIRST: cost(at, cast), LOOKED_AT: cost(at, cast, refresh=True)}
        costs[UNCHANGED] = cost(at, cast, refresh=True)
        edit(at, cast, sold, products=products // 100, categories=max(1, categories // 100), mark="1")
        costs[FEW] = cost(at, cast)
        edit(at, cast, sold, products=products, categories=categories, mark="2")
        costs[ALL] = cost(at, cast)
    console.print(_table(costs, items))
    first, unchanged = costs[FIRST], costs[UNCHANGED]
    figures = [
        Figure.at_most("calls_create", "calls a product, first run", first.calls / products, 1.01),
        Figure.at_most("calls_update", "calls a product, all updated", costs[ALL].calls / products, 0.21),
        Figure.at_most("calls_one_percent", "calls, 1 % changed", costs[FEW].calls, 75),
        Figure.at_most("calls_unchanged_reads", "reads, unchanged", unchanged.reads, 50),
        Figure.at_most("calls_unchanged_writes", "writes, unchanged", unchanged.writes, 0),
        Figure.at_most(
            "cpu_per_1000_first", "worker's seconds per 1,000 items, first run", _per_1000(first, items), 1.5
        ),
        Figure.at_most(
            "cpu_per_1000_unchanged", "worker's seconds per 1,000 items, unchanged", _per_1000(unchanged, items), 0.1
        ),
    ]
    return Result(figures)


def catalogue(*, products: int, categories: int, variants: int = VARIANTS_EACH) -> dict[str, Any]:
    """A generated catalogue without the columns that are left out."""
    whole = generate(seed=1, categories=categories, products=products, variants_per_product=variants)
    for table, names in WITHOUT.items():
        columns = whole["data_schema"][table]
        places = {place for place, column in enumerate(columns) if isinstance(column, str) and column in names}
        whole["data_schema"][table] = [column for place, column in enumerate(columns) if place not in places]
        whole["data"][table] = [
            [cell for place, cell in enumerate(row) if place not in places] for row in whole["data"][table]
        ]
    return whole


def cost(at: Works, cast: Cast, *, refresh: bool = False) -> Cost:
    """One run from its request to its end, and what it cost."""
    at.ground.neighbours.forget_calls(cast.store_hash)
    rows, spent = _written(at), at.spent()
    at.run(cast, refresh=refresh)
    calls = at.calls(cast)
    reads = sum(one["method"] == "GET" for one in calls)
    return Cost(
        reads,
        len(calls) - reads,
        {who: now - spent[who] for who, now in at.spent().items()},
        {what: now - rows[what] for what, now in _written(at).items()},
    )


def edit(at: Works, cast: Cast, sold: Mapping[str, Any], *, products: int, categories: int, mark: str) -> None:
    """Change price and text of the first products, the price of all their variants, and the first categories."""
    ids = [row[1] for row in sold["data"]["products"][:products]]
    mine = set(ids)
    variants = [row[1] for row in sold["data"]["product_formats"] if row[2] in mine]
    edits: Mapping[str, tuple[list[int], dict[str, str]]] = {
        "catalogue": (
            [row[1] for row in sold["data"]["catalogue"][:categories]],
            {"section_description_en": f"Described {mark}"},
        ),
        "products": (ids, {"product_price": f"90{mark}.5", "product_description_en": f"Described {mark}"}),
        "product_formats": (variants, {"format_price": f"80{mark}.25"}),
    }
    for table, (those, values) in edits.items():
        at.ground.neighbours.edit_all(cast.code, table, those, values)


def _written(at: Works) -> dict[str, int]:
    time.sleep(STATISTICS_SECONDS)
    with as_tenant(at.engine, at.casts[0].tenant_id) as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        row = session.execute(
            text(
                "SELECT tup_inserted, tup_updated, tup_deleted, (SELECT wal_bytes FROM pg_stat_wal)::bigint"
                " FROM pg_stat_database WHERE datname = current_database()"
            )
        ).one()
    return dict(zip(("inserted", "updated", "deleted", "bytes"), row, strict=True))


def _per_1000(one: Cost, items: int) -> float:
    return one.processor["worker"] / items * 1000


def _table(costs: Mapping[str, Cost], items: int) -> Table:
    table = Table("", *costs, title=None)
    rows: list[tuple[str, list[str]]] = [
        ("reads", [f"{one.reads:,}" for one in costs.values()]),
        ("writes", [f"{one.writes:,}" for one in costs.values()]),
    ]
    for who in ("worker", "postgres", "store", "source"):
        figures = [f"{one.processor[who] / items * 1000:.3f}" for one in costs.values()]
        rows.append((f"{who}: processor seconds per 1,000 items", figures))
    for what in ("inserted", "updated", "deleted", "bytes"):
        figures = [f"{one.written[what] / items:.2f}" for one in costs.values()]
        rows.append((f"{what} an item" if what == "bytes" else f"rows {what} an item", figures))
    for name, cells in rows:
        table.add_row(name, *cells)
    return table
