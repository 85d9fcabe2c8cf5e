"""How many calls a run costs: `docs/calls.md` says it, and what is measured here may not be worse.

A generated catalogue of 1,000 products with 5 variants each and 100 categories is shown whole on two storefronts, with
its pictures inline, and its options are left as the store makes them. One call at a time, so that the same batches go
out on every machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.bigcommerce.log import BODIES_KEPT, Entry
from sandbox.generator.catalogue import generate
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING, Cast, Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

pytestmark = pytest.mark.timeout(240)

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"
BYTES_HEADING = "| run | bytes of bodies |"
HEADING = "| run | kind of call | measured | least possible | where the difference comes from |"
PRODUCTS, VARIANTS_EACH, CATEGORIES = 1_000, 5, 100
CHANGED = 10
LEFT_OUT = {"product_formats": {"format_stock"}}
"""Columns whose fields have calls of their own, which are counted elsewhere."""

FIRST, ALL, FEW, NOTHING, FORCED = "first run", "all updated", "1 % changed", "nothing changed", "forced refresh"
KINDS = {
    "/v3/catalog/trees": "trees",
    "/v3/catalog/trees/categories": "categories",
    "/v3/catalog/products": "products",
    "/v3/catalog/variants": "variants",
    "/v3/catalog/products/channel-assignments": "assignments",
}
"""What a route's writes are called; whatever else is written is named by its route."""

Calls = Mapping[str, int]


