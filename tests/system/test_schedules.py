"""Scheduled runs on the stage: at their dates, once each, never beside another run, and never in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import RunState
from sandbox.saleslayer.switches import Fault, Switches
from tests.shop import Shop, a_source
from worker.catalog.profile import Profile
from worker.ledger import connectors, register, runs
from worker.ledger.register import Entry
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling import calendar

OpenShop = Callable[..., Shop]
HOURLY = {"every_seconds": 3600}
NIGHTLY = {"cron": "0 3 * * *"}


class Scheduled:
    """A shop, its schedule, and a clock that can be put on."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.stage, self.cast = shop, shop.stage, shop.cast

    def ask(self, sql: str, **values: Any) -> Any:
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            found: Any = session.execute(text(sql), values | {"id": self.cast.connector_id})
            return found.scalar() if found.returns_rows else None

    def change(self, schedule: dict[str, Any] | None, **more: Any) -> None:
        """Somebody saves another schedule."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            profile = Profile.model_validate({"schedule": schedule, **more})
            calendar.change_profile(session, self.cast.connector_id, profile)

    def wake(self) -> list[str]:
        """Somebody wakes the connector, though nothing is asked for."""
        self.stage.check(self.cast)
        return self.stage.play()

    def pass_date(self) -> None:
        """The next date has come, and nobody has looked yet."""
        self.ask("UPDATE connector SET next_date = now() - interval '1 second' WHERE id = :id")

    def come(self) -> list[str]:
        """The next date comes, and the pacemaker finds it."""
        self.pass_date()
        self.ask("UPDATE turn SET not_before = now() WHERE connector_id = :id AND state = 'parked'")
        return self.stage.play()

    @property
    def entries(self) -> list[Entry]:
        """The register, the oldest run first."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return register.runs(session, self.cast.connector_id)[::-1]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.trigger, one.state.value) for one in self.entries]

    @property
    def turn(self) -> str:
        return str(self.ask("SELECT state FROM turn WHERE connector_id = :id"))

    @property
    def due_in(self) -> float:
        """Seconds until the turn is due."""
        found = self.ask("SELECT extract(epoch FROM not_before - now())::float8 FROM turn WHERE connector_id = :id")
        return float(found)

    @property
    def date_in(self) -> float | None:
        """Seconds until the next date."""
        found = self.ask("SELECT extract(epoch FROM next_date - now())::float8 FROM connector WHERE id = :id")
        return None if found is None else float(found)

    def source_fails(self, *faults: Fault) -> None:
        """How the source fails from now on; no fault = it is well."""
        self.stage.sources.set_switches(self.cast.code, Switches(faults=faults))


@pytest.fixture
def shop(open_shop: OpenShop) -> Callable[..., Scheduled]:
    def made(schedule: dict[str, Any] | None = None) -> Scheduled:
        source = a_source(products=[(300, [1], "P0", "Product", "10", "1")])
        return Scheduled(open_shop(source, profile={"schedule": schedule}))

    return made


Open = Callable[..., Scheduled]


# ---- by itself


def test_an_interval_begins_at_once_and_comes_again_from_its_start(shop: Open) -> None:
    at = shop(HOURLY)
    assert at.wake() == ["work_done"]
    assert at.told == [("schedule", "completed")]
    assert at.turn == "parked"
    assert 3500 < at.due_in <= 3600
    assert at.date_in is not None
    assert abs(at.date_in - at.due_in) < 1
    at.come()
    assert at.told == [("schedule", "completed"), ("schedule", "unchanged")], "it is a run of the register"
    assert 3500 < at.due_in <= 3600


def test_an_expression_waits_for_its_date(shop: Open) -> None:
    at = shop(NIGHTLY)
    assert at.wake() == ["work_done"]
    assert at.told == []
    due = at.ask("SELECT date_trunc('second', not_before) AT TIME ZONE 'UTC' FROM turn WHERE connector_id = :id")
    assert isinstance(due, datetime)
    assert (due.hour, due.minute) in {(3, 0), (2, 59)}
    at.come()
    assert at.told == [("schedule", "completed")]
    assert at.date_in is not None
    assert 0 < at.date_in <= 24 * 3600


def test_the_time_zone_is_the_tenants(shop: Open) -> None:
    at = shop(NIGHTLY)
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        calendar.change_time_zone(session, at.cast.tenant_id, "Asia/Kolkata")
    at.wake()
    told = at.ask("SELECT to_char(next_date AT TIME ZONE 'UTC', 'HH24:MI') FROM connector WHERE id = :id")
    assert told == "21:30"
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        calendar.change_time_zone(session, at.cast.tenant_id, "Asia/Kathmandu")
    told = at.ask("SELECT to_char(next_date AT TIME ZONE 'UTC', 'HH24:MI') FROM connector WHERE id = :id")
    assert told == "21:15"
    assert at.date_in is not None
    assert abs(at.due_in - at.date_in) < 1, "what waits for it waits for the new date"


