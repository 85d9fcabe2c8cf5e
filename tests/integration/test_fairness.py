"""Figures of fairness out of a real log of slices: on the command line, and served as metrics."""

from __future__ import annotations

import inspect
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from structlog.testing import CapturingLogger

from models.vocabulary import SliceEnd, TurnState
from tests.operators import Operator
from tests.scraping import a_free_port, count, samples
from worker import errors
from worker.ledger import fairness, lapsed, processes, service_figures, turns
from worker.ledger import slices as log_of_slices
from worker.ledger.fairness import Figures
from worker.ledger.service_figures import ServiceFigures
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched
from worker.metrics import database, page, slices
from worker.scheduling import endings
from worker.scheduling import figures as served
from worker.scheduling.pacemaker import Pacemaker
from worker.settings import Settings

QUANTUM = 60.0
AConnector = Callable[..., Any]


def do(engine: Engine, statement: str, **values: Any) -> None:
    with as_scheduler(engine) as session:
        session.execute(text(statement), values)


def ready(engine: Engine, *connector_ids: int) -> None:
    with as_scheduler(engine) as session:
        turns.make_ready(session, connector_ids, quantum=QUANTUM)


def begin(engine: Engine, *, waited: float) -> Dispatched:
    """The poorest gets a slot, after so many seconds."""
    with as_scheduler(engine) as session:
        (one,) = turns.dispatch(session, door=1, ttl=150.0)
    do(
        engine,
        "UPDATE turn SET ready_at = now() - make_interval(secs => :s) WHERE connector_id = :id",
        s=waited,
        id=one.connector_id,
    )
    with as_tenant(engine, one.tenant_id) as session:
        assert turns.claim(session, one.connector_id, one.epoch, lease=25.0, worker="w1")
    return one


def end(engine: Engine, one: Dispatched, *, why: str, park: float | None) -> None:
    with as_tenant(engine, one.tenant_id) as session:
        log_of_slices.ended(session, one.connector_id, one.epoch, log_of_slices.Ended(why, "send", calls=1, settled=1))
    with as_scheduler(engine) as session:
        assert turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=park)


def time_passes(engine: Engine, seconds: float) -> None:
    """All that has happened was so many seconds earlier."""
    for tenant_id in range(1, 5):
        with as_tenant(engine, tenant_id) as session:
            for table, columns in (("slice_log", "ready_at started_at ended_at"), ("turn", "ready_at started_at")):
                moved = ", ".join(f"{one} = {one} - make_interval(secs => :s)" for one in columns.split())
                session.execute(text(f"UPDATE {table} SET {moved}"), {"s": seconds})  # noqa: S608 a test's own
    moved = "seen_at = seen_at - make_interval(secs => :s), started_at = started_at - make_interval(secs => :s)"
    do(engine, f"UPDATE worker_process SET {moved}", s=seconds)  # noqa: S608 idem


def figures(engine: Engine, *, window: float = 600.0) -> Figures:
    with as_scheduler(engine) as session:
        return fairness.reckon(fairness.history(session, window=window))


@pytest.fixture
def history(engine: Engine, a_connector: AConnector) -> Engine:
    """One slot; a ran for 30 s after 5 s, b runs since 40 s after 20 s, a waits again, and c was lost long ago."""
    a, b = a_connector(tenant="a"), a_connector(tenant="b", weight=2.0)
    a_connector(tenant="c")
    with as_scheduler(engine) as session:
        processes.begin(session, "w1", slots=1)
    time_passes(engine, 5)
    ready(engine, a.id)
    first = begin(engine, waited=5)
    ready(engine, b.id)
    time_passes(engine, 30)
    end(engine, first, why="wanted", park=None)
    begin(engine, waited=20)
    time_passes(engine, 40)
    do(engine, "UPDATE worker_process SET seen_at = now()")
    return engine


def test_the_figures_are_those_of_what_happened(history: Engine) -> None:
    found = figures(history)
    about = pytest.approx
    assert (found.slots, found.waits.count, found.turns) == (1, 2, {"parked": 1, "ready": 1, "running": 1})
    assert found.longest_wait == about(40, abs=2)
    assert found.longest_wait_now == about(40, abs=2)
    assert found.waits.p99 == about(20, abs=2)
    assert found.endings == {"wanted": 1}
    assert found.idle_while_ready == about(5, abs=2)
    assert found.utilisation == about(70 / 75, abs=0.05)
    assert {one.tenant: (one.weight, round(one.slot_seconds, -1)) for one in found.tenants} == {
        "a": (1.0, 30),
        "b": (2.0, 40),
    }
    assert found.jain is None  # ten minutes ago, nobody was there


