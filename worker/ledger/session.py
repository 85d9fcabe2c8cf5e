"""A transaction in somebody's name: a tenant's, or the scheduler's.

The service's role owns no table and sees no row until it says for which
tenant it acts (law 12); turns across tenants are seen by the role
*scheduler* alone, which it takes on for one transaction.

Queries of the tables of items name their connector, the kind and the run as `connector_id = (SELECT :connector)`:
Postgres then plans for an average connector. A plain value that its statistics have never met, as in every
connector's first run, would stand for a single row (decision 0010).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session


def engine(url: str, *, pool: int = 8) -> Engine:
    """The process's pool of connections, with limits on every statement."""
    return create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s "
            "-c jit=off",
            "application_name": "connector",
        },
    )


@contextmanager
def as_tenant(engine: Engine, tenant_id: int) -> Iterator[Session]:
    """One transaction that sees and writes the rows of this tenant; committed at the end."""
    with Session(engine) as session, session.begin():
        session.execute(text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(tenant_id)})
        yield session


@contextmanager
def as_scheduler(engine: Engine) -> Iterator[Session]:
    """One transaction that sees the turns of all tenants, and nothing else."""
    with Session(engine) as session, session.begin():
        session.execute(text("SET LOCAL ROLE scheduler"))
        yield session
