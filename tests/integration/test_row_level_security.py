"""The database itself refuses to show a row to another tenant (law 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, Table, create_engine, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import IntegrityError, ProgrammingError

import models
from models.base import Base
from models.vocabulary import ItemKind
from sandbox.servers.postgres import EmbeddedPostgres
from worker.catalog.items import Key
from worker.catalog.store import Relation
from worker.ledger import relations
from worker.ledger.session import Session, as_scheduler, as_tenant

for _module in iter_modules(models.__path__):
    import_module(f"models.{_module.name}")

TABLES = {table.name: table for table in Base.metadata.sorted_tables}
OF_TENANTS = [table for table in Base.metadata.sorted_tables if table.name == "tenant" or "tenant_id" in table.c]
SCHEDULERS = {"turn", "tenant_turn", "store_turn", "scheduler", "worker_process", "api_key"}
"""A key is looked up before it is known whose it is; only its hash is kept."""
HISTORY = "slice_log"
"""Of a tenant, but ids, times, worker and reason in it are seen across tenants by the role scheduler."""
SEEN = {"connector_id", "epoch", "tenant_id", "worker", "ready_at", "started_at", "ended_at", "ended_why"}
ENDS = {"ended_at", "ended_why", "step", "calls", "settled"}
FOUND = "item_text"
"""Seen as a whole by owner, in whose name one function searches it; that function tells a tenant its own rows alone."""
COUNTED = {"connector", "run"}
"""Seen as a whole by owner, in whose name one function counts them for metrics; it tells how many, and no text."""
OUTBOX = "webhook_delivery"
"""Of a tenant, but ids and dates of open rows are seen across tenants by the role scheduler: test_webhooks.py."""
AConnector = Callable[..., Any]


def owner_of(table: Table) -> str:
    return "id" if table.name == "tenant" else "tenant_id"


@pytest.fixture
def owner(migrated: EmbeddedPostgres, engine: Engine) -> Iterator[Engine]:
    """The test's own database, as the role owner."""
    made = create_engine(migrated.url(str(engine.url.database), "owner"), poolclass=NullPool)
    yield made
    made.dispose()


@pytest.fixture
def both(engine: Engine, a_connector: AConnector) -> tuple[Any, Any]:
    """Two tenants' connectors, each with a row in every table of tenants."""
    mine, theirs = a_connector("mine", tenant="mine"), a_connector("theirs", tenant="theirs")
    for made in (mine, theirs):
        with as_tenant(engine, made.tenant_id) as session:
            run_id = session.scalar(
                text("INSERT INTO run (tenant_id, connector_id, trigger) VALUES (:t, :c, 'check') RETURNING id"),
                {"t": made.tenant_id, "c": made.id},
            )
            for table in OF_TENANTS:
                if not count(session, table.name):
                    insert(session, table, made, int(run_id))
    return mine, theirs


def insert(session: Session, table: Table, made: Any, run_id: int) -> None:
    """A row with something in each column that must hold something."""
    known = {"tenant_id": made.tenant_id, "connector_id": made.id, "run_id": run_id, "store_id": made.id}
    if table.name == "api_key":
        known["id"] = f"key{made.id}"
    if table.name == OUTBOX:
        known["webhook_id"] = session.scalar(text("SELECT min(id) FROM webhook")) or 0
    values = {}
    for column in table.columns:
        if column.name in known:
            values[column.name] = known[column.name]
        elif not column.nullable and column.server_default is None and not (column.primary_key and column.name == "id"):
            values[column.name] = something(column.type)
    session.execute(table.insert().values(values))


def something(kind: Any) -> Any:
    if isinstance(kind, ARRAY):
        return [1]
    if isinstance(kind, JSONB):
        return {}
    return {bool: True, int: 1, float: 1.0, bytes: b"x"}.get(kind.python_type, "x")


def count(session: Session, table: str) -> int:
    return int(session.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0)  # noqa: S608


@contextmanager
def as_nobody(engine: Engine) -> Iterator[Session]:
    """A transaction of the service that has not said for whom it acts."""
    with Session(engine) as session:
        yield session
        session.rollback()


# ---- what stands in the catalogue of the database


