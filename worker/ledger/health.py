"""What the database says of itself, for whoever checks the house."""

from __future__ import annotations

from dataclasses import dataclass

from worker.ledger.processes import TAKES_UP
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Postgres:
    """The server, and who we are there."""

    version: int
    """The major one."""
    role: str
    is_bound: bool
    """Whether row-level security holds for the role."""
    now: float
    """Its clock, Unix seconds."""


def postgres(session: Session) -> Postgres:
    """The server, and the role with which we came."""
    row = session.execute(
        text("""
        SELECT current_setting('server_version_num')::int / 10000, current_user,
          NOT (r.rolsuper OR r.rolbypassrls), extract(epoch FROM clock_timestamp())::float8
        FROM pg_roles r WHERE r.rolname = current_user
        """)
    ).one()
    return Postgres(*row)


def revision(session: Session) -> str | None:
    """The schema's revision; None where there is none."""
    found = session.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


@dataclass(frozen=True, slots=True)
class Workers:
    """The worker processes that are there, and the turns that need somebody."""

    processes: int
    slots: int
    waiting: int
    """Turns that are ready and could be taken up."""
    broken: int


def workers(session: Session) -> Workers:
    """How many workers there are, and whether somebody waits; as scheduler."""
    row = session.execute(
        text(f"""
        SELECT count(*), coalesce(sum(slots), 0),
          (SELECT count(*) FROM turn WHERE state IN ('ready', 'dispatched')),
          (SELECT count(*) FROM turn WHERE state = 'broken')
        FROM worker_process WHERE {TAKES_UP}
        """)  # noqa: S608 constants
    ).one()
    return Workers(*row)


def keys_in_use(session: Session) -> dict[str, int]:
    """Key id -> how many secrets of the session's tenant it has sealed; those before a rotation while they sign."""
    rows = session.execute(
        text("""
        SELECT key_id, count(*) FROM (
          SELECT key_id FROM credential UNION ALL SELECT key_id FROM webhook
          UNION ALL SELECT old_key_id FROM webhook WHERE old_key_id IS NOT NULL AND old_until > now()) sealed GROUP BY 1
        """)
    )
    return {row[0]: row[1] for row in rows}
