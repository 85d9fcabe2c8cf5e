"""How Alembic reaches the database: as owner, one at a time, and in nobody's way for long.

A statement that waits for a lock makes all wait that come behind it, so it waits for two seconds at most; then the
migration is rolled back and tried again later, when whoever held the lock may be done. What was migrated before stays.
"""

from __future__ import annotations

import logging
import random
import time
from importlib import import_module
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import OperationalError

import models
from models.base import Base
from worker import logs
from worker.ledger import outage
from worker.settings import Settings, with_driver

_LOCK = 7_214_001  # any number, but always this one
_LOCK_SECONDS = 2
_STATEMENT_SECONDS = 60
_TRIES = 12
_LONGEST_PAUSE = 10.0
_NOT_AVAILABLE = "55P03"
_DEADLOCK = "40P01"
_OTHER_SECONDS = 300.0

log = logging.getLogger("alembic.env")

# Every table is known once its module is there.
for _module in iter_modules(models.__path__):
    import_module(f"models.{_module.name}")


class SomebodyElseMigrates(Exception):
    """Another migration holds the lock, and has for long."""


class CouldNotLock(Exception):
    """A table was in use at each try."""


def run() -> None:
    """Bring the schema up (or down), while no other migration does."""
    if context.config.cmd_opts is not None:  # by the command `alembic`: the process is ours
        logs.configure_process(Settings())
    url = context.config.get_main_option("sqlalchemy.url") or Settings().migration_database_url
    engine = create_engine(with_driver(url), hide_parameters=True, connect_args={"application_name": "migration"})
    event.listen(engine, "handle_error", outage.without_values)
    with engine.connect() as connection:
        _take_turn(connection)
        try:
            for number in range(1, _TRIES + 1):
                try:
                    _migrate(connection)
                    break
                except OperationalError as trouble:
                    connection.rollback()
                    if getattr(trouble.orig, "pgcode", None) not in (_NOT_AVAILABLE, _DEADLOCK):
                        raise
                    if number == _TRIES:
                        raise CouldNotLock(_sentence(connection, trouble)) from trouble
                    pause = min(_LONGEST_PAUSE, 0.5 * 2 ** (number - 1)) * random.uniform(0.7, 1.3)  # noqa: S311 jitter
                    log.warning("a table is in use, once more in %.1f s (try %d of %d)", pause, number + 1, _TRIES)
                    time.sleep(pause)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    engine.dispose()


def _migrate(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{_LOCK_SECONDS}s'"))
    connection.execute(text(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def _take_turn(connection: Connection) -> None:
    """Wait for another migration, asking now and then: who waits inside a statement holds up an index that is built."""
    give_up_at = time.monotonic() + _OTHER_SECONDS
    while True:
        taken = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        if taken:
            return
        if time.monotonic() > give_up_at:
            raise SomebodyElseMigrates(
                f"Another migration has been going on for {_OTHER_SECONDS:.0f} s; try again later."
            )
        time.sleep(0.2)


def _sentence(connection: Connection, trouble: OperationalError) -> str:
    statement = " ".join(str(trouble.statement).split())[:120]
    longest = connection.execute(
        text(
            "SELECT pid, application_name, round(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            " ORDER BY xact_start LIMIT 1"
        )
    ).one_or_none()
    connection.rollback()
    who = (
        ""
        if longest is None
        else f" The oldest transaction is of '{longest[1]}' (pid {longest[0]}), {longest[2]} s old."
    )
    return (
        f"A table was in use at each of {_TRIES} tries: {statement}.{who} What was migrated before stays; run it again."
    )


run()
