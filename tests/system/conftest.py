"""One Postgres and one Redis for all stage tests; each test brings its own tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from tests import playing, shops
from tests.shop import Shop
from tests.system import shirts
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
    yield from _opening(partial(Shop, config))


@pytest.fixture
def open_playing(config: Settings) -> Iterator[Callable[..., playing.Shop]]:
    """Opens shops (see `tests/playing.py`) that are closed with the test."""
    yield from _opening(partial(playing.Shop, config))


@pytest.fixture
def a_shop(config: Settings) -> Iterator[Callable[..., shops.Shop]]:
    """Opens shops with several storefronts (see `tests/shops.py`) that are closed with the test."""
    yield from _opening(partial(shops.Shop, config))


@pytest.fixture
def open_shirts(config: Settings) -> Iterator[Callable[..., shirts.Shop]]:
    """Opens shops of shirts (see `shirts.py`) that are closed with the test."""
    yield from _opening(partial(shirts.Shop, config))


Opened = TypeVar("Opened", Shop, playing.Shop, shops.Shop, shirts.Shop)


def _opening(make: Callable[..., Opened]) -> Iterator[Callable[..., Opened]]:
    opened: list[Opened] = []

    def open_one(*what: Any, **wiring: Any) -> Opened:
        opened.append(make(*what, **wiring))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.stage.close()
