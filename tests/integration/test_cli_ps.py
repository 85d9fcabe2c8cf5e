"""`connector ps`: who runs, who waits and why, and which worker processes are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, text

from models.vocabulary import RunState
from sandbox.servers.redis import EmbeddedRedis
from tests.operators import Operator
from tests.turning import AConnector, Turns
from worker.bigcommerce.quota import Quota
from worker.ledger import processes, runs
from worker.ledger.session import as_scheduler, as_tenant


@pytest.fixture
def broker(operator: Operator) -> Iterator[redis.Redis]:
    """A Redis that the operator reaches."""
    with EmbeddedRedis() as server:
        found = redis.Redis.from_url(server.url)
        operator.here.__dict__["broker"] = found
        yield found
        found.close()


def ps(operator: Operator, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = operator.reads("ps", *words, shape="ps")
    return found


def a_worker(engine: Engine, *, slots: int = 4, name: str = "w1") -> None:
    with as_scheduler(engine) as session:
        processes.begin(session, name, slots=slots)


def a_run(engine: Engine, made: Any, *, step: str | None = None) -> int:
    """The connector's run, at this step if it has begun."""
    with as_tenant(engine, made.tenant_id) as session:
        run_id = runs.request(session, made.tenant_id, made.id, refresh=False)
        if step is not None:
            runs.become(session, run_id, RunState.PREPARING)
            session.execute(text("UPDATE run SET step = :step, started_at = now() WHERE id = :id"),
                            {"step": step, "id": run_id})  # fmt: skip
    return run_id


def ended(engine: Engine, made: Any, why: str) -> None:
    """The connector's last slice ended so."""
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(
            text("INSERT INTO slice_log (connector_id, epoch, tenant_id, worker, ended_at, ended_why)"
                 " VALUES (:id, 0, :tenant, 'w1', now(), :why)"),
            {"id": made.id, "tenant": made.tenant_id, "why": why},
        )  # fmt: skip


def of(listed: list[dict[str, Any]], connector: str) -> dict[str, Any]:
    [found] = [one for one in listed if one["connector"] == connector]
    return found


def test_nobody_is_there(operator: Operator) -> None:
    assert ps(operator) == {"running": [], "waiting": [], "more": 0, "idle": 0, "workers": []}
    shown = operator.says("ps").stdout
    assert all(line in shown for line in ("nobody runs", "nobody waits", "no worker process is there"))


@pytest.mark.parametrize(
    ("step", "phase", "bound"),
    [("read_source", "preparation", "source"), ("plan", "preparation", "work"), ("send", "synchronization", "store")],
)
def test_who_runs_is_told_with_its_run_and_what_bounds_it(
    operator: Operator, at: Turns, a_connector: AConnector, step: str, phase: str, bound: str
) -> None:
    made = a_connector("spring-shop")
    a_worker(at.engine)
    at.do("UPDATE worker_process SET started_at = now() - interval '5 min'")
    run_id = a_run(at.engine, made, step=step)
    one = at.begin(made.id)
    at.held(one, 42)
    at.do("UPDATE turn SET deadline = now() + interval '22 s'")
    found = ps(operator)
    [running] = found["running"]
    told = (running["tenant"], running["connector"], running["run"], running["phase"], running["step"])
    assert told == ("acme", "spring-shop", run_id, phase, step)
    assert (running["bound"], running["worker"], running["quota"]) == (bound, "w1", None)
    assert 42 <= running["seconds"] < 60
    assert 3 <= running["beat"] < 20, "it beat three seconds ago, where a lease lasts 25"
    [worker] = found["workers"]
    assert (worker["state"], worker["slots"], worker["busy"]) == ("there", 4, 1)
    assert "spring-shop" in operator.says("ps").stdout


def test_the_quota_of_its_store_bounds_it_or_its_turn_or_a_lease_that_is_over(
    operator: Operator, at: Turns, a_connector: AConnector, broker: redis.Redis
) -> None:
    made = a_connector("spring-shop", store_hash="abc")
    a_worker(at.engine, slots=1)
    a_run(at.engine, made, step="send")
    one = at.begin(made.id)
    told = {"X-Rate-Limit-Time-Window-Ms": "30000", "X-Rate-Limit-Requests-Quota": "150",
            "X-Rate-Limit-Requests-Left": "0", "X-Rate-Limit-Time-Reset-Ms": "20000"}  # fmt: skip
    quota = Quota(broker, store_hash="abc")
    quota.heed(told, status=200, unit=quota.ask())
    [running] = ps(operator)["running"]
    assert (running["bound"], running["quota"]["left"], running["quota"]["of"]) == ("quota", 0, 150)
    assert 0 < running["quota"]["seconds"] <= 20
    assert "0 of 150 calls left" in operator.says("ps").stdout
    broker.flushall()
    poorer = a_connector("poorer", tenant="poorer")
    at.held(one, 600)
    at.ready(poorer.id)
    assert ps(operator)["running"][0]["bound"] == "turn"
    at.late(made.id)
    assert ps(operator)["running"][0]["bound"] == "lease_over"


