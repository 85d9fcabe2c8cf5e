"""A transaction in somebody's name: a tenant's, or the scheduler's.

The service's role owns no table and sees no row until it says for which
tenant it acts (law 12); turns across tenants are seen by the role
*scheduler* alone, which it takes on for one transaction.

Queries of the tables of items name their connector, the kind and the run as `connector_id = (SELECT :connector)`:
Postgres then plans for an average connector. A plain value that its statistics have never met, as in every
connector's first run, would stand for a single row (decision 0010).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection, Engine, TextClause, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

from worker.catalog import json_text
from worker.ledger import outage
from worker.ledger.statement import text

NOBODY = 0
"""No tenant has this id; acting as nobody, no row is seen."""
MUTEX_SECONDS = 2
"""How long a transaction of the scheduler may be idle. It is nothing but statements, and may hold the mutex: where its
process freezes in the midst, nobody else may be kept from dispatching."""
CUT_AFTER_SECONDS = 15
"""Without a sign of Postgres's machine for so long, a connection is given up: the system by itself waits for hours."""


def engine(url: str, *, pool: int = 8, longest_idle: float = 25.0, longest_statement: float = 30.0) -> Engine:
    """The process's pool of connections, with limits on every statement (`longest_statement`, seconds).

    `longest_idle`, in seconds, is how long a transaction may be idle: the lease, for a frozen process must not lock a
    turn longer than it holds it.
    """
    made = create_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        # An error of a statement is logged; its values are a tenant's.
        hide_parameters=True,
        json_deserializer=json_text.read,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": CUT_AFTER_SECONDS // 3,
            "keepalives_interval": CUT_AFTER_SECONDS // 3,
            "keepalives_count": 2,
            "tcp_user_timeout": 1000 * CUT_AFTER_SECONDS,
            "options": f"-c statement_timeout={round(1000 * longest_statement)}ms -c lock_timeout=5s -c jit=off"
            f" -c idle_in_transaction_session_timeout={max(1, round(1000 * longest_idle))}ms",
            "application_name": "connector",
        },
    )
    event.listen(made, "handle_error", outage.without_values)
    event.listen(made, "handle_error", _lost, retval=True)
    return made


def _lost(context: ExceptionContext) -> OperationalError | None:
    """A connection that breaks is an OperationalError everywhere.

    psycopg2 says a bare DatabaseError where that happens at a commit, as for a statement that is wrong.
    """
    told = context.sqlalchemy_exception
    # None where it is not the database's: somebody interrupts, and the connection is given up for that.
    if told is None or isinstance(told, OperationalError):
        return None
    if context.is_disconnect:
        return OperationalError(context.statement, None, context.original_exception, connection_invalidated=True)
    if getattr(context.original_exception, "pgcode", None) == outage.READ_ONLY:
        # A standby, as in the midst of a failover; psycopg2 takes it for an error of its own.
        return OperationalError(context.statement, None, context.original_exception)
    return None


class Session(Connection):
    """One transaction: its rows are asked for in SQL, and no object is mapped to one.

    SQLAlchemy's own session, which keeps objects, took a third of the processor time that a small statement costs.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._afterwards: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        return self

    def once_it_stands(self, tell: Callable[[], None]) -> None:
        """Call this when the transaction is committed; never where it is not."""
        self._afterwards.append(tell)

    def commit(self) -> None:
        """Commit, and tell who wants to know."""
        super().commit()
        told, self._afterwards = self._afterwards, []
        for tell in told:
            tell()

    def rollback(self) -> None:
        """Undo, and tell nobody."""
        super().rollback()
        self._afterwards.clear()


_AS_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")
_AS_SCHEDULER = (
    "SELECT set_config('role', 'scheduler', true),"
    f" set_config('idle_in_transaction_session_timeout', '{MUTEX_SECONDS}s', true)"
)
_AS_SCHEDULERS = {
    True: text(_AS_SCHEDULER),
    False: text(f"{_AS_SCHEDULER}, set_config('synchronous_commit', 'off', true)"),
}
"""Whether the commit waits for the disk -> how a transaction of the scheduler begins."""


@contextmanager
def as_tenant(engine: Engine, tenant_id: int) -> Iterator[Session]:
    """One transaction that sees and writes the rows of this tenant; committed at the end."""
    with _begun(engine, _AS_TENANT, {"tenant": str(tenant_id)}) as session:
        yield session
        session.commit()


@contextmanager
def as_scheduler(engine: Engine, *, durable: bool = True) -> Iterator[Session]:
    """One transaction that sees the turns of all tenants, and nothing else.

    Not `durable`: its commit does not wait for the disk. Should Postgres go down within the next second it has never
    been, nor has anything that came after it (decision 0022).
    """
    with _begun(engine, _AS_SCHEDULERS[durable], {}) as session:
        yield session
        session.commit()


def _begun(engine: Engine, first: TextClause, given: Mapping[str, str]) -> Session:
    """A transaction that has said in whose name it is; on a new connection where its own had broken while it rested.

    Its first statement shows that the connection is there. SQLAlchemy's `pool_pre_ping` would ask for that alone, and
    take one of the five turns to Postgres of which a small transaction consists.
    """
    try:
        return _opened(engine, first, given)
    except OperationalError as broken:
        if not broken.connection_invalidated:
            raise
    # The pool has given up all connections that are as old.
    return _opened(engine, first, given)


def _opened(engine: Engine, first: TextClause, given: Mapping[str, str]) -> Session:
    session = Session(engine)
    try:
        session.execute(first, given)
    except BaseException:
        session.close()
        raise
    return session