def test_with_a_schedule_there_are_no_checks_in_between(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    at.shop.edit("products", 300, product_name="Another name")
    for _ in range(3):
        assert at.wake() == ["work_done"]
    assert at.told == []
    assert at.ask("SELECT count(*) FROM run") == 0
    assert at.ask("SELECT last_checked_at FROM connector WHERE id = :id") is None


def test_somebodys_request_runs_at_once_and_leaves_the_date_as_it_is(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    before = at.ask("SELECT next_date FROM connector WHERE id = :id")
    assert at.shop.run().state is RunState.COMPLETED
    assert at.told == [("request", "completed")]
    assert at.ask("SELECT next_date FROM connector WHERE id = :id") == before
    assert at.date_in is not None
    assert abs(at.due_in - at.date_in) < 1


def test_without_a_schedule_all_is_as_it_was(shop: Open) -> None:
    at = shop()
    at.wake()
    assert at.told == [("check", "completed")]
    assert 250 < at.due_in < 350
    assert at.date_in is None
    at.wake()
    assert at.told == [("check", "completed")]


# ---- a date that passes while a run goes on


def test_a_date_that_passes_while_a_run_goes_on_becomes_one_follow_up(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        run_id = runs.request(session, at.cast.tenant_id, at.cast.connector_id, refresh=False)
        connector = connectors.load(session, at.cast.connector_id)
        assert connector is not None
        runs.begin(session, run_id, connector.profile)
    for _ in range(3):  # it passes once, or several times: nobody counts
        at.pass_date()
    assert at.wake().count("work_done") == 2
    assert at.told == [("request", "completed"), ("schedule", "unchanged")]
    assert at.date_in is not None
    assert at.date_in > 0
    assert at.wake() == ["work_done"]
    assert len(at.told) == 2


def test_a_date_that_passes_while_a_run_waits_is_served_by_that_run(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    at.pass_date()
    assert at.shop.run().state is RunState.COMPLETED
    assert at.told == [("request", "completed")]
    assert at.date_in is not None
    assert at.date_in > 0


def test_a_request_and_a_date_behind_one_run_are_one_follow_up(shop: Open) -> None:
    at = shop(HOURLY)
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        first = runs.request(session, at.cast.tenant_id, at.cast.connector_id, refresh=False)
        runs.begin(session, first, Profile())
        second = runs.request(session, at.cast.tenant_id, at.cast.connector_id, refresh=False)
    assert first != second
    at.pass_date()
    at.wake()
    assert at.told == [("request", "completed"), ("request", "unchanged")]
    assert at.date_in is not None
    assert 3500 < at.date_in <= 3600, "counted from the start that served it"


def test_a_date_that_passes_while_the_run_is_held_comes_after_it(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    run_id = at.stage.request(at.cast)
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        runs.pause(session, at.cast.connector_id, run_id)
    at.pass_date()
    at.stage.play()
    assert at.told == [("request", "paused")]
    assert at.ask("SELECT NOT isfinite(not_before) FROM turn WHERE connector_id = :id") is True
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        runs.resume(session, run_id)
    at.wake()
    # It had not begun when the date came: it serves it.
    assert at.told == [("request", "completed")]


def test_a_date_that_passes_while_the_connector_is_switched_off_comes_once_when_it_is_on(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        connectors.disable(session, at.cast.connector_id, "for a while")
    assert at.come() == ["stopped"]
    assert at.told == []
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        connectors.enable(session, at.cast.connector_id)
    at.wake()
    assert at.told == [("schedule", "completed")]


def test_a_scheduled_run_that_was_cancelled_is_not_begun_again_before_its_next_date(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    at.pass_date()
    at.stage.check(at.cast)
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        connector = connectors.load(session, at.cast.connector_id)
        assert connector is not None
        run = calendar.begin_what_is_due(session, connector)
        assert run is not None
        runs.begin(session, run.id, connector.profile)
        calendar.serve(session, connector)
        runs.cancel(session, at.cast.connector_id, run.id)
    at.stage.play()
    assert at.told == [("schedule", "cancelled")]
    assert at.due_in > 100


def test_a_run_stopped_by_trouble_rests_though_its_interval_is_short(shop: Open) -> None:
    at = shop({"every_seconds": 120})
    at.source_fails(Fault("html", page=1, times=None))
    at.wake()
    assert at.told[-1] == ("schedule", "failed")
    assert 3000 < at.due_in < 4000


# ---- another schedule


def test_another_schedule_moves_a_turn_that_waits(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    at.come()  # a scheduled start, from which an interval is counted
    at.change({"every_seconds": 7200})
    assert 7000 < at.due_in <= 7200
    at.change({"every_seconds": 300_000})
    assert 299_000 < at.due_in <= 300_000
    at.change(None)
    assert at.date_in is None
    assert 200 < at.due_in <= 300
    at.change(NIGHTLY)
    assert at.date_in is not None
    assert abs(at.due_in - at.date_in) < 1


def test_another_profile_with_the_same_schedule_moves_nothing(shop: Open) -> None:
    at = shop(HOURLY)
    at.wake()
    before = at.ask("SELECT not_before FROM turn WHERE connector_id = :id")
    at.change(HOURLY, brake=0.5)
    assert at.ask("SELECT not_before FROM turn WHERE connector_id = :id") == before


def test_an_interval_that_is_over_already_begins_at_once(shop: Open) -> None:
    at = shop({"every_seconds": 36_000})
    at.wake()
    at.ask("UPDATE run SET started_at = now() - interval '2 hours'")
    at.change(HOURLY)
    assert at.due_in <= 0
    at.stage.play()
    assert [trigger for trigger, _ in at.told] == ["schedule", "schedule"]


def test_a_turn_that_rests_after_trouble_is_not_moved_before_its_rest(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.source_fails(Fault("html", page=1, times=None))
    at.wake()
    at.come()
    assert at.told == [("schedule", "failed")]
    at.change({"every_seconds": 60})
    assert 3500 < at.due_in <= 3600
    at.change({"every_seconds": 10_000})
    assert 9000 < at.due_in <= 10_000


def test_a_check_that_rests_is_dropped_and_its_rest_stands(shop: Open) -> None:
    at = shop()
    at.source_fails(Fault("http", times=None, status=503))
    at.stage.check(at.cast)
    assert at.stage.play_one() == "neighbour_unwell"
    rest = at.due_in
    assert rest > 10
    assert at.ask("SELECT count(*) FROM run") == 1
    at.change(HOURLY)
    assert at.ask("SELECT count(*) FROM run") == 0
    assert abs(at.due_in - rest) < 1
    at.source_fails()
    at.stage.play()
    assert at.told == [("schedule", "completed")]


def test_a_run_that_rests_is_not_moved(shop: Open) -> None:
    at = shop()
    at.source_fails(Fault("http", times=None, status=503))
    at.stage.request(at.cast)
    assert at.stage.play_one() == "neighbour_unwell"
    rest = at.due_in
    at.change(NIGHTLY)
    assert abs(at.due_in - rest) < 1
    at.source_fails()
    at.stage.play()
    assert at.told == [("request", "completed")]
    assert at.due_in > 100, "then it waits for its date"


def test_a_run_that_ends_goes_by_the_schedule_that_was_saved_meanwhile(shop: Open) -> None:
    at = shop()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        run_id = runs.request(session, at.cast.tenant_id, at.cast.connector_id, refresh=False)
        runs.begin(session, run_id, Profile())
    at.change(NIGHTLY)
    at.wake()
    assert at.told == [("request", "completed")]
    assert at.date_in is not None
    assert abs(at.due_in - at.date_in) < 1


def test_what_is_held_or_switched_off_is_not_woken_by_a_schedule(shop: Open) -> None:
    at = shop()
    at.wake()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        connectors.disable(session, at.cast.connector_id, "for a while")
    at.stage.check(at.cast)
    at.stage.play()
    at.change(HOURLY)
    assert at.ask("SELECT NOT isfinite(not_before) FROM turn WHERE connector_id = :id") is True


def test_another_time_zone_moves_no_date_that_has_come(shop: Open) -> None:
    at = shop(NIGHTLY)
    at.wake()
    at.pass_date()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        calendar.change_time_zone(session, at.cast.tenant_id, "America/New_York")
    at.wake()
    assert at.told == [("schedule", "completed")]


def test_a_slice_and_somebody_who_saves_a_profile_wait_in_no_circle(shop: Open) -> None:
    """The turn's lock comes first on both sides."""
    at = shop(NIGHTLY)
    at.wake()
    with as_tenant(at.stage.engine, at.cast.tenant_id) as session:
        calendar.change_profile(session, at.cast.connector_id, Profile.model_validate({"schedule": HOURLY}))
        with as_scheduler(at.stage.engine) as other:
            held = other.execute(
                text("SELECT 1 FROM turn WHERE connector_id = :id FOR UPDATE SKIP LOCKED"), {"id": at.cast.connector_id}
            )
            assert held.first() is None
