"""How Alembic reaches the database: as the role owner, with limits, one at a time."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import create_engine, text

import models
from models.base import Base
from worker import logs
from worker.settings import Settings, with_driver

_LOCK = 7_214_001  # any number, but always this one


# Every table is known once its module is there.
for _module in iter_modules(models.__path__):
    import_module(f"models.{_module.name}")


def run() -> None:
    """Bring the schema up (or down), while no other migration does."""
    if context.config.cmd_opts is not None:  # by the command `alembic`: the process is ours
        logs.configure_process(Settings())
    url = context.config.get_main_option("sqlalchemy.url") or Settings().migration_database_url
    engine = create_engine(with_driver(url))
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.execute(text("SET statement_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        try:
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    engine.dispose()


run()