def test_there_are_tables_of_tenants_to_look_at() -> None:
    assert {table.name for table in OF_TENANTS} == set(TABLES) - {"scheduler", "store_turn", "worker_process"}


def test_row_security_is_on_and_forced_for_every_table_of_tenants(engine: Engine) -> None:
    with as_nobody(engine) as session:
        rows = session.execute(
            text("SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
                 " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"),
        ).all()  # fmt: skip
    assert {row[0] for row in rows if row[1] and row[2]} == {table.name for table in OF_TENANTS}


def test_every_table_of_tenants_has_one_policy_for_service_and_turns_one_more_for_scheduler(engine: Engine) -> None:
    with as_nobody(engine) as session:
        rows = session.execute(text("SELECT tablename, roles::text[], cmd, qual, with_check FROM pg_policies")).all()
    of_service = [row for row in rows if row[1] == ["service"]]
    assert sorted(row[0] for row in of_service) == sorted(table.name for table in OF_TENANTS)
    for row in of_service:
        assert row[2] == "ALL"
        assert row[3] == row[4]
        assert "app.tenant" in row[3]
        assert f"{owner_of(TABLES[row[0]])} = " in row[3]
    others = {row[0]: (row[1], row[2]) for row in rows if row[1] != ["service"]}
    for table in (FOUND, *COUNTED):
        assert others.pop(table) == (["owner"], "SELECT")
    assert others == dict.fromkeys(("api_key", HISTORY, "tenant_turn", "turn", OUTBOX), (["scheduler"], "ALL"))


def test_service_owns_nothing_is_no_superuser_and_cannot_bypass(engine: Engine) -> None:
    with as_nobody(engine) as session:
        assert session.scalar(text("SELECT current_user")) == "service"
        assert session.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = 'service'::regrole")) == 0
        assert session.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = 'scheduler'::regrole")) == 0
        flags = session.execute(
            text("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles"
                 " WHERE rolname = 'service'"),
        ).one()  # fmt: skip
        assert not any(flags)
        assert session.scalar(text("SELECT pg_has_role('service', 'owner', 'MEMBER')")) is False


@pytest.mark.parametrize("statement", [
    "SET ROLE owner", "ALTER TABLE connector DISABLE ROW LEVEL SECURITY", "DROP POLICY of_tenant ON connector",
    "TRUNCATE connector", "CREATE TABLE mine ()",
])  # fmt: skip
def test_service_cannot_lift_the_rule(engine: Engine, statement: str) -> None:
    with as_nobody(engine) as session, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        session.execute(text(statement))


# ---- nobody


def test_who_has_not_said_for_whom_it_acts_sees_and_changes_nothing(engine: Engine, both: tuple[Any, Any]) -> None:
    del both
    for table in OF_TENANTS:
        with as_nobody(engine) as session:
            assert count(session, table.name) == 0, table.name
            assert changed(session, f'UPDATE "{table.name}" SET {owner_of(table)} = {owner_of(table)}') == 0  # noqa: S608
            assert changed(session, f'DELETE FROM "{table.name}"') == 0  # noqa: S608


def test_who_has_not_said_for_whom_it_acts_writes_nothing(engine: Engine, both: tuple[Any, Any]) -> None:
    for table in OF_TENANTS:
        with as_nobody(engine) as session, pytest.raises(ProgrammingError, match="violates row-level security"):
            insert(session, table, both[0], 1)


def changed(session: Session, statement: str) -> int:
    return len(session.execute(text(f"{statement} RETURNING 1")).all())


# ---- another tenant


def test_a_tenant_sees_its_own_rows_and_no_others_in_every_table(engine: Engine, both: tuple[Any, Any]) -> None:
    for mine in both:
        with as_tenant(engine, mine.tenant_id) as session:
            for table in OF_TENANTS:
                owners = set(session.scalars(text(f'SELECT {owner_of(table)} FROM "{table.name}"')))  # noqa: S608
                assert owners == {mine.tenant_id}, table.name


