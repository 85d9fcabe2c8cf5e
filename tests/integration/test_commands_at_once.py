"""Commands beside others: a slice that ends meanwhile, a request that comes in between, a wake that is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from models.vocabulary import RunState
from tests.visitors import Door
from worker.ledger import lapsed, runs, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling import dispatch

AConnector = Callable[..., Any]


def turn_of(engine: Engine, made: Any) -> Any:
    with as_scheduler(engine) as session:
        return session.execute(
            text("SELECT state, again, not_before <= now() AS is_due FROM turn WHERE connector_id = :id"),
            {"id": made.id},
        ).one()


def park_for_good(engine: Engine, made: Any) -> None:
    """As a slice leaves the turn of a run that is held."""
    with as_scheduler(engine) as session:
        session.execute(
            text("UPDATE turn SET state = 'parked', not_before = 'infinity' WHERE connector_id = :id"), {"id": made.id}
        )


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be woken: the scheduler is locked."""

    def fails(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("lock timeout"))

    monkeypatch.setattr(dispatch, "wake", fails)


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("what", ["resume", "runs", "enable", "approve"])
def test_what_was_asked_for_is_found_by_the_pacemaker_where_the_wake_is_lost(
    door: Door, a_connector: AConnector, engine: Engine, what: str
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        if what in {"resume", "approve"}:
            run_id = runs.request(session, made.tenant_id, made.id, refresh=False)
            state = {"resume": "paused", "approve": "awaiting_approval"}[what]
            session.execute(text("UPDATE run SET state = :state WHERE id = :id"), {"state": state, "id": run_id})
    park_for_good(engine, made)
    status = {"runs": 202}.get(what, 200)
    door.writer(made.tenant_id).posts(f"/v1/connectors/{made.id}/{what}", status=status)
    assert turn_of(engine, made).is_due
    with as_scheduler(engine) as session:
        assert lapsed.sweep(session, quantum=1, ttl=60, queue_is_empty=True) == (0, 1)
    assert turn_of(engine, made).state == "ready"


@pytest.mark.usefixtures("deaf")
def test_a_request_while_a_slice_runs_is_heard_where_the_wake_is_lost(
    door: Door, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    with as_scheduler(engine) as session:
        turns.wake(session, made.id, quantum=1)
        [passed] = turns.dispatch(session, door=8, ttl=60)
    with as_tenant(engine, made.tenant_id) as session:
        turns.claim(session, made.id, passed.epoch, lease=60, worker="w")
    door.writer(made.tenant_id).posts(f"/v1/connectors/{made.id}/runs", status=202)
    with as_scheduler(engine) as session:
        turns.release(session, made.id, passed.epoch, quantum=1, park=3600)
    assert turn_of(engine, made).state == "ready"


def test_a_request_that_comes_while_a_run_is_cancelled_is_not_parked_away(
    door: Door, a_connector: AConnector, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_connector()
    writer, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    first = writer.posts(f"{path}/runs", status=202)["run"]
    park, asked = turns.park, threading.Event()

    def parks_late(*given: Any, **named: Any) -> None:
        asked.set()
        threading.Event().wait(0.5)  # the request is on its way by now
        park(*given, **named)

    monkeypatch.setattr(turns, "park", parks_late)
    with ThreadPoolExecutor(2) as pool:
        cancelled = pool.submit(writer.posts, f"{path}/cancel")
        assert asked.wait(10)
        requested = pool.submit(writer.posts, f"{path}/runs", status=202)
        assert cancelled.result() == {"run": first, "state": "cancelled"}
        second = requested.result()
    assert second["run"] > first
    assert turn_of(engine, made).state in {"ready", "dispatched"}


@pytest.mark.parametrize("what", ["pause", "cancel"])
@pytest.mark.parametrize("by", ["end", "forget"])
def test_what_comes_when_the_run_ends_in_that_moment_is_told_so(
    door: Door, a_connector: AConnector, engine: Engine, what: str, by: str
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        run_id = runs.begin_check(session, made.tenant_id, made.id)
        session.execute(text("UPDATE run SET state = 'preparing', listed = :listed"), {"listed": by == "end"})
    with ThreadPoolExecutor(1) as pool:
        with as_tenant(engine, made.tenant_id) as session:
            # As a slice's save does it: the turn first, then the run.
            session.execute(text("UPDATE turn SET attempts = attempts"))
            asked = pool.submit(door.writer(made.tenant_id).posts, f"/v1/connectors/{made.id}/{what}", status=409)
            with pytest.raises(TimeoutError):
                asked.result(0.5)
            if by == "end":
                runs.become(session, run_id, RunState.UNCHANGED)
            else:
                runs.forget(session, run_id)
        assert asked.result(10)["code"] == "no_run"


def test_two_approvals_at_once_are_one(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        runs.request(session, made.tenant_id, made.id, refresh=False)
        session.execute(text("UPDATE run SET state = 'awaiting_approval'"))
    writer, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: writer.client.post(f"{path}/approve", headers=writer.headers).status_code, range(4))
        )
    assert sorted(answers) == [200, 409, 409, 409]
    assert [one["what"] for one in writer.reads(f"{path}/journal")["entries"]] == ["approved"]


def test_a_connector_added_many_times_at_once_under_one_key_is_added_once(
    door: Door, a_tenant: Callable[[str], int]
) -> None:
    writer = door.writer(a_tenant("acme"))
    file = {"name": "new-shop", "source": {"code": "CN1", "secret": "s"}, "store": {"hash": "abc", "access_token": "t"}}
    key = {"Idempotency-Key": "add-1"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: writer.posts("/v1/connectors", file, status=201, headers=key), range(8)))
    assert all(one == answers[0] for one in answers)
    assert writer.posts("/v1/connectors", file, status=409)["code"] == "taken", "without the key it is another request"


def test_a_connector_whose_profile_cannot_be_read_can_be_held_up_and_switched_off(
    door: Door, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        runs.request(session, made.tenant_id, made.id, refresh=False)
        session.execute(text("""UPDATE connector SET profile = '{"sock": 1}'"""))
    writer, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    assert writer.posts(f"{path}/pause")["state"] == "paused"
    assert writer.posts(f"{path}/cancel")["state"] == "cancelled"
    assert writer.posts(f"{path}/disable", {"reason": "stocktaking"})["enabled"] is False