def test_the_window_is_the_last_so_many_seconds(history: Engine) -> None:
    found = figures(history, window=50)
    assert found.jain == pytest.approx(fairness.jain([10 / 1, 40 / 2]), abs=0.1)
    assert found.endings == {"wanted": 1}
    assert figures(history, window=20).endings == {}


def test_a_slice_that_died_is_over_when_it_is_swept(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, a_connector().id)
    begin(engine, waited=3)
    time_passes(engine, 20)
    do(engine, "UPDATE turn SET deadline = now() - interval '1 s'")
    assert figures(engine).turns == {"running": 1}
    with as_scheduler(engine) as session:
        assert lapsed.sweep(session, quantum=QUANTUM, ttl=150.0, queue_is_empty=True) == (1, 0)
    time_passes(engine, 7)
    found = figures(engine)
    assert found.endings == {"turn_lost": 1}
    assert found.tenants[0].slot_seconds == pytest.approx(20, abs=2)
    assert found.longest_wait_now == pytest.approx(7, abs=2)  # since it was lost, not since it first was ready


def test_while_its_store_rests_a_connector_waits_for_no_slot(engine: Engine, a_connector: AConnector) -> None:
    with as_scheduler(engine) as session:
        processes.begin(session, "w1", slots=1)
    ready(engine, a_connector().id)
    do(engine, "UPDATE worker_process SET started_at = now() - interval '300 s'")
    do(engine, "UPDATE turn SET ready_at = now() - interval '100 s'")
    do(engine, "UPDATE store_turn SET not_before = now() + interval '50 s'")
    found = figures(engine)
    assert (found.longest_wait_now, found.idle_while_ready) == (0, 0)
    do(engine, "UPDATE store_turn SET not_before = now() - interval '30 s'")
    with as_scheduler(engine) as session:
        (one,) = turns.dispatch(session, door=1, ttl=150.0)
    with as_tenant(engine, one.tenant_id) as session:
        assert turns.claim(session, one.connector_id, one.epoch, lease=25.0, worker="w1")
    found = figures(engine)
    assert found.longest_wait == pytest.approx(30, abs=2)
    assert found.idle_while_ready == pytest.approx(30, abs=2)


def test_without_any_history_there_are_no_figures(engine: Engine) -> None:
    found = figures(engine)
    assert (found.jain, found.utilisation, found.waits.p50, found.longest_wait, found.tenants) == (
        None, None, None, 0, [],
    )  # fmt: skip


# ---- worker processes


def test_a_process_says_how_many_slots_it_has_until_it_stops(engine: Engine) -> None:
    pacemaker = Pacemaker(engine, Settings(pacemaker_seconds=0.02), lambda _: None, lambda: 0, worker="w1", slots=16)
    thread = pacemaker.start()
    assert is_soon(lambda: figures(engine).slots == 16)
    pacemaker.stopped.set()
    thread.join(5)
    assert figures(engine).slots == 0


def test_a_process_that_was_killed_counts_until_it_was_seen_last(engine: Engine, a_connector: AConnector) -> None:
    with as_scheduler(engine) as session:
        began = processes.begin(session, "w1", slots=4)
        processes.seen(session, "w1", began)
    ready(engine, a_connector().id)
    do(engine, "UPDATE turn SET ready_at = now() - interval '100 s'")
    do(engine, "UPDATE worker_process SET started_at = now() - interval '300 s', seen_at = now() - interval '60 s'")
    assert figures(engine).slots == 0
    assert figures(engine).idle_while_ready == pytest.approx(40, abs=2)


def test_processes_long_gone_are_forgotten(engine: Engine) -> None:
    with as_scheduler(engine) as session:
        processes.begin(session, "old", slots=4)
    do(engine, "UPDATE worker_process SET seen_at = now() - interval '3 days'")
    with as_scheduler(engine) as session:
        processes.begin(session, "new", slots=4)
        assert session.scalars(text("SELECT worker FROM worker_process")).all() == ["new"]


