"""SQL as a statement, each made once: to look for its parameters takes as long as to send some."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy
from sqlalchemy import TextClause

KEPT = 2_000
"""Statements that are kept; there are some hundred, and their texts hold names and no values."""


@lru_cache(maxsize=KEPT)
def text(sql: str) -> TextClause:
    """The statement; it must not be changed by who executes it (none of the methods of a clause does)."""
    return sqlalchemy.text(sql)
