"""A slice's end: its turn is given back, and the log of slices says how it ended, in one transaction or without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, make_url, text

from sandbox.servers.postgres import EmbeddedPostgres
from tests.turning import Turns
from worker import tasks
from worker.errors import CredentialsRefused
from worker.ledger import runs
from worker.ledger.session import as_tenant
from worker.ledger.turns import Dispatched
from worker.process import Process
from worker.scheduling import dispatch
from worker.scheduling.endings import Ending
from worker.scheduling.slice import Slice
from worker.settings import Settings

LOG = text("SELECT ended_why, ended_at IS NOT NULL, step, calls, settled, run_id FROM slice_log ORDER BY epoch")
AConnector = Callable[..., Any]


@pytest.fixture
def here(engine: Engine, database_url: str, key_ring: str) -> Process:
    """A worker's process, whom every store refuses."""

    def refused(*_: object) -> Any:
        raise CredentialsRefused("the store refuses the token")

    return Process(Settings(database_url=database_url, credential_keys=SecretStr(key_ring)), engine, refused)


@pytest.fixture
def shop(a_connector: AConnector, engine: Engine) -> Any:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        runs.request(session, made.tenant_id, made.id, refresh=False)
    return made


def dispatched(at: Turns, connector_id: int) -> Dispatched:
    at.ready(connector_id)
    (one,) = at.dispatch()
    return one


def play(here: Process, one: Dispatched) -> str:
    return tasks.run_slice(
        here, one.tenant_id, one.connector_id, one.epoch, worker="w1", publish=lambda passed: pytest.fail(str(passed))
    )


def log_of(engine: Engine, tenant_id: int) -> list[tuple[Any, ...]]:
    with as_tenant(engine, tenant_id) as session:
        return [tuple(row) for row in session.execute(LOG)]


def test_the_turn_is_free_and_the_log_has_its_end(here: Process, at: Turns, shop: Any, engine: Engine) -> None:
    play(here, dispatched(at, shop.id))
    assert at.of(shop.id, "state") == "parked"
    ((why, has_ended, *numbers, run_id),) = log_of(engine, shop.tenant_id)
    assert (why, has_ended, numbers) == ("stopped", True, [None, 0, 0])
    assert run_id is not None


def test_a_turn_is_given_back_where_the_log_cannot_be_written(
    here: Process, at: Turns, shop: Any, engine: Engine, migrated: EmbeddedPostgres, database_url: str
) -> None:
    """A lease that ran out instead would hold the store for that long, and count as an attempt."""
    owner = create_engine(migrated.url(str(make_url(database_url).database), "owner"))
    with owner.begin() as connection:
        connection.execute(text("REVOKE UPDATE ON slice_log FROM scheduler"))
        connection.execute(
            text("REVOKE UPDATE (ended_at, ended_why, step, calls, settled) ON slice_log FROM scheduler")
        )
    owner.dispose()
    play(here, dispatched(at, shop.id))
    assert (at.of(shop.id, "state"), at.of(shop.id, "attempts")) == ("parked", 0)
    ((why, has_ended, *_),) = log_of(engine, shop.tenant_id)
    assert (why, has_ended) == (None, False)


def test_what_a_slice_did_is_told_though_its_turn_was_lost_unawares(
    here: Process, at: Turns, shop: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = Slice.work

    def works_too_long(self: Slice) -> Ending:
        ending = works(self)
        self.settled = 7
        at.late(self.connector_id)
        assert at.sweep() == (1, 0)
        return ending

    monkeypatch.setattr(Slice, "work", works_too_long)
    one = dispatched(at, shop.id)
    monkeypatch.setattr(dispatch, "send_off", lambda *_: None)
    play(here, one)
    ((why, has_ended, _step, _calls, settled, _run),) = log_of(engine, shop.tenant_id)
    assert (why, has_ended, settled) == ("turn_lost", True, 7)
    assert at.of(shop.id, "attempts") == 1
    assert at.of(shop.id, "epoch") == one.epoch + 1, "it is the next one's by now"
