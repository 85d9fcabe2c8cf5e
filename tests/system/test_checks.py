"""A check that finds nothing new is what a house with thousands of connectors does most: it asks little of Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from tests.shop import Shop, a_source
from worker.ledger.session import as_tenant
from worker.scheduling.caretaker import Caretaker

Open = Callable[..., Shop]
COMMITS = 9
"""Becoming due, claim, door, taking up, what is known, what was read, the end, release; and one of the stage's own."""


@pytest.fixture
def shop(open_shop: Open) -> Shop:
    """One product, brought into the store."""
    found = open_shop(a_source(products=[(10, [1], "P10", "Plain cup", "9", "1")]))
    assert found.run().state == "completed"
    return found


@contextmanager
def commits(shop: Shop) -> Iterator[list[None]]:
    """One element for each transaction that is committed meanwhile."""
    found: list[None] = []

    def count(_connection: object) -> None:
        found.append(None)

    event.listen(shop.stage.engine, "commit", count)
    try:
        yield found
    finally:
        event.remove(shop.stage.engine, "commit", count)


def one(shop: Shop, sql: str, **given: Any) -> Any:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return session.execute(text(sql), given).scalar_one()


def check(shop: Shop) -> None:
    shop.stage.check(shop.cast)
    assert shop.stage.play() == ["work_done"]


def put(shop: Shop, sql: str) -> None:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(text(sql), {"tenant": shop.cast.tenant_id, "connector": shop.cast.connector_id})


def test_it_takes_few_transactions(shop: Shop) -> None:
    check(shop)
    with commits(shop) as made:
        check(shop)
    assert len(made) <= COMMITS


def test_the_cursor_of_the_source_moves_and_an_attempt_that_broke_is_dropped(shop: Shop) -> None:
    put(
        shop,
        "INSERT INTO source_page (connector_id, page, kind, tenant_id, seen)"
        " VALUES (:connector, 1, 'product', :tenant, '{10}')",
    )
    put(
        shop,
        "INSERT INTO source_staged (connector_id, tenant_id, kind, source_id, cells, raw_hash, gone)"
        " VALUES (:connector, :tenant, 'product', 10, '{}', 'half', false)",
    )
    put(shop, "UPDATE mirror SET last_update = 1, read_at = '2020-01-01'")
    check(shop)
    assert one(shop, "SELECT last_update > 1 AND read_at > now() - interval '1 minute' FROM mirror")
    assert one(shop, "SELECT count(*) FROM source_page") == 0
    assert one(shop, "SELECT count(*) FROM source_staged") == 0
    assert one(shop, "SELECT raw_hash <> 'half' AND NOT due FROM source_item WHERE kind = 'product'")


def test_a_refresh_that_brings_nothing_is_not_taken_for_a_check_without_news(shop: Shop) -> None:
    put(shop, "UPDATE mirror SET refresh_wanted = true")
    shop.stage.sources.hide(shop.cast.code, "products", 10)
    shop.stage.sources.hide(shop.cast.code, "catalogue", 1)
    check(shop)
    assert one(shop, "SELECT bool_and(gone) FROM source_item")


def test_what_has_grown_old_is_left_to_the_caretaker(shop: Shop) -> None:
    put(
        shop,
        "INSERT INTO run (tenant_id, connector_id, state, trigger, ended_at)"
        " SELECT :tenant, :connector, 'completed', 'check', '2020-01-01' FROM generate_series(1, 30)",
    )
    before = one(shop, "SELECT count(*) FROM run")
    check(shop)
    assert one(shop, "SELECT count(*) FROM run") == before
    caretaker = Caretaker(shop.stage.engine, shop.stage.settings)
    assert caretaker.tidy(shop.cast.tenant_id) > 0
    assert one(shop, "SELECT count(*) FROM run") < before
