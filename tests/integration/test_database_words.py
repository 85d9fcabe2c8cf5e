"""What Postgres says of an error is logged with its names and its state, and without the values that it quotes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.as_before import logging_as_before
from worker import logs
from worker.ledger import outage
from worker.settings import Settings

CANARY = "c4n4ry"
TABLE = """
CREATE TEMPORARY TABLE kept (
    id integer PRIMARY KEY, name text CONSTRAINT name_once UNIQUE, many integer NOT NULL DEFAULT 1,
    CONSTRAINT few CHECK (many < 9)
);
INSERT INTO kept (id, name) VALUES (1, 'c4n4ry');
CREATE TEMPORARY TABLE kept_of (name text CONSTRAINT of_kept REFERENCES kept (name));
CREATE FUNCTION pg_temp.refuses(said text) RETURNS void LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION USING MESSAGE = said, DETAIL = said, HINT = said; END';
CREATE FUNCTION pg_temp.counts(said text) RETURNS void LANGUAGE plpgsql AS
    'BEGIN EXECUTE format($$SELECT CAST(%L AS integer)$$, said); END';
"""
FAULTS = [
    ("SELECT CAST(:said AS integer)", "22P02", "invalid input syntax for type integer"),
    ("SELECT CAST(:said || '\"x\"' || :said || chr(10) || :said AS integer)", "22P02", "invalid input syntax for type"),
    ("SELECT CAST(:said AS date)", "22007", "invalid input syntax for type date"),
    ("SELECT CAST(:said AS jsonb)", "22P02", "invalid input syntax for type json"),
    ("SELECT CAST(:said AS integer[])", "22P02", "malformed array literal"),
    ("SELECT to_tsquery(:said || ' x')", "42601", "syntax error"),
    ("SELECT set_config('statement_timeout', :said, true)", "22023", "invalid value for parameter"),
    ("INSERT INTO kept (id, name) VALUES (2, :said)", "23505", "name_once"),
    ("INSERT INTO kept (id, name, many) VALUES (2, :said || 'x', 10)", "23514", "few"),
    ("INSERT INTO kept (id, name, many) VALUES (2, :said || 'x', NULL)", "23502", "many"),
    ("INSERT INTO kept_of VALUES (:said || 'x')", "23503", "of_kept"),
    ("SELECT nothing FROM kept WHERE name = :said", "42703", 'column "nothing" does not exist'),
    ("SELECT pg_temp.refuses(:said)", "P0001", "RaiseException"),
    ("SELECT pg_temp.counts(:said)", "22P02", "invalid input syntax for type integer"),
]


@pytest.fixture(autouse=True)
def _afterwards_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def met(engine: Engine, statement: str) -> DBAPIError:
    """What the statement is answered with."""
    with engine.connect() as connection:
        connection.execute(text(TABLE))
        with pytest.raises(DBAPIError) as found:
            connection.execute(text(statement), {"said": CANARY})
    return found.value


@pytest.mark.parametrize(("statement", "state", "told"), FAULTS)
def test_an_error_is_logged_without_the_values_that_it_quotes(
    engine: Engine, capsys: pytest.CaptureFixture[str], statement: str, state: str, told: str
) -> None:
    trouble = met(engine, statement)
    logs.configure(Settings(log_format="json"))
    log = structlog.get_logger()
    log.error("bug in a slice", exc_info=trouble)
    log.warning("database unwell", reason=outage.reason(trouble))
    logging.getLogger("celery").error("raised: %r %s", trouble, trouble.orig)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert CANARY in str(getattr(trouble.orig, "pgerror", "")) or state == "42703", "else there is nothing to hide"
    assert len(lines) == 3
    for line in lines:
        assert CANARY not in str(line)
        assert state in str(line)
    assert told in lines[0]["exception"]


def test_what_was_hurt_is_named(engine: Engine) -> None:
    trouble = met(engine, "INSERT INTO kept (id, name) VALUES (2, :said)")
    assert outage.reason(trouble) == (
        'duplicate key value violates unique constraint "name_once" [SQLSTATE 23505, table kept, constraint name_once]'
    )
