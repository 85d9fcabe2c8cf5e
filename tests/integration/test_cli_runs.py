"""Runs at the command line: requested, held, let go, and what came of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from cli import waiting
from cli.waiting import Bar
from models.vocabulary import RunState
from tests.operators import Operator, in_its_name, keep_columns
from worker.ledger import progress as where
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched


def test_a_run_is_requested_once_and_its_turn_is_published(acme: Operator) -> None:
    acme.adds()
    run_id = acme.says("run", "spring-shop").stdout.strip()
    assert acme.says("run", "spring-shop", "--refresh").stdout.strip() == run_id  # folded into the one that waits
    [run] = acme.reads("activity", "spring-shop", shape="activity")["runs"]
    assert (str(run["run"]), run["state"], run["trigger"], run["refresh"]) == (run_id, "queued", "refresh", True)
    assert [(one.tenant, one.connector, one.epoch) for one in acme.published] == [("acme", "spring-shop", 1)]


def test_a_wait_without_a_worker_ends_with_3(acme: Operator) -> None:
    acme.adds()
    result = acme.says("run", "spring-shop", "--wait", "--patience", "0.3", code=3)
    assert "no worker has answered for 0.3 s" in result.stdout
    assert re.search(r"run \d+ queued", result.stderr)


def test_a_turn_that_is_broken_ends_the_wait(acme: Operator) -> None:
    acme.adds()

    def break_it(_: Dispatched) -> None:
        with as_scheduler(acme.here.engine) as session:
            session.exec_driver_sql("UPDATE turn SET state = 'broken'")

    acme.here.publish = break_it
    assert "five times in a row" in acme.says("run", "spring-shop", "--wait", code=2).stdout


@pytest.mark.parametrize(
    ("states", "code", "sentence"),
    [
        (["preparing", "unchanged"], 0, "unchanged: nothing has changed at the source"),
        (["preparing", "prepared", "completed"], 0, "completed: 3 products created"),
        (["preparing", "prepared", "completed_with_errors"], 1, "completed_with_errors: 3 products created"),
        (["preparing", "failed"], 2, "failed: the source refuses the credentials"),
        (["cancelled"], 2, "cancelled: 3 products created"),
        (["preparing", "awaiting_approval"], 2, "the run waits for somebody's approval"),
    ],
)
def test_a_wait_ends_with_the_runs_end(
    acme: Operator, a_row: Callable[..., int], states: list[str], code: int, sentence: str,
) -> None:  # fmt: skip
    acme.adds()
    tenant_id, connector_id = in_its_name(acme.here.engine)

    def work(_: Dispatched) -> None:
        """A worker that is quicker than the eye."""
        with as_tenant(acme.here.engine, tenant_id) as session:
            run = runs.current(session, connector_id)
            assert run is not None
            for state in states:
                runs.become(session, run.id, RunState(state))
            text = "the source refuses the credentials"
            runs.say(session, tenant_id, run.id, level="error", code="credentials_refused", message=text)
        figure = {"kind": "product", "storefront_id": 0, "figure": "created", "count": 3}
        a_row(tenant_id, "run_counter", run_id=run.id, **figure)

    acme.here.publish = work
    assert sentence in acme.says("run", "spring-shop", "--wait", code=code).stdout


def test_the_live_view_has_a_bar_for_each_kind_and_one_for_each_follow_up(
    acme: Operator, a_row: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    acme.adds()
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run = {"connector_id": connector_id, "trigger": "request", "state": "synchronizing", "step": "send"}
    run_id = a_row(tenant_id, "run", started_at="2026-11-23", slices=2, calls=7, **run)
    for figure, count in (("to_create", 3), ("to_update", 2), ("to_show", 4)):
        figures = {"kind": "product", "storefront_id": 0, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    with as_tenant(acme.here.engine, tenant_id) as session:
        progress = where.of(session, run_id)
    assert progress is not None
    assert waiting.bars(progress.parts) == [Bar("product", 5, 5), Bar("options to show", 4, 4)]
    view = waiting.Bars()
    view.show(progress)
    view.close()
    shown = capsys.readouterr().err
    assert "synchronization: send (2 slices, 7 calls)" in shown
    assert "options to show" in shown


def test_the_activity_shows_figures_messages_and_errors(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run yet" in acme.says("activity", "spring-shop").stdout
    tenant_id, connector_id = in_its_name(acme.here.engine)
    of = {"connector_id": connector_id, "trigger": "request"}
    older = a_row(tenant_id, "run", state="unchanged", **of)
    run_id = a_row(tenant_id, "run", state="completed_with_errors", calls=201, slices=4, **of)
    a_row(tenant_id, "storefront", connector_id=connector_id, storefront_id=1, name="Main", tree_id=1)
    for kind, storefront, figure, count in (
        ("category", 1, "created", 39), ("category", 1, "to_disable", 2), ("product", 0, "rejected", 9),
    ):  # fmt: skip
        figures = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    a_row(tenant_id, "run_message", run_id=run_id, level="warning", code="pictures_pending", text="3 pictures wait")
    for source_id in range(1, 6):
        status = {"kind": "product", "source_id": source_id, "storefront_id": 0, "outcome": "rejected"}
        told = {"code": "no_weight", "message": "[red]it has no \x1b[31mweight"}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status, **told)
    shown = acme.says("activity", "spring-shop").stdout
    for part in ("39 categories created; 9 products rejected", "to disable", "3 pictures wait", "no_weight", "2 more"):
        assert part in shown
    assert "\x1b" not in shown
    assert "[red]it has no" in shown
    found = acme.reads("activity", "spring-shop", shape="activity")
    assert [one["run"] for one in found["runs"]] == [run_id, older]
    assert found["runs"][0]["counters"]["category"] == {"Main": {"created": 39, "to_disable": 2}}
    assert found["runs"][0]["errors"][0]["more"] == 2
    only = acme.reads("activity", "spring-shop", "--run", str(older), shape="activity")["runs"]
    assert [one["run"] for one in only] == [older]
    assert "there is no run 999" in acme.says("activity", "spring-shop", "--run", "999", code=2).stderr


def a_held_run(acme: Operator, a_row: Callable[..., int], state: str) -> int:
    """A run of this state that has planned to take things away."""
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state=state, step="send")
    for kind, storefront, figure, count in (
        ("category", 1, "to_disable", 2), ("product", 0, "to_hide", 3), ("product", 0, "to_blank", 4),
        ("product", 0, "to_create", 90),
    ):  # fmt: skip
        figures = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    with as_scheduler(acme.here.engine) as session:
        session.execute(text("UPDATE turn SET not_before = 'infinity' WHERE connector_id = :id"), {"id": connector_id})
    return run_id


def test_a_run_that_the_brake_holds_is_approved_once(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run of 'spring-shop' waits for an approval" in acme.says("approve", "spring-shop", code=2).stderr
    run_id = a_held_run(acme, a_row, "awaiting_approval")
    told = acme.says("approve", "spring-shop").stdout
    assert told == f"run {run_id} goes on; it may disable or blank 9 items\n"
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        run = runs.load(session, run_id)
    assert run is not None
    assert (run.state, run.step) == (RunState.PREPARING, None)
    assert [one.connector_id for one in acme.published] == [connector_id]
    assert "waits for an approval" in acme.says("approve", "spring-shop", code=2).stderr


@pytest.mark.parametrize("state", ["queued", "awaiting_approval"])
def test_a_run_that_waits_is_cancelled_and_the_connector_is_checked_in_its_time(
    acme: Operator, a_row: Callable[..., int], state: str
) -> None:
    acme.adds()
    run_id = a_held_run(acme, a_row, state)
    assert acme.says("cancel", "spring-shop").stdout == f"run {run_id} is cancelled\n"
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        assert session.scalar(text("SELECT state FROM run WHERE id = :id"), {"id": run_id}) == "cancelled"
    with as_scheduler(acme.here.engine) as session:
        due = session.scalar(
            text("SELECT not_before BETWEEN now() AND now() + interval '301 s' FROM turn WHERE connector_id = :id"),
            {"id": connector_id},
        )
    assert due
    assert acme.published == []
    assert "no run that could be cancelled" in acme.says("cancel", "spring-shop", code=2).stderr


def test_a_run_under_way_is_paused_resumed_and_cancelled(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run that could be paused" in acme.says("pause", "spring-shop", code=2).stderr
    assert "no run of 'spring-shop' is paused" in acme.says("resume", "spring-shop", code=2).stderr
    run_id = a_held_run(acme, a_row, "synchronizing")
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        session.execute(text("UPDATE run SET started_at = now() WHERE id = :id"), {"id": run_id})
    assert "is paused; `connector resume spring-shop`" in acme.says("pause", "spring-shop").stdout
    assert "stands still already: it is paused" in acme.says("pause", "spring-shop", code=2).stderr
    assert acme.says("resume", "spring-shop").stdout == f"run {run_id} goes on: prepared\n"
    assert [one.connector_id for one in acme.published] == [connector_id]
    with as_scheduler(acme.here.engine) as session:
        session.execute(text("UPDATE turn SET state = 'running' WHERE connector_id = :id"), {"id": connector_id})
    assert acme.says("cancel", "spring-shop").stdout == f"run {run_id} is cancelled\n"
    with as_scheduler(acme.here.engine) as session:
        assert session.scalar(text("SELECT stop_asked FROM turn WHERE connector_id = :id"), {"id": connector_id})


def test_items_are_listed_page_by_page_with_their_names(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    keep_columns(acme.here.engine, a_row)
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state="completed_with_errors")
    for source_id in (1, 2, 3):
        item = {"kind": "product", "source_id": source_id, "cells": {"product_name": f"Ball {source_id}"}}
        a_row(tenant_id, "source_item", connector_id=connector_id, raw_hash="x", **item)
    for source_id, outcome, code in ((1, "created", None), (2, "failed", "sku_taken")):
        status = {"kind": "product", "source_id": source_id, "storefront_id": 0, "outcome": outcome, "code": code}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status)
    first = acme.reads("items", "spring-shop", "--limit", "1", shape="items")
    assert [one["name"] for one in first["items"]] == ["Ball 1"]
    rest = acme.reads("items", "spring-shop", "--after", first["next"], shape="items")
    assert ([one["outcome"] for one in rest["items"]], rest["next"]) == (["failed", "unchanged"], None)
    assert [one["do"] for one in (*first["items"], *rest["items"])] == [None, "Change one of the two.", None]
    assert (rest["items"][1]["name"], rest["items"][1]["run"], rest["items"][1]["at"]) == ("Ball 3", None, None)
    left = acme.reads("items", "spring-shop", "--status", "unchanged", "--kind", "product", shape="items")
    assert [one["source_id"] for one in left["items"]] == [3]
    of_run = acme.reads("items", "spring-shop", "--run", str(run_id), "--storefront", "0", shape="items")
    assert [one["source_id"] for one in of_run["items"]] == [1, 2]
    for unlike in (("--run", str(run_id + 1)), ("--storefront", "1")):
        assert acme.reads("items", "spring-shop", *unlike, shape="items")["items"] == []
    assert "Ball 2" in acme.says("items", "spring-shop", "--status", "failed").stdout
    assert "--after product:1:0" in acme.says("items", "spring-shop", "--limit", "1").stderr
    acme.says("items", "spring-shop", "--after", "here", code=2)
    acme.says("items", "spring-shop", "--status", "nonsense", code=2)


def test_failed_items_wait_for_an_outcome_again_all_or_those_of_a_code(
    acme: Operator, a_row: Callable[..., int]
) -> None:
    acme.adds()
    assert "no item of 'spring-shop' has failed." in acme.says("retry", "spring-shop", code=2).stderr
    assert "no item is quarantined" in acme.says("quarantine", "list", "spring-shop").stdout
    assert "quarantined" in acme.says("quarantine", "release", "spring-shop", code=2).stderr
    keep_columns(acme.here.engine, a_row)
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state="completed_with_errors")
    told = ((1, "created", None), (2, "failed", "sku_taken"), (3, "failed", "quarantined"), (4, "rejected", "no_name"))
    for source_id, outcome, code in told:
        at = {"kind": "product", "source_id": source_id}
        a_row(tenant_id, "source_item", connector_id=connector_id, raw_hash="x", due=False, cells={}, **at)
        status = {"storefront_id": 0, "outcome": outcome, "code": code, **at}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status)

    def due() -> list[int]:
        with as_tenant(acme.here.engine, tenant_id) as session:
            return list(
                session.scalars(text("SELECT source_id FROM source_item WHERE due AND kind = 'product' ORDER BY 1"))
            )

    listed = acme.reads("quarantine", "list", "spring-shop", shape="items")
    assert [one["source_id"] for one in listed["items"]] == [3]
    coded = acme.reads("items", "spring-shop", "--code", "sku_taken", shape="items")
    assert [one["source_id"] for one in coded["items"]] == [2]
    assert due() == []
    asked = acme.says("quarantine", "release", "spring-shop").stdout
    assert due() == [3]
    assert acme.says("retry", "spring-shop").stdout == asked
    assert due() == [2, 3]
    assert int(asked) > run_id
    assert [one.connector_id for one in acme.published] == [connector_id]
    assert "has failed with no_such" in acme.says("retry", "spring-shop", "--code", "no_such", code=2).stderr
