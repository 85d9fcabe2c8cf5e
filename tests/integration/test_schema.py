"""Code that needs a newer schema takes nothing up; code that is older than the schema goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from sandbox.servers.postgres import EmbeddedPostgres
from tests.operators import Operator
from tests.visitors import Door
from worker.ledger import schema
from worker.ledger.session import engine as engine_of
from worker.scheduling.beginning import wait_for_schema

Owner = Callable[[str], None]


@pytest.fixture
def owner(engine: Engine, migrated: EmbeddedPostgres) -> Owner:
    """Says something to the test's database as the role owner."""

    def say(statement: str) -> None:
        made = create_engine(migrated.url(str(engine.url.database), "owner"))
        with made.begin() as connection:
            connection.execute(text(statement))
        made.dispose()

    return say


def at(revision: str) -> str:
    return f"UPDATE alembic_version SET version_num = '{revision}'"  # noqa: S608 a test's own


def test_a_worker_waits_until_the_schema_is_there(engine: Engine, owner: Owner) -> None:
    head = schema.head()
    assert head
    steps: Iterator[Callable[[], None]] = iter([
        lambda: owner("REVOKE SELECT ON alembic_version FROM service"),  # as before revision 20261129
        lambda: owner("GRANT SELECT ON alembic_version TO service"),
        lambda: owner(at(schema.known()[1])),
        lambda: owner(at(head)),
    ])  # fmt: skip
    owner(at("20261123_first"))
    assert wait_for_schema(engine, sleep=lambda _: next(steps)()) == 4


def test_a_worker_waits_for_a_database_that_is_away(engine: Engine) -> None:
    away = engine_of("postgresql+psycopg2://service@127.0.0.1:1/nowhere")

    class Enough(Exception):
        """It has waited."""

    def enough(_: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        wait_for_schema(away, sleep=enough)
    assert wait_for_schema(engine, sleep=enough) == 0


def test_a_schema_that_is_newer_than_the_code_will_do(engine: Engine, owner: Owner, acme: Operator) -> None:
    owner(at("29991231_later"))
    assert wait_for_schema(engine) == 0
    found = acme.reads("doctor", shape="doctor", code=1)["findings"]
    [one] = [one for one in found if one["what"] == "schema"]
    assert one["verdict"] == "warning"
    assert "newer than the code" in one["says"]


def test_the_door_is_ready_when_the_schema_is_there(door: Door, owner: Owner) -> None:
    client = door.client
    assert client.get("/readyz").status_code == 200
    owner(at(schema.known()[1]))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "has not been migrated yet" in answer.json()["detail"]
    owner(at(str(schema.head())))
    assert client.get("/readyz").status_code == 200
