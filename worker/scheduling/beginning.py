"""A worker takes nothing up before the database has the schema that its code asks for."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger import schema

LOOK_SECONDS = 1.0
SAID_EVERY = 30
"""Looks after which a worker that still waits says so again."""

log = structlog.get_logger(__name__)


def wait_for_schema(engine: Engine, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Come back when the schema is there, the code's own or a newer one; how often it was not.

    An item that met a table without its column would fail for no fault of its own. SIGTERM ends the process meanwhile
    (the first process of a container needs an init before it for that).
    """
    looks = 0
    while (lack := _lack(engine)) is not None:
        if looks % SAID_EVERY == 0:
            log.warning("nothing is taken up yet", reason=lack)
        looks += 1
        sleep(LOOK_SECONDS)
    if looks:
        log.info("the schema is there", waited_seconds=round(looks * LOOK_SECONDS))
    return looks


def _lack(engine: Engine) -> str | None:
    try:
        revision = schema.found(engine)
    except SQLAlchemyError as trouble:
        return f"the database does not answer ({type(trouble).__name__})"
    if not schema.is_too_old(revision):
        return None
    return f"the schema is at {revision}, the code asks for {schema.head()}: run `alembic upgrade head` as owner"
