"""What is wrong with Postgres, in a line, and whether whoever asked it has a part in that."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

NO_RESOURCES, READ_ONLY, CANNOT_READ_OR_WRITE = "53", "25006", "58030"
"""SQLSTATE: disk or memory full, or too many connections (the class); a standby; a disk that fails."""


def is_unable(trouble: SQLAlchemyError) -> bool:
    """Whether Postgres answers and can do no work for anybody: it is not for the statement that it fails."""
    state = str(getattr(getattr(trouble, "orig", None), "pgcode", None) or "")
    return state.startswith(NO_RESOURCES) or state in {READ_ONLY, CANNOT_READ_OR_WRITE}


def reason(trouble: SQLAlchemyError) -> str:
    """The first line of what Postgres or its driver says, which holds no values; else the kind of trouble."""
    said = str(getattr(trouble, "orig", None) or "").strip().partition("\n")[0]
    return said or type(trouble).__name__