def is_soon(claim: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(claim() or pause.wait(0.02) for _ in range(250))


# ---- the command line


def test_the_operator_sees_the_figures(operator: Operator, history: Engine) -> None:
    del history
    told = operator.says("fairness").stdout
    assert "the last 10 min 00 s" in told
    for figure in ("Jain index by weight", "idle while somebody was ready", "wait p50, p95, p99", "utilisation"):
        assert figure in told
    assert "1 parked, 1 ready, 1 running" in told
    read = operator.reads("fairness", "--window", "50", shape="fairness")
    assert read["window"] == pytest.approx(50)
    assert [(one["tenant"], one["backlogged"]) for one in read["tenants"]] == [("a", True), ("b", True)]
    assert read["jain"] == pytest.approx(0.9, abs=0.1)
    assert [one["tenant"] for one in operator.reads("fairness", "-t", "b", shape="fairness")["tenants"]] == ["b"]


def test_figures_of_nothing_are_told_as_such(operator: Operator) -> None:
    told = operator.says("fairness").stdout
    assert "no tenant had or waited for a slot" in told
    assert operator.reads("fairness", shape="fairness")["jain"] is None


@pytest.mark.parametrize("words", [("--window", "0"), ("--window", "1e9"), ("--tenant", "nobody")])
def test_a_window_or_a_tenant_that_is_none_is_refused(operator: Operator, words: tuple[str, str]) -> None:
    operator.says("fairness", *words, code=2)


# ---- metrics

NOTHING = ServiceFigures(0, {}, {}, {})


def scrape(port: int, *, timeout: float = 5.0) -> dict[tuple[str, ...], float]:
    """(name, labels' values...) -> value."""
    return samples(httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=timeout).raise_for_status().text)


def test_the_metrics_tell_the_figures(history: Engine, database_url: str) -> None:
    del history
    port = a_free_port()
    stop = served.serve(Settings(database_url=database_url, metrics_port=port), ())
    assert stop
    try:
        found = scrape(port)
    finally:
        stop()
    assert found["connector_service_up",] == 1
    assert found["connector_service_slots",] == 1
    assert found["connector_service_longest_wait_seconds",] == pytest.approx(40, abs=4)
    assert found["connector_service_idle_while_ready_seconds",] == pytest.approx(5, abs=2)
    assert found["connector_service_wait_seconds", "0.99"] == pytest.approx(20, abs=2)
    assert {state: found["connector_service_turns", state] for state in TurnState} == {
        "parked": 1, "ready": 1, "dispatched": 0, "running": 1, "broken": 0,
    }  # fmt: skip
    assert {end for end in SliceEnd if found["connector_service_recent_slices", end]} == {"wanted"}
    assert ("connector_service_fairness_ratio",) not in found  # nobody was backlogged for five minutes


def test_what_rests_stands_still_or_is_under_way_is_counted(
    engine: Engine, a_connector: AConnector, a_row: Callable[..., int]
) -> None:
    made = [a_connector(f"shop{number}", tenant=tenant) for number, tenant in enumerate("aabb")]
    for one, state in zip(made, ("queued", "paused", "paused", "completed"), strict=True):
        ended = {"ended_at": "2026-01-01"} if state == "completed" else {}
        a_row(one.tenant_id, "run", connector_id=one.id, trigger="request", state=state, **ended)
    reasons = ("credentials_refused: 401 Unauthorized", "holidays: see Ann", "root_category_gone: 7", None)
    for one, reason in zip(made, reasons, strict=True):
        with as_tenant(engine, one.tenant_id) as session:
            session.execute(
                text("UPDATE connector SET enabled = false, disabled_reason = :reason WHERE id = :id"),
                {"id": one.id, "reason": reason},
            )
    do(engine, "UPDATE store_turn SET not_before = now() + interval '1 min' WHERE store_hash IN"
               " (SELECT store_hash FROM turn WHERE connector_id < :id)", id=made[2].id)  # fmt: skip
    do(engine, "UPDATE turn SET source_not_before = now() + interval '1 min' WHERE connector_id = :id", id=made[0].id)
    with as_scheduler(engine) as session:
        processes.begin(session, "w1", slots=3)
        found = service_figures.read(session, codes=served.SWITCH_OFF)
    assert found == ServiceFigures(
        processes=1,
        resting={"store": 2, "source": 1},
        runs={"queued": 1, "paused": 2},
        off={"credentials_refused": 1, "root_category_gone": 1, "by_hand": 2},
    )


def test_what_switches_a_connector_off_is_told_apart() -> None:
    told = inspect.getsource(endings.Endings.stopped_by)
    [named] = re.findall(r"isinstance\(trouble, (.+)\):", told)
    assert {getattr(errors, name).code for name in named.split(" | ")} == set(served.SWITCH_OFF)


