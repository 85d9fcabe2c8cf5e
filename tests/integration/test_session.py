"""A transaction in somebody's name: committed at its end, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from worker.ledger import outage
from worker.ledger.session import Session, as_scheduler, as_tenant
from worker.ledger.session import engine as engine_of

AConnector = Callable[..., Any]


def test_a_tenants_transaction_is_committed_at_its_end(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text("UPDATE connector SET name = 'new'"))
    with as_tenant(engine, made.tenant_id) as session:
        assert session.scalar(text("SELECT name FROM connector")) == "new"


@pytest.mark.parametrize("whose", ["tenant", "scheduler"])
def test_a_transaction_that_breaks_leaves_nothing(engine: Engine, a_connector: AConnector, whose: str) -> None:
    made = a_connector("old")
    opened = as_tenant(engine, made.tenant_id) if whose == "tenant" else as_scheduler(engine)
    with pytest.raises(KeyError), opened as session:  # noqa: PT012 the transaction breaks after a change
        session.execute(text("UPDATE turn SET name = 'new'"))
        raise KeyError
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT name FROM turn")) == "old"


def test_a_scheduler_s_transaction_is_committed_at_its_end(engine: Engine, a_connector: AConnector) -> None:
    a_connector()
    with as_scheduler(engine) as session:
        session.execute(text("UPDATE turn SET attempts = 3"))
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT attempts FROM turn")) == 3


def test_who_wants_to_know_that_it_stands_is_told_once_and_not_where_it_broke(
    engine: Engine, a_connector: AConnector
) -> None:
    made, told = a_connector(), list[str]()
    with as_tenant(engine, made.tenant_id) as session:
        session.once_it_stands(lambda: told.append("stands"))
        assert told == []
    assert told == ["stands"]
    with pytest.raises(KeyError), as_tenant(engine, made.tenant_id) as session:  # noqa: PT012 it breaks afterwards
        session.once_it_stands(lambda: told.append("broke"))
        raise KeyError
    with as_tenant(engine, made.tenant_id) as session:
        session.once_it_stands(lambda: told.append("undone"))
        session.rollback()
    assert told == ["stands"]


def test_a_commit_waits_for_the_disk_unless_its_loss_would_do_no_harm(database_url: str) -> None:
    one = engine_of(database_url, pool=1)
    with one.begin() as connection:
        connection.execute(text("SET synchronous_commit = 'on'"))  # whatever the server of the tests has
    waits = text("SHOW synchronous_commit")
    for durable, said in ((True, "on"), (False, "off"), (True, "on")):
        with as_scheduler(one, durable=durable) as session:
            assert session.scalar(waits) == said
        with as_tenant(one, 1) as session:
            assert session.scalar(waits) == "on"
    one.dispose()


@pytest.mark.parametrize(("setting", "value"), [
    ("statement_timeout", "30s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "25s"),
    ("jit", "off"), ("application_name", "connector"), ("transaction_isolation", "read committed"),
])  # fmt: skip
def test_every_connection_has_its_limits(engine: Engine, setting: str, value: str) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text(f"SHOW {setting}")) == value


WHO = text("SELECT current_setting('app.tenant', true) || ' as ' || current_user")


def test_whatever_comes_first_is_said_in_the_tenant_s_name(engine: Engine) -> None:
    ways: dict[str, Callable[[Session], object]] = {
        "execute": lambda session: session.execute(text("SELECT 1")),
        "scalar": lambda session: session.scalar(text("SELECT 1")),
        "scalars": lambda session: session.scalars(text("SELECT 1")).all(),
        "driver": lambda session: session.exec_driver_sql("SELECT 1"),
        "many": lambda session: session.execute(text("SELECT :one"), [{"one": 1}, {"one": 2}]),
        "undone": lambda session: session.begin_nested().rollback(),
    }
    for way, begin in ways.items():
        with as_tenant(engine, 7) as session:
            begin(session)
            assert session.scalar(WHO) == "7 as service", way


def test_a_name_is_good_for_one_transaction(engine: Engine) -> None:
    with as_tenant(engine, 7) as session:
        assert session.scalar(WHO) == "7 as service"
        session.commit()
        assert session.scalar(WHO) == " as service"


def test_the_rows_and_the_number_of_a_first_statement_are_its_own(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        assert session.execute(text("UPDATE connector SET name = name")).rowcount == 1
    with as_tenant(engine, made.tenant_id) as session:
        assert session.execute(text("UPDATE connector SET name = name WHERE id = :id RETURNING id"),
                               {"id": made.id}).all() == [(made.id,)]  # fmt: skip


def test_the_mutex_is_taken_from_who_rests_with_it(database_url: str) -> None:
    opened = engine_of(database_url)
    with as_scheduler(opened) as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "2s"
        assert session.scalar(text("SELECT current_user")) == "scheduler"
    with as_tenant(opened, 7) as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "25s"
    opened.dispose()


def test_a_connection_that_breaks_at_a_commit_is_a_database_that_is_away(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> None:
        # So psycopg2 says it where the server dies between two bytes; elsewhere it says OperationalError by itself.
        raise psycopg2.DatabaseError("server closed the connection unexpectedly")

    monkeypatch.setattr(engine.dialect, "do_commit", breaks)
    with pytest.raises(OperationalError) as broken, as_scheduler(engine) as session:
        session.execute(text("SELECT 1"))
    assert broken.value.connection_invalidated
    monkeypatch.undo()
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_who_interrupts_a_commit_is_heard(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.dialect, "do_commit", is_interrupted)
    with pytest.raises(KeyboardInterrupt), as_scheduler(engine) as session:
        session.execute(text("SELECT 1"))


def test_a_connection_that_the_server_dropped_is_replaced(
    engine: Engine, database_url: str, a_connector: AConnector
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        process = session.scalar(text("SELECT pg_backend_pid()"))
    killer = engine_of(database_url)
    with killer.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": process})
    killer.dispose()
    with as_tenant(engine, made.tenant_id) as session:
        assert session.scalar(text("SELECT count(*) FROM connector")) == 1


@pytest.mark.parametrize(
    "as_somebody", [lambda engine: as_tenant(engine, 1), as_scheduler], ids=["tenant", "scheduler"]
)
def test_all_connections_that_rested_when_the_server_dropped_them_are_replaced(
    engine: Engine, database_url: str, as_somebody: Callable[[Engine], Any]
) -> None:
    with as_somebody(engine) as one, as_somebody(engine) as two:
        pids = [session.scalar(text("SELECT pg_backend_pid()")) for session in (one, two)]
    killer = engine_of(database_url)
    with killer.connect() as connection:
        for pid in pids:
            assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    killer.dispose()
    with as_somebody(engine) as one, as_somebody(engine) as two:
        assert not {session.scalar(text("SELECT pg_backend_pid()")) for session in (one, two)} & set(pids)


def test_a_connection_that_breaks_in_a_transaction_breaks_it(engine: Engine, database_url: str) -> None:
    killer = engine_of(database_url)

    def lose_it() -> None:
        with as_tenant(engine, 1) as session, killer.connect() as connection:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            session.execute(text("SELECT 1"))

    with pytest.raises(OperationalError):
        lose_it()
    killer.dispose()


def test_a_pool_is_as_large_as_it_is_asked_to_be(database_url: str) -> None:
    opened = engine_of(database_url, pool=2)
    with opened.connect() as one, opened.connect() as two:
        assert one.scalar(text("SELECT 1")) == two.scalar(text("SELECT 1")) == 1
        assert opened.pool.status().startswith("Pool size: 2 ")
        assert "Current Overflow: 0" in opened.pool.status()
    opened.dispose()


def test_who_waits_for_a_lock_too_long_is_told_so(engine: Engine, a_connector: AConnector) -> None:
    a_connector()
    with as_scheduler(engine) as holder:
        holder.execute(text("SELECT 1 FROM turn FOR UPDATE"))
        with as_scheduler(engine) as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(OperationalError, match="lock timeout"), session.begin_nested():
                session.execute(text("UPDATE turn SET attempts = 1"))


def test_a_server_that_only_reads_is_a_database_that_is_away(engine: Engine, a_connector: AConnector) -> None:
    """As in the midst of a failover: psycopg2 itself takes it for another kind of error."""
    a_connector()
    with as_scheduler(engine) as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(OperationalError) as caught:
            session.execute(text("UPDATE turn SET attempts = 0"))
        session.rollback()
    assert outage.is_unable(caught.value)
