"""A dump taken in the midst of a run, restored after the stores have moved on: nothing is made twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.chaos import goods
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.stage.compare import content
from tests.operations.place import NAME, STORE, Place, place
from worker.ledger.session import engine

CATALOGUE = goods.catalogue(9, products=12)
CODE = f"CN-{STORE}"

pytestmark = pytest.mark.timeout(280)


def values(table: str, at: int) -> dict[str, Any]:
    names = [one if isinstance(one, str) else next(iter(one)) for one in CATALOGUE["data_schema"][table]]
    row = dict(zip(names, CATALOGUE["data"][table][at], strict=True))
    return {name: value for name, value in row.items() if name not in {"STATUS", "ID"}}


def identity(table: str, at: int) -> int:
    return int(CATALOGUE["data"][table][at][1])


def novelty(here: Place, number: int) -> None:
    """A new product with a variant."""
    fresh = {"ID": number, "REF": f"NEW-{number}", "product_name_en": f"Novelty {number}", "product_url": ""}
    sound = {"product_weight": "1", "product_price": "50"}
    here.ground.neighbours.add(CODE, "products", values("products", 3) | fresh | sound)
    variant = {"ID": number + 1, "ID_products": number, "REF": f"NEW-{number}-S", "size": "S", "format_upc": ""}
    here.ground.neighbours.add(CODE, "product_formats", values("product_formats", 0) | variant | {"format_stock": 5})


def moves_on(here: Place) -> None:
    """What the source says after the backup: prices, pictures, stock, sizes, a new product."""
    edit = here.ground.neighbours.edit
    edit(CODE, "products", identity("products", 1), {"product_price": "99.5", "pattern": "Dots"})
    for at in (0, 1):
        added = ["M", f"added-{at}", f"https://media.test/added-{at}.jpg"]
        pictures = [*values("products", at)["product_image"], added]
        edit(CODE, "products", identity("products", at), {"product_image": pictures})
    fewer = values("products", 4)["product_image"][:-1]
    edit(CODE, "products", identity("products", 4), {"product_image": fewer})
    for at in (20, 40):
        edit(CODE, "product_formats", identity("product_formats", at), {"size": "XXXL", "format_stock": 77})
    edit(CODE, "product_formats", identity("product_formats", 6), {"format_stock": 123})
    novelty(here, 80_100)


def test_a_dump_of_a_busy_database_is_restored_and_its_runs_double_nothing(tmp_path: Path) -> None:
    with place(tmp_path, catalogue=CATALOGUE, LEASE_SECONDS="3") as here:
        here.works("one")
        here.request()
        here.until_over()
        for number in (80_000, 80_010, 80_020, 80_030):
            novelty(here, number)
        here.latency(0.4)
        here.request()
        here.until_sending(2)
        assert here.run_state() == "synchronizing"
        assert "row-level security" in here.types("backup", code=1, PGUSER="owner")
        here.types("backup")
        schema = described(here)
        here.latency(0.0)
        here.until_over()
        moves_on(here)
        here.request()
        here.until_over()
        before = here.snapshot()
        assert here.ends("one") == 0
        with EmbeddedPostgres(durable=False) as other:
            restored(here, other)
            assert described(here) == schema, "grants, policies and triggers too"
            assert here.run_state() == "synchronizing", "as it was at the time of the backup"
            assert here.ask("SELECT reltuples > 0 FROM pg_class WHERE relname = 'source_item'"), "it has statistics"
            assert "is cancelled" in here.types("begin again")
            here.works("two")
            assert here.until_over() == "completed_with_errors"
            here.engine.dispose()
            after = here.snapshot()
            assert after["store"]["created"] == before["store"]["created"], "not a row was made twice"
            assert content(after) == content(before)
            assert "Redis answers" in here.runs(f"connector doctor; connector items {NAME} --status failed")
            assert here.ends("two") == 0


def described(here: Place) -> str:
    """All tables with their policies, grants and triggers; a condition that was restored has fewer parentheses."""
    told = here.runs("pg_dump --schema-only --restrict-key=same connector")
    assert told.count("FORCE ROW LEVEL SECURITY") > 10
    return told.replace("(", "").replace(")", "")


def restored(here: Place, other: EmbeddedPostgres) -> None:
    """The page's commands on an empty cluster, which the service uses from now on."""
    here.given["PGHOST"] = str(other.folder)
    here.types("restore")
    here.moves_to(other.url("connector"))
    here.engine.dispose()
    here.engine = engine(other.url("connector"))