def test_a_tenant_changes_and_deletes_no_row_of_another(engine: Engine, both: tuple[Any, Any]) -> None:
    mine, theirs = both
    before = everything(engine, theirs.tenant_id)
    assert all(before.values())
    for table in OF_TENANTS:
        named = f'"{table.name}" WHERE {owner_of(table)} = {theirs.tenant_id}'
        with as_tenant(engine, mine.tenant_id) as session:
            unchanged = f"SET {owner_of(table)} = {owner_of(table)} WHERE {owner_of(table)} = {theirs.tenant_id}"
            assert changed(session, f'UPDATE "{table.name}" {unchanged}') == 0, table.name
            assert changed(session, f"DELETE FROM {named}") == 0, table.name  # noqa: S608
    # Not even where it names nobody: all that it deletes is its own.
    with as_tenant(engine, mine.tenant_id) as session:
        for table in reversed(OF_TENANTS):
            session.execute(text(f'DELETE FROM "{table.name}"'))  # noqa: S608
    assert everything(engine, theirs.tenant_id) == before


def everything(engine: Engine, tenant_id: int) -> dict[str, list[Any]]:
    with as_tenant(engine, tenant_id) as session:
        return {
            table.name: [row[0] for row in session.execute(text(f'SELECT t::text FROM "{table.name}" t'))]  # noqa: S608
            for table in OF_TENANTS
        }


def test_a_tenant_writes_no_row_for_another_and_gives_none_away(engine: Engine, both: tuple[Any, Any]) -> None:
    mine, theirs = both
    for table in OF_TENANTS:
        with (
            pytest.raises(ProgrammingError, match="violates row-level security") as refused,
            as_tenant(engine, mine.tenant_id) as session,
        ):
            insert(session, table, theirs, 1)
        assert table.name in str(refused.value)
        with (
            pytest.raises(ProgrammingError, match="violates row-level security"),
            as_tenant(engine, mine.tenant_id) as session,
        ):
            session.execute(text(f'UPDATE "{table.name}" SET {owner_of(table)} = {theirs.tenant_id}'))  # noqa: S608