def test_service_alone_may_not_count_across_tenants(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector(tenant="a")
    with as_tenant(engine, made.tenant_id) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text("SELECT * FROM service_counts(ARRAY['x'])"))


def test_metrics_are_off_unless_a_port_is_given(database_url: str) -> None:
    assert served.serve(Settings(database_url=database_url), ()) is None


def test_a_port_that_is_taken_hurts_nobody(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = CapturingLogger()
    monkeypatch.setattr(page, "log", told)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert served.serve(Settings(database_url=database_url, metrics_port=port), ()) is None
    [one] = told.calls
    assert (one.method_name, one.args, one.kwargs["port"]) == ("warning", ("metrics not served",), port)


def test_a_database_that_does_not_answer_in_time_keeps_nothing_else_from_being_told(
    engine: Engine, database_url: str
) -> None:
    port = a_free_port()
    stop = served.serve(Settings(database_url=database_url, metrics_port=port), slices.METRICS)
    assert stop
    try:
        with as_scheduler(engine) as session:
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            session.execute(text("LOCK TABLE turn"))
            began = time.monotonic()
            found = {at[0]: value for at, value in scrape(port, timeout=9).items()}
            assert time.monotonic() - began < 8
        assert found["connector_service_up"] == 0
        assert "connector_service_slots" not in found
        assert "connector_slices_begun_total" in found
    finally:
        stop()


def test_the_database_is_asked_once_in_a_few_seconds_however_often_it_is_scraped(engine: Engine) -> None:
    now, asked = [0.0], []

    def read() -> tuple[Figures, ServiceFigures]:
        asked.append(now[0])
        return figures(engine), NOTHING

    collector = served.KeptFigures(read, clock=lambda: now[0])
    for moment in (0, 1, 4.9, 5, 6, 12):
        now[0] = moment
        assert next(iter(collector.collect())).samples[0].value == 1
    assert asked == [0, 5, 12]


def test_figures_that_cannot_be_read_are_told_as_missing_not_as_they_were(engine: Engine) -> None:
    now, away = [0.0], [False]

    def read() -> tuple[Figures, ServiceFigures]:
        if away[0]:
            raise OperationalError("SELECT", {}, Exception("away"))
        return figures(engine), NOTHING

    collector = served.KeptFigures(read, clock=lambda: now[0])
    assert len(list(collector.collect())) > 1
    before = count(database.TROUBLES, database.FIGURES)
    now[0], away[0] = 10.0, True
    (up,) = collector.collect()
    assert (up.name, up.samples[0].value) == ("connector_service_up", 0)
    assert count(database.TROUBLES, database.FIGURES) == before + 1


def test_no_scrape_waits_for_a_database_that_is_slow_and_all_share_one_question(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "PATIENT_SECONDS", 0.05)
    answers, asked = threading.Event(), []

    def read() -> tuple[Figures, ServiceFigures]:
        asked.append(1)
        answers.wait(30)
        return figures(engine), NOTHING

    collector = served.KeptFigures(read)
    before = count(database.TROUBLES, database.FIGURES)
    logged = CapturingLogger()
    monkeypatch.setattr(served, "log", logged)
    for _ in range(3):
        (up,) = collector.collect()
        assert up.samples[0].value == 0
    assert asked == [1]
    assert count(database.TROUBLES, database.FIGURES) == before + 1, "one question, one trouble"
    (line,) = logged.calls
    assert (line.method_name, line.args) == ("warning", ("no figures of the service",))
    assert line.kwargs == {"error": "TimeoutError"}
    answers.set()
    while len(list(collector.collect())) == 1:
        time.sleep(0.01)
    assert asked == [1]


def test_a_question_that_is_too_late_and_then_fails_is_one_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "PATIENT_SECONDS", 0.05)
    answers, over = threading.Event(), threading.Event()

    def read() -> tuple[Figures, ServiceFigures]:
        answers.wait(30)
        over.set()
        raise OperationalError("SELECT", {}, Exception("cancelled"))

    before = count(database.TROUBLES, database.FIGURES)
    now = [0.0]
    collector = served.KeptFigures(read, clock=lambda: now[0])
    assert len(list(collector.collect())) == 1
    answers.set()
    assert over.wait(5)
    assert len(list(collector.collect())) == 1
    assert count(database.TROUBLES, database.FIGURES) == before + 1
    now[0] = 10.0
    assert is_soon(
        lambda: len(list(collector.collect())) == 1 and count(database.TROUBLES, database.FIGURES) == before + 2
    ), "the next question is another one"
