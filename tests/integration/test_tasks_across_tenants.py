"""Every task of the queue, given another tenant's connector, does nothing to it and tells nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from worker import tasks
from worker.app import app
from worker.commands.refusal import Refusal, Why
from worker.ledger import turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.process import Process
from worker.settings import Settings

NAMES = {"connector.slice", "connector.request_run"}


@pytest.fixture
def here(engine: Engine, database_url: str, key_ring: str, monkeypatch: pytest.MonkeyPatch) -> Process:
    """A worker's process, that meets nobody and publishes nothing."""

    def nobody(*_: object) -> Any:
        raise AssertionError("a neighbour was asked")

    settings = Settings(database_url=database_url, credential_keys=SecretStr(key_ring))
    made = Process(settings, engine, nobody)
    monkeypatch.setattr(tasks, "process", lambda: made)
    monkeypatch.setattr(tasks, "publish", lambda _one: None)
    return made


def test_there_is_no_task_that_is_not_tried_here() -> None:
    assert {name for name in app.tasks if not name.startswith("celery.")} == NAMES


def test_no_run_of_another_tenant_can_be_requested(
    here: Process, a_connector: Callable[..., Any], engine: Engine
) -> None:
    del here
    mine, theirs = a_connector("mine", tenant="mine"), a_connector("theirs", tenant="theirs")
    before = everything_of(engine, theirs)
    with pytest.raises(Refusal) as refused:
        tasks.request_run(tenant=mine.tenant_id, connector=theirs.id)
    assert refused.value.why is Why.UNKNOWN
    assert str(refused.value) == f"there is no connector {theirs.id}.", "as if there were none"
    assert everything_of(engine, theirs) == before
    assert tasks.request_run(tenant=theirs.tenant_id, connector=theirs.id, who="their backend") > 0
    assert everything_of(engine, theirs) != before


def test_no_slice_of_another_tenant_can_be_taken(
    here: Process, a_connector: Callable[..., Any], engine: Engine
) -> None:
    mine, theirs = a_connector("mine", tenant="mine"), a_connector("theirs", tenant="theirs")
    with as_scheduler(engine) as session:
        turns.wake(session, theirs.id, quantum=1)
        [passed] = turns.dispatch(session, door=8, ttl=60)
    before = everything_of(engine, theirs)
    ended = tasks.run_slice(here, mine.tenant_id, theirs.id, passed.epoch, worker="thief", publish=lambda _one: None)
    assert ended == "stale"
    assert everything_of(engine, theirs) == before


def everything_of(engine: Engine, made: Any) -> list[str]:
    with as_tenant(engine, made.tenant_id) as session:
        tables = ("connector", "run", "turn", "slice_log", "journal", "credential")
        return [row for one in tables for row in session.scalars(text(f'SELECT t::text FROM "{one}" t ORDER BY 1'))]  # noqa: S608
