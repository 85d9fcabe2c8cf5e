"""One Postgres and one Redis for the tests that play on a stage; each test brings its own tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from worker.settings import Settings


@pytest.fixture(scope="session")
def config() -> Iterator[Settings]:
    with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as redis:
        postgres.create_database("system")
        migrate(postgres.url("system", "owner"))
        yield Settings(
            database_url=postgres.url("system"),
            redis_url=redis.url,
            credential_keys=KEY_RING,
            log_level="critical",
            calls_in_flight=6,
        )
