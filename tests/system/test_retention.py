"""A run's end lets the connector's old runs go, and so does a request that finds nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from tests.shop import Shop, a_source
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]


def old_runs(shop: Shop, how_many: int) -> None:
    """So many runs that ended long ago."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        session.execute(
            text(
                "INSERT INTO run (tenant_id, connector_id, state, trigger, ended_at)"
                " SELECT :tenant, :connector, 'completed', 'check', '2020-01-01' FROM generate_series(1, :n)"
            ),
            {"tenant": shop.cast.tenant_id, "connector": shop.cast.connector_id, "n": how_many},
        )


def runs(shop: Shop) -> list[Any]:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return list(session.scalars(text("SELECT id FROM run ORDER BY id")))


def test_old_runs_go_at_the_end_of_a_run_and_of_a_request_without_changes(open_shop: Open) -> None:
    shop = open_shop(a_source(products=[(10, [1], "P10", "Plain cup", "9", "1")]))
    old_runs(shop, 30)
    assert len(runs(shop)) == 30
    assert shop.run().state == "completed"
    kept = runs(shop)
    assert len(kept) == 19
    assert shop.run().state == "unchanged"
    assert runs(shop)[:-1] == kept[1:], "the oldest of the nineteen has made room"
    assert shop.status("product", 10)[0] == "created"
