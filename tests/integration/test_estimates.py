"""Postgres plans for an average connector, whether or not it has met this one's rows (decision 0010)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from sandbox.servers.postgres import EmbeddedPostgres
from worker.ledger.session import as_tenant

AConnector = Callable[..., Any]
ROWS = 3_000
AVERAGE = "connector_id = (SELECT :id) AND kind = (SELECT 'variant')"
PLAIN = "connector_id = :id AND kind = 'variant'"


def fill(engine: Engine, made: Any, rows: int = ROWS) -> None:
    """Rows of the mirror, every one a variant."""
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(
            text("INSERT INTO source_item (connector_id, tenant_id, kind, source_id, cells, raw_hash)"
                 " SELECT :id, :tenant, 'variant', n, '{}', 'h' FROM generate_series(1, :rows) n"),
            {"id": made.id, "tenant": made.tenant_id, "rows": rows},
        )  # fmt: skip


def expected(engine: Engine, made: Any, which: str) -> int:
    """How many rows Postgres expects of the connector."""
    with as_tenant(engine, made.tenant_id) as session:
        plan = session.scalar(
            text(f"EXPLAIN (FORMAT JSON) SELECT * FROM source_item WHERE {which}"),  # noqa: S608 constants
            {"id": made.id},
        )
    return int(plan[0]["Plan"]["Plan Rows"])


@pytest.fixture
def owner(migrated: EmbeddedPostgres, database_url: str) -> Engine:
    """The database of the test as the role that may analyse its tables."""
    return create_engine(migrated.url(str(make_url(database_url).database), "owner"))


def analyse(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("ANALYZE source_item"))
    owner.dispose()


def test_what_was_never_analysed_is_not_taken_for_a_row(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()
    fill(engine, made)
    assert expected(engine, made, AVERAGE) > ROWS / 10


def test_a_connector_that_came_after_the_analysis_is_planned_for_as_the_others(
    engine: Engine, owner: Engine, a_connector: AConnector
) -> None:
    first, second = a_connector(tenant="first"), a_connector(tenant="second")
    fill(engine, first)
    analyse(owner)
    fill(engine, second)
    assert expected(engine, second, PLAIN) < ROWS / 100, "the reason for all this is gone"
    assert expected(engine, second, AVERAGE) > ROWS / 10


def test_a_connector_is_not_narrowed_once_more_by_its_tenant(
    engine: Engine, owner: Engine, a_connector: AConnector
) -> None:
    for number in range(30):
        fill(engine, made := a_connector(tenant=f"tenant{number}"), ROWS // 30)
    analyse(owner)
    assert expected(engine, made, AVERAGE) > ROWS / 30 / 2
