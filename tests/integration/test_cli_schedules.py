"""Schedules at the command line: a tenant's time zone, and a profile's schedule."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.operators import Operator, in_its_name
from worker.ledger.session import as_tenant

NIGHTLY = {"cron": "0 3 * * *"}


def zone_of(operator: Operator) -> str:
    (line,) = operator.reads("tenant", "list", shape="tenant list")["tenants"]
    return str(line["time_zone"])


def ask(engine: Engine, sql: str) -> Any:
    tenant_id, _ = in_its_name(engine)
    with as_tenant(engine, tenant_id) as session:
        return session.scalar(text(sql))


def test_a_tenant_has_a_time_zone(operator: Operator) -> None:
    operator.says("tenant", "add", "acme", "--time-zone", "Europe/Madrid")
    assert zone_of(operator) == "Europe/Madrid"
    assert "Europe/Madrid" in operator.says("tenant", "list").stdout
    told = operator.says("tenant", "set", "acme", "--time-zone", "Asia/Kolkata").stdout
    assert told == "tenant acme: weight 1, no limit, time zone Asia/Kolkata\n"
    operator.says("tenant", "set", "acme", "--weight", "2")
    assert zone_of(operator) == "Asia/Kolkata"


def test_by_default_it_is_utc(acme: Operator) -> None:
    assert zone_of(acme) == "UTC"


@pytest.mark.parametrize("words", [("add", "other"), ("set", "acme")])
def test_what_is_no_time_zone_is_refused(acme: Operator, words: tuple[str, ...]) -> None:
    told = acme.says("tenant", *words, "--time-zone", "Madrid", code=2).stderr
    assert "'Madrid' is no time zone" in told
    assert len(acme.reads("tenant", "list", shape="tenant list")["tenants"]) == 1
    assert zone_of(acme) == "UTC"


def test_a_schedule_is_shown_as_it_was_written_and_moves_what_waits(acme: Operator, engine: Engine) -> None:
    acme.adds(schedule={"every_seconds": 3600})
    assert json.loads(acme.says("profile", "spring-shop").stdout)["schedule"] == {"every_seconds": 3600}
    acme.says("set-profile", "spring-shop", "--file", acme.file({"schedule": NIGHTLY}))
    assert json.loads(acme.says("profile", "spring-shop").stdout)["schedule"] == NIGHTLY
    (line,) = acme.reads("list", shape="list")["connectors"]
    assert "T03:00:00" in line["due"]
    acme.says("tenant", "set", "acme", "--time-zone", "Asia/Kolkata")
    (line,) = acme.reads("list", shape="list")["connectors"]
    assert "T21:30:00" in line["due"]
    acme.says("set-profile", "spring-shop", "--file", acme.file({"check_every_seconds": 100}))
    assert ask(engine, "SELECT next_date FROM connector") is None
    assert 90 < ask(engine, "SELECT extract(epoch FROM not_before - now())::float8 FROM turn") <= 100


def test_a_schedule_that_is_none_is_refused_and_nothing_is_stored(acme: Operator) -> None:
    acme.adds()
    told = acme.says("set-profile", "spring-shop", "--file", acme.file({"schedule": {"cron": "0 25 * * *"}}), code=2)
    assert "schedule.cron: this is no cron expression: bad hour." in told.stderr
    assert json.loads(acme.says("profile", "spring-shop").stdout)["schedule"] is None


def test_a_run_that_is_cancelled_leaves_the_date_of_the_schedule(acme: Operator, engine: Engine) -> None:
    acme.adds(schedule=NIGHTLY)
    acme.says("run", "spring-shop")
    acme.says("cancel", "spring-shop")
    gap = "SELECT extract(epoch FROM not_before - next_date)::float8 FROM turn JOIN connector c ON c.id = connector_id"
    assert abs(ask(engine, gap)) < 5
