"""Schedules: which there may be, and their next dates through both changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from worker.catalog.profile import Profile, Schedule
from worker.catalog.profile_faults import sentence
from worker.rules.schedule import next_date, zone_fault

FIVE_PARTS = "schedule.cron: a cron expression has five parts: minute, hour, day of the month, month, day of the week."
MADRID = "Europe/Madrid"
"""Clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October."""


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def dates(cron: str, after: datetime, number: int, *, zone: str = MADRID) -> list[str]:
    """The next dates, each reckoned from the one before, in local time with its distance from UTC."""
    found = []
    for _ in range(number):
        after = next_date(Schedule(cron=cron), zone=zone, after=after, last_start=None)
        assert after.tzinfo is UTC
        found.append(after.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z"))
    return found


# ---- which there may be


@pytest.mark.parametrize("written", [{"every_seconds": 60}, {"cron": "0 3 * * *"}, {"cron": "*/15 8-18 * * MON-FRI"}])
def test_a_schedule_is_kept_as_it_is_written(written: dict[str, object]) -> None:
    profile = Profile.model_validate({"schedule": written})
    assert profile.model_dump(mode="json")["schedule"] == written
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_by_default_there_is_none() -> None:
    assert Profile().schedule is None
    assert Profile.model_validate({"schedule": None}) == Profile()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({}, "schedule: give either every_seconds or cron."),
        ({"every_seconds": 60, "cron": "0 3 * * *"}, "schedule: give either every_seconds or cron."),
        ({"every_seconds": 59}, "schedule.every_seconds: should be greater than or equal to 60."),
        ({"every_seconds": 10**9}, "schedule.every_seconds: should be less than or equal to 31622400."),
        ({"cron": "@daily"}, FIVE_PARTS),
        ({"cron": "0 0 3 * * *"}, FIVE_PARTS),
        ({"cron": "0 24 * * *"}, "schedule.cron: this is no cron expression: bad hour."),
        ({"cron": "0 0 30 2 *"}, "schedule.cron: this is no cron expression: bad day-of-month."),
        ({"cron": "0 0 */31 2 MON#5"}, "schedule.cron: its time never comes."),
        ({"weekly": True}, "schedule.weekly is no field of a profile; its schema names those that there are."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_schedule_is_said(written: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Profile.model_validate({"schedule": written})
    assert [sentence(fault) for fault in refused.value.errors()] == [told]


def test_a_time_zone_is_one_of_the_database() -> None:
    for name in ("UTC", MADRID, "America/Argentina/Buenos_Aires", "Asia/Kolkata"):
        assert zone_fault(name) is None
    for name in ("", "Madrid", "CEST+2", "europe/madrid", "../../etc/passwd", "localtime", "/etc/localtime"):
        assert "is no time zone" in str(zone_fault(name)), name


# ---- intervals


def test_an_interval_is_counted_from_the_last_scheduled_start() -> None:
    hourly = Schedule(every_seconds=3600)
    now = at("2026-11-27T10:00")
    assert next_date(hourly, zone=MADRID, after=now, last_start=None) == now
    assert next_date(hourly, zone=MADRID, after=now, last_start=now) == now + timedelta(hours=1)
    assert next_date(hourly, zone=MADRID, after=now, last_start=now - timedelta(minutes=50)) == at("2026-11-27T10:10")
    assert next_date(hourly, zone=MADRID, after=now, last_start=now - timedelta(days=3)) == now


# ---- cron


def test_an_expression_is_read_in_its_time_zone() -> None:
    after = at("2026-11-27T10:00")
    assert dates("0 3 * * *", after, 2) == ["28 03:00+0100", "29 03:00+0100"]
    assert next_date(Schedule(cron="0 3 * * *"), zone=MADRID, after=after, last_start=None) == at("2026-11-28T02:00")
    assert dates("0 3 * * *", after, 1, zone="Asia/Kolkata") == ["28 03:00+0530"]
    assert dates("0 3 * * *", after, 1, zone="UTC") == ["28 03:00+0000"]


def test_the_date_itself_is_not_after_it() -> None:
    assert dates("0 3 * * *", at("2026-11-27T03:00", MADRID), 1) == ["28 03:00+0100"]
    assert dates("0 3 * * *", at("2026-11-27T02:59:59.999999", MADRID), 1) == ["27 03:00+0100"]
    assert dates("0 3 * * *", at("2026-11-27T03:00:00.000001", MADRID), 1) == ["28 03:00+0100"]


def test_a_time_that_spring_leaves_out_comes_with_the_new_hour_and_once() -> None:
    assert dates("30 2 * * *", at("2026-03-27T12:00", MADRID), 3) == ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]


def test_any_minute_and_any_hour_go_by_real_time_in_spring() -> None:
    assert dates("30 * * * *", at("2026-03-29T00:45", MADRID), 3) == ["29 01:30+0100", "29 03:30+0200", "29 04:30+0200"]
    assert dates("*/30 2 * * *", at("2026-03-29T00:00", MADRID), 2) == ["30 02:00+0200", "30 02:30+0200"]


def test_a_time_that_comes_twice_in_autumn_is_meant_once() -> None:
    before = at("2026-10-24T12:00", MADRID)
    assert dates("30 2 * * *", before, 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert dates("0 2,3 * * *", before, 3) == ["25 02:00+0200", "25 03:00+0100", "26 02:00+0100"]


@pytest.mark.parametrize("minute", ["15", "30", "45"])
def test_within_the_hour_that_comes_again_what_has_been_does_not(minute: str) -> None:
    second_time = at(f"2026-10-25T02:{minute}", MADRID, fold=1)
    assert dates("30 2 * * *", second_time, 1) == ["26 02:30+0100"]


def test_any_minute_and_any_hour_go_by_real_time_in_autumn() -> None:
    assert dates("30 * * * *", at("2026-10-25T01:45", MADRID), 3) == ["25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]
    assert dates("*/30 2 * * *", at("2026-10-25T01:45", MADRID), 5) == [
        "25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "26 02:00+0100",
    ]  # fmt: skip


def test_a_leap_day_is_waited_for() -> None:
    found = next_date(Schedule(cron="0 0 29 2 *"), zone="UTC", after=at("2026-11-27T00:00"), last_start=None)
    assert found == at("2028-02-29T00:00")