def kind_of(entry: Entry) -> str:
    return "reads" if entry.method == "GET" else KINDS.get(entry.route, f"{entry.method} {entry.route}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run asked of the store: how often, and with how many bytes in the bodies of all its calls."""

    calls: Calls
    sent: int


@dataclass
class Measured:
    """A store and its source, and what each run costs."""

    stage: Stage
    cast: Cast
    catalogue: dict[str, Any]

    def run(self, *, refresh: bool = False) -> Cost:
        """Play one run; what it asked of the store."""
        log = self.stage.stores.store(self.cast.store_hash).log
        log.clear()
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            state = session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1"))
        assert state in {"completed", "unchanged"}
        assert len(log.entries) <= BODIES_KEPT
        return Cost(Counter(map(kind_of, log.entries)), sum(len(one.body or b"") for one in log.entries))

    def edit(self, *, products: int, categories: int, mark: str) -> None:
        """Change price and text of the first products, the price of all their variants, and the first categories."""
        ids = [row[1] for row in self.catalogue["data"]["products"][:products]]
        variants = [row[1] for row in self.catalogue["data"]["product_formats"] if row[2] in set(ids)]
        edits: dict[str, tuple[list[int], dict[str, str]]] = {
            "catalogue": (
                [row[1] for row in self.catalogue["data"]["catalogue"][:categories]],
                {"section_description_en": f"Described {mark}"},
            ),
            "products": (ids, {"product_price": f"90{mark}.5", "product_description_en": f"Described {mark}"}),
            "product_formats": (variants, {"format_price": f"80{mark}.25"}),
        }
        for table, (those, values) in edits.items():
            for source_id in those:
                self.stage.sources.edit(self.cast.code, table, source_id, values)


def catalogue() -> dict[str, Any]:
    """The generated catalogue, without the columns that are left out."""
    whole = generate(seed=1, categories=CATEGORIES, products=PRODUCTS, variants_per_product=VARIANTS_EACH)
    for table, names in LEFT_OUT.items():
        columns = whole["data_schema"][table]
        places = {place for place, column in enumerate(columns) if isinstance(column, str) and column in names}
        assert len(places) == len(names)
        whole["data_schema"][table] = [column for place, column in enumerate(columns) if place not in places]
        whole["data"][table] = [
            [cell for place, cell in enumerate(row) if place not in places] for row in whole["data"][table]
        ]
    return whole


@pytest.fixture(scope="module")
def costs() -> Iterator[dict[str, Cost]]:
    """What each run asked of the store."""
    # Tables that fill within seconds would be planned as empty ones until autovacuum comes by, once a minute.
    with EmbeddedPostgres(durable=False, settings={"autovacuum_naptime": "1s"}) as postgres, EmbeddedRedis() as redis:
        postgres.create_database("calls")
        migrate(postgres.url("calls", "owner"))
        settings = Settings(
            database_url=postgres.url("calls"),
            redis_url=redis.url,
            credential_keys=KEY_RING,
            log_level="critical",
            calls_in_flight=1,
        )
        stage, sold = Stage(settings, haste=50), catalogue()
        profile = {"storefronts": [{"storefront": 1}, {"storefront": 2}], "switches": {"option_display": "as_created"}}
        shop = Measured(stage, stage.connect("calls", sold, storefronts=2, profile=profile), sold)
        found = {FIRST: shop.run(), NOTHING: shop.run(), FORCED: shop.run(refresh=True)}
        shop.edit(products=CHANGED, categories=1, mark="1")
        found[FEW] = shop.run()
        shop.edit(products=PRODUCTS, categories=CATEGORIES, mark="2")
        found[ALL] = shop.run()
        yield found
        stage.close()


@pytest.fixture(scope="module")
def measured(costs: dict[str, Cost]) -> dict[str, Calls]:
    """Each run's calls by kind."""
    return {run: cost.calls for run, cost in costs.items()}


def told() -> dict[str, dict[str, tuple[int, int]]]:
    """The page's table: run -> kind of call -> (measured, least possible); the sums are the rows named *all*."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    _, _, table = PAGE.read_text("utf-8").partition(HEADING)
    for line in table.split("\n\n")[0].splitlines()[2:]:
        run, kind, most, least, _ = (cell.strip() for cell in line.strip("|").split("|"))
        found.setdefault(run, {})[kind] = (number(most), number(least))
    return found


def number(cell: str) -> int:
    return int(re.sub(r"[,*]", "", cell))


@pytest.mark.parametrize("run", [FIRST, ALL, FEW, NOTHING, FORCED])
def test_a_run_costs_the_calls_that_its_page_says(measured: dict[str, Calls], run: str) -> None:
    page = {kind: most for kind, (most, _) in told()[run].items() if kind != "all"}
    calls = measured[run]
    worse = {kind: f"{calls[kind]} instead of {page.get(kind, 0)}" for kind in calls if calls[kind] > page.get(kind, 0)}
    assert not worse, f"{run}: more calls than docs/calls.md says: {worse}"
    better = {kind: f"{calls[kind]} instead of {most}" for kind, most in page.items() if calls[kind] < most}
    assert not better, f"{run}: fewer calls than docs/calls.md says, so write it there: {better}"


@pytest.mark.parametrize("run", [FIRST, ALL, FEW, NOTHING, FORCED])
def test_a_run_sends_the_bytes_that_its_page_says(costs: dict[str, Cost], run: str) -> None:
    _, _, table = PAGE.read_text("utf-8").partition(BYTES_HEADING)
    rows = (line.strip("|").split("|") for line in table.split("\n\n")[0].splitlines()[2:])
    page = {name.strip(): number(cell.strip()) for name, cell in rows}
    assert costs[run].sent == page[run]


@pytest.mark.parametrize("run", [FIRST, ALL, FEW, NOTHING, FORCED])
def test_the_page_adds_up_and_nothing_beats_the_least_possible(run: str) -> None:
    rows = told()[run]
    whole = rows.pop("all")
    assert whole == (sum(most for most, _ in rows.values()), sum(least for _, least in rows.values()))
    assert [kind for kind, (most, least) in rows.items() if most < least] == []


def test_a_first_run_costs_little_more_than_a_call_a_product(measured: dict[str, Calls]) -> None:
    assert sum(measured[FIRST].values()) <= 1.10 * PRODUCTS


def test_a_few_changes_cost_a_few_calls(measured: dict[str, Calls]) -> None:
    assert sum(measured[FEW].values()) <= 30


def test_what_did_not_change_costs_nothing_and_a_forced_refresh_only_reads(measured: dict[str, Calls]) -> None:
    assert not measured[NOTHING]
    assert set(measured[FORCED]) == {"reads"}
