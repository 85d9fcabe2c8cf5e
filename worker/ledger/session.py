"""A transaction in somebody's name: a tenant's, or the scheduler's.

The service's role owns no table and sees no row until it says for which
tenant it acts (law 12); turns across tenants are seen by the role
*scheduler* alone, which it takes on for one transaction.

Queries of the tables of items name their connector, the kind and the run as `connector_id = (SELECT :connector)`:
Postgres then plans for an average connector. A plain value that its statistics have never met, as in every
connector's first run, would stand for a single row (decision 0010).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

from worker.catalog import json_text
from worker.ledger import outage

NOBODY = 0
"""No tenant has this id; acting as nobody, no row is seen."""
MUTEX_SECONDS = 2.0
"""How long a transaction of the scheduler may be idle. It is nothing but statements, and may hold the mutex: where its
process freezes in the midst, nobody else may be kept from dispatching."""
_LONGEST_MUTEX = "longest_mutex"
"""The engine's execution option, in milliseconds."""
CUT_AFTER_SECONDS = 15
"""Without a sign of Postgres's machine for so long, a connection is given up: the system by itself waits for hours."""


def engine(
    url: str,
    *,
    pool: int = 8,
    longest_idle: float = 25.0,
    longest_mutex: float = MUTEX_SECONDS,
    longest_statement: float = 30.0,
) -> Engine:
    """The process's pool of connections, with limits on every statement (`longest_statement`, seconds).

    `longest_idle`, in seconds, is how long a transaction may be idle: the lease, for a frozen process must not lock a
    turn longer than it holds it. `longest_mutex` is the same for the scheduler's.
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
    made.update_execution_options(**{_LONGEST_MUTEX: max(1, round(1000 * longest_mutex))})
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

    Its first statement takes along in whose name it is, and so shows that the connection is there. Where that had
    broken while it rested, the statement goes out once more, on a new one. SQLAlchemy's `pool_pre_ping` would ask for
    it alone, as would a statement for the name: each is a journey to Postgres, and a small transaction consists of few.
    """

    def __init__(self, engine: Engine, *, name: str = "") -> None:
        super().__init__(engine)
        self._name = name
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

    if not TYPE_CHECKING:  # the types are a connection's

        def execute(self, *given: Any, **options: Any) -> Any:
            """As a connection does."""
            name = self._name
            try:
                return super().execute(*given, **options)
            except OperationalError as broken:
                if not (name and broken.connection_invalidated):
                    raise
            # The pool has given up all connections that are as old.
            super().rollback()
            self._name = name
            return super().execute(*given, **options)

        def scalar(self, *given: Any, **options: Any) -> Any:
            """As a connection does."""
            return self.execute(*given, **options).scalar()

    def introduced(self, statement: str) -> str:
        """The statement, with the name before it where that is not said yet."""
        name, self._name = self._name, ""
        return f"{name}; {statement}" if name else statement


@event.listens_for(Engine, "before_cursor_execute", retval=True)  # of every engine, whoever has made it
def _says_its_name(
    connection: Connection, cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool
) -> tuple[str, Any]:
    """A session's first statement goes out with the name before it."""
    if not isinstance(connection, Session):
        return statement, parameters
    if is_many:  # it goes out once for each row
        if name := connection.introduced(""):
            cursor.execute(name)
        return statement, parameters
    return connection.introduced(statement), parameters


@contextmanager
def as_tenant(engine: Engine, tenant_id: int) -> Iterator[Session]:
    """One transaction that sees and writes the rows of this tenant; committed at the end."""
    with Session(engine, name=f"SET LOCAL app.tenant = '{int(tenant_id)}'") as session:
        yield session
        session.commit()


@contextmanager
def as_scheduler(engine: Engine, *, durable: bool = True) -> Iterator[Session]:
    """One transaction that sees the turns of all tenants, and nothing else.

    Not `durable`: its commit does not wait for the disk. Should Postgres go down within the next second it has never
    been, nor has anything that came after it (decision 0022).
    """
    name = (
        "SET LOCAL ROLE scheduler; SET LOCAL idle_in_transaction_session_timeout ="
        f" '{engine.get_execution_options().get(_LONGEST_MUTEX, round(1000 * MUTEX_SECONDS))}ms'"
    )
    if not durable:
        name += "; SET LOCAL synchronous_commit = off"
    with Session(engine, name=name) as session:
        yield session
        session.commit()
