"""Migrations are in nobody's way: what they say, what they do to tables, and what they do where a table is in use."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, event, inspect, make_url, text

from models.base import Base
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.stage.database import migrate
from tests.brief import faults

ROOT = Path(__file__).parents[2]
BASELINE = "20261129_revision"
"""The head of release 0.1.0; the rules hold for what came after it."""
_numbers = itertools.count(1)


def since_baseline() -> list[Script]:
    """The migrations after the baseline, the oldest first."""
    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    return list(scripts.iterate_revisions("head", BASELINE))[::-1]


@pytest.fixture
def at_baseline(migrated: EmbeddedPostgres) -> Iterator[str]:
    """The owner's URL of a database as release 0.1.0 left it."""
    name = f"baseline_{next(_numbers)}"
    migrated.create_database(name)
    migrate(migrated.url(name, "owner"), BASELINE)
    yield migrated.url(name, "owner")
    migrated.drop_database(name)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """What is said to any database meanwhile."""
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def files(url: str) -> Mapping[str, int]:
    """Table -> its file: another one after a migration means that the table was written anew."""
    made = create_engine(url, poolclass=NullPool)
    with made.connect() as connection:
        rows = connection.execute(
            text("SELECT relname, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                 " AND relkind IN ('r', 'p')")
        )  # fmt: skip
        return {row[0]: row[1] for row in rows}


def test_no_migration_since_the_baseline_is_in_the_way(at_baseline: str) -> None:
    found = []
    for script in since_baseline():
        told = script.module.__doc__ or ""
        assert ("(expand)" in told) != ("(contract)" in told), f"{script.revision} says which it is"
        before = files(at_baseline)
        with recorded() as said:
            migrate(at_baseline, script.revision)
        assert any("alembic_version" in one for one in said)
        found += [f"{script.revision}: {one}" for one in faults(said, before, contract="(contract)" in told)]
        after = files(at_baseline)
        found += [
            f"{script.revision} writes {table} anew"
            for table in before
            if after.get(table) not in (None, before[table])
        ]
    assert found == []


GOOD = """
ALTER TABLE run ADD COLUMN a text
ALTER TABLE run ADD COLUMN a text DEFAULT 'x' NOT NULL
ALTER TABLE run ADD COLUMN at timestamptz DEFAULT now() NOT NULL
ALTER TABLE run ADD CONSTRAINT fk_run_x FOREIGN KEY (x) REFERENCES tenant (id) NOT VALID
ALTER TABLE run VALIDATE CONSTRAINT fk_run_x
ALTER TABLE run ADD CONSTRAINT uq_run_x UNIQUE USING INDEX uq_run_x
ALTER TABLE run ALTER COLUMN a DROP NOT NULL
ALTER TABLE run ALTER COLUMN a SET DEFAULT 'x'
ALTER TABLE run SET (fillfactor = 80)
ALTER TABLE run ENABLE ROW LEVEL SECURITY
CREATE TABLE calls (id bigint)
CREATE INDEX ix_calls_id ON calls (id)
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_run_a ON run (a)
DROP INDEX CONCURRENTLY IF EXISTS ix_run_a
INSERT INTO calls (id) SELECT id FROM run
UPDATE alembic_version SET version_num = 'x'
""".strip().splitlines()
BAD = """
ALTER TABLE run ADD COLUMN a text NOT NULL
ALTER TABLE run ADD COLUMN a uuid DEFAULT gen_random_uuid() NOT NULL
ALTER TABLE run ADD COLUMN a bigint GENERATED ALWAYS AS (id + 1) STORED
ALTER TABLE run ADD COLUMN a BIGSERIAL
ALTER TABLE run ALTER COLUMN state TYPE varchar
ALTER TABLE run ALTER state SET DATA TYPE varchar
ALTER TABLE run ALTER COLUMN step SET NOT NULL
ALTER TABLE run ADD CONSTRAINT fk_run_x FOREIGN KEY (x) REFERENCES tenant (id)
ALTER TABLE run ADD CONSTRAINT ck_run_x CHECK (x > 0)
ALTER TABLE run ADD CONSTRAINT uq_run_x UNIQUE (x)
ALTER TABLE run ADD UNIQUE (x)
ALTER TABLE run DROP COLUMN step
ALTER TABLE run RENAME COLUMN step TO steps
ALTER TABLE run RENAME TO runs
DROP TABLE run
CREATE INDEX ix_run_a ON run (a)
CREATE UNIQUE INDEX ix_run_a ON run (a)
CREATE INDEX CONCURRENTLY ix_run_a ON run (a)
DROP INDEX ix_run_a
UPDATE run SET step = 'x'
DELETE FROM run
INSERT INTO run SELECT * FROM run
TRUNCATE run
LOCK TABLE run
""".strip().splitlines()


@pytest.mark.parametrize("statement", GOOD)
def test_what_is_in_nobodys_way(statement: str) -> None:
    assert list(faults([statement], {"run", "tenant"})) == []


@pytest.mark.parametrize("statement", BAD)
def test_what_is_in_the_way(statement: str) -> None:
    assert list(faults([statement], {"run", "tenant"}))


def test_a_contract_may_drop_and_nothing_more() -> None:
    assert (
        list(faults(["ALTER TABLE run DROP COLUMN step", "DROP TABLE tenant"], {"run", "tenant"}, contract=True)) == []
    )
    assert list(faults(["ALTER TABLE run ALTER COLUMN step TYPE varchar"], {"run"}, contract=True))


def test_what_is_validated_may_be_set_not_null() -> None:
    check = "ALTER TABLE run VALIDATE CONSTRAINT ck_run_step_is_there"
    assert list(faults([check, "ALTER TABLE run ALTER COLUMN step SET NOT NULL"], {"run"})) == []


def test_what_is_beside_a_concurrent_index_can_be_run_again() -> None:
    index = "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_run_a ON run (a)"
    assert list(faults(["ALTER TABLE run ADD COLUMN a text", index], {"run"}))


def run_beside(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    trouble: list[BaseException] = []

    def go() -> None:
        try:
            work()
        except BaseException as what:  # noqa: BLE001 told by the caller
            trouble.append(what)

    thread = threading.Thread(target=go)
    thread.start()
    return thread, trouble


def test_a_migration_waits_for_a_table_in_use_without_making_others_wait(
    migrated: EmbeddedPostgres, at_baseline: str
) -> None:
    name = str(make_url(at_baseline).database)
    made = create_engine(migrated.url(name, "service"), poolclass=NullPool)
    with made.begin() as connection:
        # ALTER TABLE SET waits for this: another of its kind, as a vacuum or an analysis holds it.
        owner = create_engine(at_baseline, poolclass=NullPool)
        with owner.begin() as holder:
            holder.execute(text("LOCK TABLE run IN SHARE UPDATE EXCLUSIVE MODE"))
            thread, trouble = run_beside(lambda: migrate(at_baseline))
            longest, until = 0.0, time.monotonic() + 5
            while time.monotonic() < until:
                began = time.monotonic()
                connection.execute(text("SELECT count(*) FROM run"))
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.05)
            assert thread.is_alive(), "it is still waiting"
            assert longest < 3.5, "nobody waits for longer than the migration itself waits for its lock"
    thread.join(60)
    assert trouble == []
    assert since_baseline()[-1].revision in str(_version(at_baseline))


def _version(url: str) -> object:
    made = create_engine(url, poolclass=NullPool)
    with made.connect() as connection:
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def test_a_migration_that_never_gets_its_lock_says_who_holds_it(
    at_baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    owner = create_engine(at_baseline, poolclass=NullPool, connect_args={"application_name": "somebody"})
    with owner.begin() as holder:
        # Whichever table the first migration after it may ask for.
        tables = set(inspect(holder).get_table_names()) - {"alembic_version"}
        holder.execute(text(f"LOCK TABLE {', '.join(sorted(tables))} IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Exception, match=r"A table was in use at each of 12 tries: .*'somebody'") as caught:
            migrate(at_baseline)
    assert type(caught.value).__name__ == "CouldNotLock"
    assert _version(at_baseline) == BASELINE, "nothing is half done"


def test_a_second_migration_waits_for_the_first_and_holds_no_snapshot_meanwhile(at_baseline: str) -> None:
    other = create_engine(at_baseline, poolclass=NullPool)
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(7214001)"))
        thread, trouble = run_beside(lambda: migrate(at_baseline))
        time.sleep(1.5)
        assert thread.is_alive()
        # A waiting one with a snapshot would hold this up for ever, and this the lock.
        connection.execute(text("CREATE INDEX CONCURRENTLY ix_run_trigger ON run (trigger)"))
        connection.execute(text("DROP INDEX ix_run_trigger"))
        assert _version(at_baseline) == BASELINE
        connection.execute(text("SELECT pg_advisory_unlock(7214001)"))
    thread.join(60)
    assert trouble == []
    assert _version(at_baseline) == since_baseline()[-1].revision


def test_an_index_that_broke_off_is_built_when_the_migration_is_run_again(at_baseline: str) -> None:
    migrate(at_baseline, "20261130_autovacuum")
    superuser = create_engine(at_baseline.replace("//owner@", "//postgres@"), poolclass=NullPool)
    owner = create_engine(at_baseline, poolclass=NullPool)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE INDEX ix_source_item_gone ON source_item (kind)"))
    with superuser.begin() as connection:
        connection.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_source_item_gone'::regclass")
        )
    migrate(at_baseline)
    with owner.connect() as connection:
        valid = connection.execute(
            text("SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index"
                 " WHERE indexrelid = 'ix_source_item_gone'::regclass")
        ).one()  # fmt: skip
    assert valid[0]
    assert valid[1].endswith("(connector_id, kind, source_id) WHERE gone")


def test_tables_have_the_settings_that_the_models_name(at_baseline: str) -> None:
    migrate(at_baseline)
    made = create_engine(at_baseline, poolclass=NullPool)
    with made.connect() as connection:
        rows = connection.execute(
            text("SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                 " AND relkind = 'r' AND relname <> 'alembic_version'")
        )  # fmt: skip
        there = {row[0]: dict(one.split("=") for one in row[1] or ()) for row in rows}
    named = {
        table.name: dict(table.dialect_options["postgresql"]["with"] or {}) for table in Base.metadata.sorted_tables
    }
    assert there == named
