"""Whether the database's schema is the one that the code asks for, an older one, or a newer one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from worker.ledger import health
from worker.ledger.session import NOBODY, as_tenant

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@lru_cache
def known() -> tuple[str, ...]:
    """The revisions that stand beside the code, the newest first; none where the migrations are not there."""
    if not MIGRATIONS.exists():
        return ()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return tuple(one.revision for one in ScriptDirectory.from_config(config).walk_revisions())


def head() -> str | None:
    """The newest of them."""
    return next(iter(known()), None)


def found(engine: Engine) -> str | None:
    """The revision of the database; None where it has none, or an old one does not let us read it."""
    try:
        with as_tenant(engine, NOBODY) as session:
            return health.revision(session)
    except ProgrammingError:
        return None


def is_too_old(revision: str | None) -> bool:
    """Whether the code needs a newer schema than this one; one that it does not know was made after it, and will do."""
    return bool(known()) and revision != head() and (revision is None or revision in known())
