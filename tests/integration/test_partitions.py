"""The recipe of decision 0018 puts a table into partitions; rows, counts, tenants and writes are as before."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ProgrammingError

from models.vocabulary import ItemKind
from sandbox.servers.postgres import EmbeddedPostgres
from worker.catalog.items import Key, Settled
from worker.ledger import item_counts, item_register, statuses
from worker.ledger.item_register import Shown
from worker.ledger.session import as_tenant

DECISION = Path(__file__).parents[2] / "docs/decisions/0018-whole-tables-until-a-vacuum-takes-too-long.md"
SHOWN = {kind: Shown("product_name", "product_sku") for kind in ItemKind}


def told(engine: Engine, made: Any) -> tuple[Any, ...]:
    """What a tenant sees of its items."""
    with as_tenant(engine, made.tenant_id) as session:
        rows = session.execute(text("SELECT * FROM item_status ORDER BY kind, source_id")).all()
        counts = item_counts.counts(session, made.id, run=1)
        page = item_register.items(session, made.id, shown=SHOWN, limit=50)
        return rows, counts, page


def test_the_recipe(engine: Engine, migrated: EmbeddedPostgres, a_connector: Callable[..., Any]) -> None:
    shops = [a_connector(f"shop{n}", tenant=f"tenant{n}") for n in range(5)]

    def record(shop: Any, run: int, outcome: str, ids: range) -> None:
        with as_tenant(engine, shop.tenant_id) as session:
            session.execute(
                text("INSERT INTO run (id, tenant_id, connector_id, state, trigger)"
                     " VALUES (:id, :tenant, :connector, 'completed', 'check') ON CONFLICT DO NOTHING"),
                {"id": 100 * shop.id + run, "tenant": shop.tenant_id, "connector": shop.id},
            )  # fmt: skip
            settled = [Settled(Key(ItemKind.PRODUCT, one), outcome) for one in ids]
            statuses.record(session, shop.tenant_id, shop.id, 100 * shop.id + run, settled)

    for shop in shops:
        record(shop, 1, "created", range(40))
    before = [told(engine, shop) for shop in shops]
    [recipe] = re.findall(r"```sql\n(.*?)```", DECISION.read_text(encoding="utf-8"), re.DOTALL)
    owner = create_engine(migrated.url(str(engine.url.database), "owner"))
    engine.dispose()
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.connection.cursor().execute(recipe)  # as psql says it: a % is a %
        parts = connection.scalar(text("SELECT count(*) FROM pg_partition_tree('item_status') WHERE isleaf"))
        filled = connection.scalar(
            text("SELECT count(*) FROM pg_class WHERE relname LIKE 'item_status\\_%' AND relkind = 'r'"
                 " AND pg_relation_size(oid) > 0")
        )  # fmt: skip
    owner.dispose()
    assert parts == 32
    assert int(filled or 0) > 1
    assert [told(engine, shop) for shop in shops] == before
    record(shops[0], 2, "failed", range(30, 50))
    with as_tenant(engine, shops[0].tenant_id) as session:
        assert session.execute(text("SELECT outcome, count(*) FROM item_status GROUP BY 1 ORDER BY 1")).all() == [
            ("created", 30), ("failed", 20)]  # fmt: skip
        counted = session.execute(text("SELECT outcome, sum(count) FROM item_count GROUP BY 1 ORDER BY 1")).all()
        assert [tuple(row) for row in counted] == [("created", 30), ("failed", 20)]
    assert told(engine, shops[1]) == before[1]
    with pytest.raises(ProgrammingError, match="permission denied"), as_tenant(engine, shops[0].tenant_id) as session:
        session.execute(text("SELECT * FROM item_status_0"))