def test_the_tenant_of_a_transaction_is_forgotten_with_it(engine: Engine, both: tuple[Any, Any]) -> None:
    """The pool hands the same connection on: nothing of the last transaction's name may stick to it."""
    with as_tenant(engine, both[0].tenant_id) as session:
        process = session.scalar(text("SELECT pg_backend_pid()"))
    with as_nobody(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == process
        assert count(session, "connector") == 0
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT current_user")) == "scheduler"
    with as_nobody(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == process
        assert session.scalar(text("SELECT current_user")) == "service"


# ---- the searches, which look past the rule

FINDERS = ("found_items", "marked_items")


@pytest.mark.parametrize("finder", FINDERS)
def test_a_search_tells_a_tenant_its_own_items_whatever_connector_it_names(
    engine: Engine, both: tuple[Any, Any], finder: str
) -> None:
    ask = text(f"SELECT {finder}(:connector, 'x', :sought, 0, 100)")
    for mine, theirs in (both, both[::-1]):
        with as_tenant(engine, mine.tenant_id) as session:
            for sought in ("%", "%x%", "%1%", "1", ""):
                assert session.execute(ask, {"connector": theirs.id, "sought": sought}).all() == []
            found_by = {"found_items": "%", "marked_items": "1"}[finder]
            assert session.execute(ask, {"connector": mine.id, "sought": found_by}).all() == [(1,)]
            for connector in (None, 0, -1, 2**62):
                assert session.execute(ask, {"connector": connector, "sought": found_by}).all() == []
    with as_nobody(engine) as session:
        for made in both:
            for sought in ("%", "1", ""):
                assert session.execute(ask, {"connector": made.id, "sought": sought}).all() == []


def test_service_alone_may_search_and_nobody_bends_the_search(engine: Engine, both: tuple[Any, Any]) -> None:
    mine, theirs = both
    for finder in FINDERS:
        with as_scheduler(engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(f"SELECT {finder}(1, 'x', '%', 0, 1)"))
    with as_nobody(engine) as session:
        definers = session.execute(
            text("SELECT proname, proconfig::text, has_function_privilege('service', oid, 'EXECUTE'),"
                 " proacl::text ~ '(^[{]|,)=X' FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
                 " ORDER BY proname")
        ).all()  # fmt: skip
    assert [(row[0], row[2], row[3]) for row in definers] == [
        *((finder, True, False) for finder in FINDERS),
        ("service_counts", False, False),
    ]
    assert [row[0] for row in definers if "search_path=pg_catalog, pg_temp" not in row[1]] == []
    # A table of the same name that hides the real one is not asked.
    with as_tenant(engine, mine.tenant_id) as session:
        session.execute(
            text("""
            CREATE TEMPORARY TABLE item_text ON COMMIT DROP AS SELECT CAST(:c AS bigint) AS connector_id,
              CAST(:t AS bigint) AS tenant_id, 'planted' AS kind, CAST(9 AS bigint) AS source_id, 'x 1' AS find_key
            """),
            {"c": theirs.id, "t": mine.tenant_id},
        )
        for finder, sought in zip(FINDERS, ("%", "1"), strict=True):
            ask = text(f"SELECT {finder}(:c, 'planted', :sought, 0, 9)")
            assert session.execute(ask, {"c": theirs.id, "sought": sought}).all() == []


# ---- what conflicts across tenants


def test_a_foreign_key_into_another_tenant_is_refused_like_one_into_nothing(
    engine: Engine, both: tuple[Any, Any]
) -> None:
    mine, theirs = both
    with as_tenant(engine, theirs.tenant_id) as session:
        session.execute(text("DELETE FROM mirror"))
    told = []
    for connector_id in (theirs.id, 999_999):
        with pytest.raises(IntegrityError) as refused, as_tenant(engine, mine.tenant_id) as session:
            session.execute(
                text("INSERT INTO mirror (tenant_id, connector_id, last_update) VALUES (:t, :c, 1)"),
                {"t": mine.tenant_id, "c": connector_id},
            )
        told.append(str(refused.value.orig))
    assert told[0] == told[1]


def test_a_key_that_another_tenant_has_tells_nothing_but_that_it_is_taken(
    engine: Engine, both: tuple[Any, Any]
) -> None:
    mine, theirs = both
    with as_tenant(engine, theirs.tenant_id) as session:
        secret = session.scalar(text("SELECT store_hash FROM relation"))
    with (
        pytest.raises(IntegrityError, match="uq_relation_store_hash_kind_store_id") as refused,
        as_tenant(engine, mine.tenant_id) as session,
    ):
        session.execute(
            text("INSERT INTO relation (connector_id, kind, source_id, storefront_id, tenant_id, store_hash, store_id,"
                 " created_here) VALUES (:c, 'x', 77, 0, :t, :hash, :store, false)"),
            {"c": mine.id, "t": mine.tenant_id, "hash": secret, "store": theirs.id},
        )  # fmt: skip
    assert "DETAIL" not in str(refused.value.orig)


def test_a_store_item_of_another_tenant_is_refused_without_a_word_about_them(
    engine: Engine, both: tuple[Any, Any]
) -> None:
    mine, theirs = both
    with as_tenant(engine, theirs.tenant_id) as session:
        kept = Relation(Key(ItemKind.PRODUCT, 1), 4711, fingerprints={"text": "theirs"})
        assert relations.remember(session, theirs.tenant_id, theirs.id, "shared", [kept]) == []
    with as_tenant(engine, mine.tenant_id) as session:
        wanted = Relation(Key(ItemKind.PRODUCT, 2), 4711, fingerprints={"text": "mine"})
        free = Relation(Key(ItemKind.PRODUCT, 3), 4712)
        assert relations.remember(session, mine.tenant_id, mine.id, "shared", [wanted, free]) == [wanted.key]
        assert list(relations.of(session, mine.id, [wanted.key, free.key])) == [free.key]
    with as_tenant(engine, theirs.tenant_id) as session:
        assert relations.of(session, theirs.id, [kept.key]) == {kept.key: kept}


# ---- scheduler, and owner


def test_scheduler_sees_the_turns_of_all_and_no_content(engine: Engine, both: tuple[Any, Any]) -> None:
    tenants = {made.tenant_id for made in both}
    for table in TABLES.values():
        with as_scheduler(engine) as session:
            if table.name in SCHEDULERS:
                if "tenant_id" in table.c:
                    seen = set(session.scalars(text(f'SELECT tenant_id FROM "{table.name}"')))  # noqa: S608
                    assert seen == tenants
                continue
            if table.name in {HISTORY, OUTBOX}:
                continue
            for statement in ("SELECT 1 FROM", "DELETE FROM"):
                with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
                    session.execute(text(f'{statement} "{table.name}"'))


@pytest.mark.parametrize("column", [column.name for column in TABLES[HISTORY].columns])
def test_scheduler_sees_of_the_log_of_slices_what_fairness_is_reckoned_from_and_no_more(
    engine: Engine, both: tuple[Any, Any], column: str
) -> None:
    with as_scheduler(engine) as session:
        assert set(session.scalars(text(f"SELECT tenant_id FROM {HISTORY}"))) == {made.tenant_id for made in both}  # noqa: S608
        for statement, allowed in (
            (f"SELECT {column} FROM {HISTORY}", column in SEEN),  # noqa: S608
            (f"UPDATE {HISTORY} SET {column} = DEFAULT", column in ENDS),  # noqa: S608
        ):
            if allowed:
                session.execute(text(statement))
            else:
                with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
                    session.execute(text(statement))


@pytest.mark.parametrize("statement", ["DELETE FROM slice_log", "INSERT INTO slice_log DEFAULT VALUES"])
def test_scheduler_makes_and_takes_no_history(engine: Engine, statement: str) -> None:
    with as_scheduler(engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement))


def test_turn_tables_hold_no_content() -> None:
    columns = {f"{name}.{column.name}" for name in SCHEDULERS for column in TABLES[name].columns}
    assert columns == {
        "scheduler.one",
        "scheduler.virtual_time",
        "store_turn.store_hash",
        "store_turn.not_before",
        "store_turn.failures",
        "tenant_turn.tenant_id",
        "tenant_turn.name",
        "tenant_turn.weight",
        "tenant_turn.virtual_finish",
        "tenant_turn.max_slots",
        "worker_process.worker",
        "worker_process.started_at",
        "worker_process.seen_at",
        "worker_process.drain_asked_at",
        "worker_process.ended_at",
        "worker_process.slots",
        "turn.connector_id",
        "turn.tenant_id",
        "turn.name",
        "turn.store_hash",
        "turn.state",
        "turn.not_before",
        "turn.tag",
        "turn.ready_at",
        "turn.epoch",
        "turn.deadline",
        "turn.started_at",
        "turn.attempts",
        "turn.again",
        "turn.stop_asked",
        "turn.worker",
        "turn.source_failures",
        "turn.source_not_before",
        *(f"api_key.{column.name}" for column in TABLES["api_key"].columns),
    }  # a column more is one that is seen across tenants: think before it goes in here


def test_scheduler_acting_for_a_tenant_still_sees_no_content(engine: Engine, both: tuple[Any, Any]) -> None:
    with as_scheduler(engine) as session:
        session.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": str(both[0].tenant_id)})
        with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(text("SELECT 1 FROM credential"))


def test_service_itself_reads_neither_the_scheduler_nor_the_list_of_stores(
    engine: Engine, both: tuple[Any, Any]
) -> None:
    for table in ("scheduler", "store_turn", "worker_process"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            as_tenant(engine, both[0].tenant_id) as session,
        ):
            session.execute(text(f"SELECT 1 FROM {table}"))  # noqa: S608


def test_owner_is_bound_by_the_rule_too(owner: Engine, both: tuple[Any, Any]) -> None:
    for table in OF_TENANTS:
        with owner.begin() as connection:
            assert connection.scalar(text("SELECT current_user")) == "owner"
            connection.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": str(both[0].tenant_id)})
            # It may act as scheduler, and sees what that one sees: turns, and no content.
            seen = connection.scalar(text(f'SELECT count(*) FROM "{table.name}"'))  # noqa: S608
            assert seen == (2 if table.name in {*SCHEDULERS, HISTORY, FOUND, *COUNTED} else 0), table.name
    with pytest.raises(ProgrammingError, match="violates row-level security"), owner.begin() as connection:
        connection.execute(text("INSERT INTO tenant (name) VALUES ('x')"))