def test_who_waits_is_told_why_in_the_order_of_the_queue(
    operator: Operator, at: Turns, a_connector: AConnector
) -> None:
    a_worker(at.engine, slots=1)
    busy = a_connector("busy", tenant="busy", store_hash="shared")
    at.begin(busy.id)
    names = ("first", "second", "neighbour", "resting", "broken", "backs-off", "paused", "off", "idle")
    made = {
        name: a_connector(name, tenant=name, store_hash="shared" if name == "neighbour" else None) for name in names
    }
    for name in ("first", "second", "neighbour", "resting"):
        at.ready(made[name].id)
    at.do("UPDATE turn SET ready_at = now() - interval '30 s' WHERE name = 'first'")
    at.do("UPDATE turn SET source_not_before = now() + interval '5 min' WHERE name = 'resting'")
    at.do("UPDATE turn SET state = 'broken' WHERE name = 'broken'")
    ended(at.engine, made["backs-off"], "neighbour_unwell")
    a_run(at.engine, made["paused"], step="send")
    with as_tenant(at.engine, made["paused"].tenant_id) as session:
        session.execute(text("UPDATE run SET state = 'paused'"))
    at.ready(made["paused"].id)
    with as_tenant(at.engine, made["off"].tenant_id) as session:
        session.execute(text("UPDATE connector SET enabled = false"))
    found = ps(operator)
    waiting = found["waiting"]
    assert {one["connector"]: one["why"] for one in waiting} == {
        "broken": "broken",
        "first": "waits_for_slot",
        "second": "waits_for_slot",
        "neighbour": "store_busy",
        "resting": "source_rests",
        "paused": "paused",
        "backs-off": "parked",
    }
    assert waiting[0]["connector"] == "broken"
    assert (of(waiting, "first")["place"], of(waiting, "second")["place"]) == (0, 1)
    assert of(waiting, "first")["waited"] >= 30
    assert of(waiting, "resting")["until"] is not None
    assert of(waiting, "backs-off")["last_end"] == "neighbour_unwell"
    assert (found["idle"], found["more"]) == (2, 0)
    assert "neighbour unwell" in operator.says("ps").stdout
    every = ps(operator, "--all")["waiting"]
    assert (of(every, "idle")["why"], of(every, "off")["why"]) == ("parked", "switched_off")
    few = ps(operator, "--limit", "2")
    assert (len(few["waiting"]), few["more"]) == (2, 5)
    assert "5 more: --limit 7" in operator.says("ps", "--limit", "2").stderr
    assert [one["connector"] for one in ps(operator, "--tenant", "first")["waiting"]] == ["first"]
    assert "did you mean first" in operator.says("ps", "--tenant", "firts", code=2).stderr


def test_a_worker_drains_goes_or_is_gone(operator: Operator, at: Turns, a_connector: AConnector) -> None:
    def states() -> dict[str, tuple[str, int]]:
        return {one["worker"]: (one["state"], one["busy"]) for one in ps(operator)["workers"]}

    for name in ("w1", "w2", "w3"):
        a_worker(at.engine, name=name)
    made = a_connector()
    one = at.begin(made.id)
    at.do("UPDATE worker_process SET drain_asked_at = now() WHERE worker = 'w1'")
    at.do("UPDATE worker_process SET seen_at = now() - interval '40 s' WHERE worker = 'w2'")
    at.do("UPDATE worker_process SET ended_at = now() WHERE worker = 'w3'")
    assert states() == {"w1": ("draining", 1), "w2": ("gone", 0), "w3": ("gone", 0)}
    at.do("UPDATE worker_process SET ended_at = now() WHERE worker = 'w1'")
    assert states()["w1"] == ("draining", 1), "it brings in what is under way"
    at.release(one)
    assert states()["w1"] == ("gone", 0)
    at.do("UPDATE worker_process SET seen_at = now() - interval '11 min'")
    assert states() == {}


def test_who_is_to_drain_has_no_free_slot(at: Turns, a_connector: AConnector) -> None:
    a_worker(at.engine)
    made = a_connector()
    at.do("UPDATE worker_process SET drain_asked_at = now()")
    at.ready(made.id)
    with as_scheduler(at.engine) as session:
        assert processes.free_slots(session) is None
    a_worker(at.engine, name="w2", slots=3)
    with as_scheduler(at.engine) as session:
        assert processes.free_slots(session) == 3


def test_a_name_that_is_not_there_or_names_two_is_no_worker_to_drain(operator: Operator, engine: Engine) -> None:
    assert "no worker process is there" in operator.says("drain", "--all", code=2).stderr
    for name in ("celery@one", "celery@two", "big@two"):
        a_worker(engine, name=name)
    assert "say which worker, or --all" in operator.says("drain", code=2).stderr
    operator.says("drain", "celery@one", "--all", code=2)
    assert "did you mean celery@one" in operator.says("drain", "celery@on", code=2).stderr
    assert "several workers are at 'two': big@two, celery@two" in operator.says("drain", "two", code=2).stderr
    assert "celery@one is told to drain; it holds 0 of 4 slots" in operator.says("drain", "one").stdout
    with as_scheduler(engine) as session:
        told = session.scalars(text("SELECT worker FROM worker_process WHERE drain_asked_at IS NOT NULL"))
        assert list(told) == ["celery@one"]
