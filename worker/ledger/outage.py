"""What is wrong with Postgres, in a line, and whether whoever asked it has a part in that."""

from __future__ import annotations

import re

import psycopg2
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

NO_RESOURCES, READ_ONLY, CANNOT_READ_OR_WRITE = "53", "25006", "58030"
"""SQLSTATE: disk or memory full, or too many connections (the class); a standby; a disk that fails."""
_QUOTES_NAMES = ("08", "23", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58")
"""Classes of errors that quote names of the schema, of files and of roles; the others quote values."""
_SYNTAX, _OF_A_FUNCTION = "42601", "P0"
"""What cannot be parsed may be a value (of a path in JSON); and what a function says of its own may begin with one."""
_FIRST_WORDS = re.compile(r"(?:[^\W\d_]++(?:'t\b)?[ /-]?)*+")
_NAMED = ("table", "column", "datatype", "constraint")


def is_unable(trouble: SQLAlchemyError) -> bool:
    """Whether Postgres answers and can do no work for anybody: it is not for the statement that it fails."""
    state = str(getattr(getattr(trouble, "orig", None), "pgcode", None) or "")
    return state.startswith(NO_RESOURCES) or state in {READ_ONLY, CANNOT_READ_OR_WRITE}


def reason(trouble: SQLAlchemyError) -> str:
    """The first line of what Postgres or its driver says (`without_values`); else the kind of trouble."""
    said = str(getattr(trouble, "orig", None) or "").strip().partition("\n")[0]
    return said or type(trouble).__name__


def without_values(context: ExceptionContext) -> None:
    """For an engine's `handle_error`: no error leaves it with a value in its words, whoever logs it and however."""
    orig = context.original_exception
    if not isinstance(orig, psycopg2.Error):
        return
    orig.args = (words(orig),)
    if context.sqlalchemy_exception is not None:
        # It has made its text of the other's before.
        kind = type(orig)
        context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__name__}) {orig}",)


def words(orig: psycopg2.Error) -> str:
    """What Postgres says first of an error, with its state and the names of what was hurt.

    The values are in its details, in the line of the statement, and behind the first words.
    """
    state, said = orig.pgcode, str(orig)
    if state is None:
        # The driver's own: of a connection it says what is wrong with that; else it may quote what it was given.
        of_a_connection = isinstance(orig, psycopg2.OperationalError | psycopg2.InterfaceError)
        return said if of_a_connection else _first_words(said)
    said = (orig.diag.message_primary or said).strip()
    if state.startswith(_OF_A_FUNCTION):
        said = ""
    elif state == _SYNTAX or not state.startswith(_QUOTES_NAMES):
        said = _first_words(said)
    names = [(what, getattr(orig.diag, f"{what}_name")) for what in _NAMED]
    facts = [f"SQLSTATE {state}", *(f"{what} {name}" for what, name in names if name)]
    return f"{said} [{', '.join(facts)}]".strip()


def _first_words(said: str) -> str:
    """The words before the first sign or number: values stand behind a colon or in quotes, in whichever language."""
    found = _FIRST_WORDS.match(said)
    return found[0].strip() if found else ""
