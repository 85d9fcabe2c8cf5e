"""A dump taken in the midst of a run, restored after the stores have moved on: nothing is made twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from tests.operations.afterwards import CATALOGUE, begins_again, moves_on, novelty, stands_on
from tests.operations.place import Place, place

pytestmark = pytest.mark.timeout(280)


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
            stands_on(here, other)
            here.types("restore")
            assert described(here) == schema, "grants, policies and triggers too"
            assert here.run_state() == "synchronizing", "as it was at the time of the backup"
            assert here.ask("SELECT reltuples > 0 FROM pg_class WHERE relname = 'source_item'"), "it has statistics"
            begins_again(here, before)


def described(here: Place) -> str:
    """All tables with their policies, grants and triggers; a condition that was restored has fewer parentheses."""
    told = here.runs("pg_dump --schema-only --restrict-key=same connector")
    assert told.count("FORCE ROW LEVEL SECURITY") > 10
    return told.replace("(", "").replace(")", "")
