"""Runs: requested, begun, brought forward, ended, and the log of slices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from models.vocabulary import ENDED, MAY_BECOME, RunState, Trigger
from worker.catalog.profile import Profile
from worker.errors import RunHeld
from worker.ledger import runs, slices, turns
from worker.ledger.runs import Run
from worker.ledger.session import Session, as_scheduler, as_tenant

AConnector = Callable[..., Any]


class Runs:
    """One connector's runs, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id

    def request(self, *, refresh: bool = False) -> int:
        return runs.request(self.session, self.tenant_id, self.id, refresh=refresh)

    def check(self) -> int:
        return runs.begin_check(self.session, self.tenant_id, self.id)

    def load(self, run_id: int) -> Run:
        found = runs.load(self.session, run_id)
        assert found is not None
        return found

    def put(self, run_id: int, state: RunState) -> None:
        """The run in that state, however it came there."""
        self.session.execute(text("UPDATE run SET state = :state WHERE id = :id"), {"state": state.value, "id": run_id})

    def begun(self, epoch: int, worker: str) -> None:
        """The log of slices has this one (`turns.claim`)."""
        self.session.execute(
            text(
                "INSERT INTO slice_log (connector_id, epoch, tenant_id, worker) VALUES (:id, :epoch, :tenant, :worker)"
            ),
            {"id": self.id, "epoch": epoch, "tenant": self.tenant_id, "worker": worker},
        )

    def of(self, run_id: int, column: str) -> Any:
        return self.session.scalar(text(f"SELECT {column} FROM run WHERE id = :id"), {"id": run_id})  # noqa: S608


@pytest.fixture
def at(engine: Engine, a_connector: AConnector) -> Iterator[Runs]:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        yield Runs(session, made)


# ---- requests


def test_a_request_is_a_run_that_waits(at: Runs) -> None:
    run_id = at.request()
    assert at.load(run_id) == Run(
        run_id,
        at.id,
        RunState.QUEUED,
        Trigger.REQUEST,
        listed=True,
        refresh=False,
        step=None,
        cursor=None,
        profile=None,
        bugs=0,
    )
    assert at.load(run_id) == runs.current(at.session, at.id)


def test_further_requests_fold_into_the_one_that_waits(at: Runs) -> None:
    first = at.request()
    assert at.request(refresh=True) == first
    assert (at.load(first).refresh, at.load(first).trigger) == (True, Trigger.REFRESH)
    assert at.request() == first
    assert (at.load(first).refresh, at.load(first).trigger) == (True, Trigger.REFRESH)


def test_a_request_while_one_runs_becomes_exactly_one_follow_up(at: Runs) -> None:
    running = at.request()
    runs.begin(at.session, running, Profile())
    follow_up = at.request()
    assert follow_up != running
    assert at.request() == follow_up
    assert [one.id for one in [runs.current(at.session, at.id)] if one] == [running]
    runs.become(at.session, running, RunState.UNCHANGED)
    found = runs.current(at.session, at.id)
    assert found is not None
    assert found.id == follow_up


def test_a_request_takes_up_a_check_that_waits_and_lists_it(at: Runs) -> None:
    check = at.check()
    assert at.request() == check
    assert (at.load(check).listed, at.load(check).trigger) == (True, Trigger.REQUEST)


def test_a_check_is_in_no_register_until_it_is_listed(at: Runs) -> None:
    check = at.check()
    assert (at.load(check).listed, at.load(check).trigger) == (False, Trigger.CHECK)
    runs.list_it(at.session, check)
    assert at.load(check).listed


def test_the_database_refuses_a_second_run_that_waits(at: Runs) -> None:
    at.request()
    with pytest.raises(IntegrityError, match="uq_run_one_queued"), at.session.begin_nested():
        at.check()


