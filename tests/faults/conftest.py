"""One Postgres and one Redis for all fault tests; each test brings its own tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from tests.patient import patient_engine
from worker.ledger.session import as_scheduler
from worker.settings import Settings


@pytest.fixture(scope="session")
def config() -> Iterator[Settings]:
    with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as redis:
        postgres.create_database("faults")
        migrate(postgres.url("faults", "owner"))
        yield Settings(
            database_url=postgres.url("faults"),
            redis_url=redis.url,
            credential_keys=KEY_RING,
            log_level="critical",
            calls_in_flight=6,
        )


@pytest.fixture(autouse=True)
def _leaves_nothing_due(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test leaves due, as after a back-off, is not played by the stage of the next one."""
    yield
    if "config" not in request.fixturenames:
        return
    at = patient_engine(request.getfixturevalue("config").database_url)
    with as_scheduler(at) as session:
        session.execute(
            text(
                "UPDATE turn SET state = 'parked', epoch = epoch + 1, tag = NULL, deadline = NULL,"
                " not_before = 'infinity' WHERE state <> 'parked' OR not_before < 'infinity'"
            )
        )
    at.dispose()
