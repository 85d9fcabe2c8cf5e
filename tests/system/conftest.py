"""One Postgres and one Redis for all tests that play on a stage; each test brings its own tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from tests.playing import Shop
from worker.settings import Settings


@pytest.fixture(scope="session")
def config() -> Iterator[Settings]:
    with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as redis:
        postgres.create_database("stage")
        migrate(postgres.url("stage", "owner"))
        yield Settings(
            database_url=postgres.url("stage"),
            redis_url=redis.url,
            credential_keys=KEY_RING,
            log_level="critical",
            calls_in_flight=6,
        )


@pytest.fixture
def open_shop(config: Settings) -> Iterator[Callable[..., Shop]]:
    """Opens shops, and closes them behind the test."""
    opened: list[Shop] = []

    def open_one(catalogue: dict[str, Any], **settings: Any) -> Shop:
        opened.append(Shop(config, catalogue, **settings))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.stage.close()