def test_requests_at_the_same_moment_are_one_run(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()
    start, found = threading.Barrier(4), []

    def ask() -> None:
        start.wait()
        with as_tenant(engine, made.tenant_id) as session:
            found.append(runs.request(session, made.tenant_id, made.id, refresh=False))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.parametrize("word", [runs.pause, runs.cancel])
def test_whoever_stops_a_run_waits_for_a_slice_that_saves_and_holds_nothing_that_it_needs(
    engine: Engine, a_connector: AConnector, word: Callable[..., None]
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        run_id = runs.request(session, made.tenant_id, made.id, refresh=False)
        runs.begin(session, run_id, Profile())
    with as_scheduler(engine) as session:
        session.execute(
            text("UPDATE turn SET state = 'running', epoch = 1, deadline = now() + interval '1 minute', tag = 0,"
                 " started_at = now() WHERE connector_id = :id"), {"id": made.id},
        )  # fmt: skip

    def stop() -> None:
        with as_tenant(engine, made.tenant_id) as session:
            word(session, made.id, run_id)

    thread = threading.Thread(target=stop)
    with as_tenant(engine, made.tenant_id) as session:
        assert turns.renew(session, made.id, 1, lease=60, progress=True)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the slice"
        session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        runs.keep_cursor(session, run_id, "send", None)
    thread.join(5)
    with as_tenant(engine, made.tenant_id) as session:
        found = runs.load(session, run_id)
    assert found is not None
    assert found.state in (RunState.PAUSED, RunState.CANCELLED)


def test_there_is_no_run_where_none_waits_or_is_under_way(at: Runs) -> None:
    assert runs.current(at.session, at.id) is None
    assert runs.load(at.session, 1) is None
    for state in ENDED:
        at.put(at.request(), state)
    assert runs.current(at.session, at.id) is None


@pytest.mark.parametrize("state", sorted(set(RunState) - ENDED - {RunState.QUEUED}))
def test_the_run_under_way_comes_before_the_one_that_waits(at: Runs, state: RunState) -> None:
    running = at.request()
    at.put(running, state)
    at.request()
    found = runs.current(at.session, at.id)
    assert found is not None
    assert (found.id, found.state) == (running, state)


# ---- states


def test_a_run_that_begins_works_on_a_snapshot_of_the_profile(at: Runs) -> None:
    run_id = at.request()
    runs.begin(at.session, run_id, Profile(check_every_seconds=77))
    assert at.load(run_id).state is RunState.PREPARING
    assert at.load(run_id).profile == Profile(check_every_seconds=77)
    assert at.of(run_id, "started_at") is not None


def test_a_run_becomes_what_may_follow_and_nothing_else(at: Runs) -> None:
    run_id = at.request()
    for before in RunState:
        for after in set(RunState) - {before}:
            at.put(run_id, before)
            if after in MAY_BECOME[before]:
                runs.become(at.session, run_id, after)
                assert at.load(run_id).state is after
            else:
                with pytest.raises(ValueError, match=f"is {before} and may not become {after}"):
                    runs.become(at.session, run_id, after)


def test_a_run_that_is_there_already_stays_there(at: Runs) -> None:
    run_id = at.request()
    at.put(run_id, RunState.COMPLETED)
    runs.become(at.session, run_id, RunState.COMPLETED)
    assert at.of(run_id, "ended_at") is None  # it did not end now


def test_only_a_run_that_ends_has_an_end(at: Runs) -> None:
    run_id = at.request()
    runs.become(at.session, run_id, RunState.PREPARING)
    assert at.of(run_id, "ended_at") is None
    runs.become(at.session, run_id, RunState.FAILED)
    assert at.of(run_id, "ended_at") is not None


# ---- progress


def test_a_run_goes_on_where_its_cursor_says(at: Runs) -> None:
    run_id, other = at.request(), 0
    at.put(run_id, RunState.PREPARING)
    other = at.request()
    runs.keep_cursor(at.session, run_id, "read_source", {"page": 3, "name": "é"})
    assert (at.load(run_id).step, at.load(run_id).cursor) == ("read_source", {"page": 3, "name": "é"})
    runs.keep_cursor(at.session, run_id, "clean", None)
    assert (at.load(run_id).step, at.load(run_id).cursor) == ("clean", None)
    assert at.load(other).step is None


def test_calls_and_bugs_are_counted(at: Runs) -> None:
    run_id = at.request()
    runs.count(at.session, run_id, calls=3, source_calls=1)
    runs.count(at.session, run_id, calls=2, source_calls=0)
    assert (at.of(run_id, "calls"), at.of(run_id, "source_calls")) == (5, 1)
    assert [runs.count_bug(at.session, run_id) for _ in range(2)] == [1, 2]
    runs.forgive_bugs(at.session, run_id)
    assert at.load(run_id).bugs == 0
    assert runs.count_bug(at.session, 999_999) == 0


def test_the_same_message_is_told_once(at: Runs) -> None:
    run_id = at.request()
    for message in ("one", "one", "two"):
        runs.say(at.session, at.tenant_id, run_id, level="warning", code="c", message=message)
    rows = at.session.execute(text("SELECT level, code, text, run_id FROM run_message ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [("warning", "c", "one", run_id), ("warning", "c", "two", run_id)]


# ---- slices, and checks that found nothing


def test_a_slice_is_logged_from_begin_to_end(at: Runs) -> None:
    run_id = at.request()
    at.begun(4, "w1")
    at.begun(5, "w2")
    slices.works_on(at.session, run_id, at.id, 4)
    slices.ended(at.session, at.id, 4, slices.Ended("time_is_up", "send", calls=9, settled=8))
    rows = at.session.execute(
        text(
            "SELECT epoch, run_id, worker, ended_at IS NOT NULL, ended_why, step, calls, settled FROM slice_log"
            " ORDER BY epoch"
        )
    ).all()
    assert [tuple(row) for row in rows] == [
        (4, run_id, "w1", True, "time_is_up", "send", 9, 8),
        (5, None, "w2", False, None, None, 0, 0),
    ]
    assert at.of(run_id, "slices") == 1


def test_a_check_that_found_nothing_leaves_its_slice_and_no_run(at: Runs) -> None:
    check = at.check()
    at.begun(1, "w1")
    slices.works_on(at.session, check, at.id, 1)
    runs.say(at.session, at.tenant_id, check, level="warning", code="c", message="m")
    runs.forget(at.session, check)
    assert runs.load(at.session, check) is None
    assert tuple(at.session.execute(text("SELECT epoch, run_id FROM slice_log")).one()) == (1, None)


@pytest.mark.parametrize("state", [RunState.PAUSED, RunState.CANCELLED])
def test_a_check_that_somebody_has_stopped_is_not_forgotten_under_his_hands(at: Runs, state: RunState) -> None:
    check = at.check()
    at.put(check, state)
    with pytest.raises(RunHeld):
        runs.forget(at.session, check)
    assert at.load(check).state is state


def test_a_paused_refresh_that_gives_way_hands_its_wish_on(at: Runs) -> None:
    first = at.request(refresh=True)
    runs.pause(at.session, at.id, first)
    follower = at.request()
    assert runs.resume(at.session, first) is RunState.CANCELLED
    assert (at.load(follower).refresh, at.load(follower).trigger) == (True, Trigger.REFRESH)


def test_a_run_in_the_register_is_not_forgotten(at: Runs) -> None:
    run_id = at.request()
    runs.forget(at.session, run_id)
    assert runs.load(at.session, run_id) is not None
