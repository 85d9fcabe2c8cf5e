"""One Postgres and one Redis for all stage tests; each test brings its own tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from tests.shop import Shop
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
    """Opens shops (see `tests/shop.py`) that are closed with the test."""
    opened: list[Shop] = []

    def make(catalogue: Mapping[str, Any], **wiring: Any) -> Shop:
        opened.append(Shop(config, catalogue, **wiring))
        return opened[-1]

    yield make
    for shop in opened:
        shop.close()
