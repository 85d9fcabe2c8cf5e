"""Next dates lie ahead, come in order, and do not depend on how often they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from worker.catalog.profile import Schedule
from worker.rules.schedule import next_date

ZONES = st.sampled_from(
    ["UTC", "Europe/Madrid", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
     "Africa/Casablanca", "Pacific/Apia"]
)  # fmt: skip
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 it gets one
NEAR_A_CHANGE = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC),
                     datetime(2026, 3, 8, 4, tzinfo=UTC), datetime(2026, 11, 1, 3, tzinfo=UTC)]),
    st.floats(0, 600),
)  # fmt: skip


def part(lowest: int, highest: int) -> st.SearchStrategy[str]:
    numbers = st.integers(lowest, highest).map(str)
    return st.one_of(
        st.just("*"),
        numbers,
        st.lists(numbers, min_size=1, max_size=3).map(",".join),
        st.integers(1, 30).map(lambda step: f"*/{step}"),
        st.tuples(st.integers(lowest, highest), st.integers(lowest, highest)).map(
            lambda ends: f"{min(ends)}-{max(ends)}"
        ),
    )


CRONS = st.tuples(part(0, 59), part(0, 23), st.one_of(st.just("*"), part(1, 28)), st.just("*"), part(0, 7)).map(
    " ".join
)


@given(CRONS, ZONES, st.one_of(MOMENTS, NEAR_A_CHANGE), st.floats(0, 1))
def test_the_next_date_lies_ahead_and_stays_the_next_until_it_has_come(
    cron: str, zone: str, after: datetime, share: float
) -> None:
    schedule = Schedule(cron=cron)
    found = next_date(schedule, zone=zone, after=after, last_start=None)
    assert found > after
    assert (found.second, found.microsecond) == (0, 0)
    later = after + (found - after) * share
    if later < found:
        assert next_date(schedule, zone=zone, after=later, last_start=None) == found
    assert next_date(schedule, zone=zone, after=found, last_start=None) > found


@given(st.integers(0, 59), st.integers(0, 23), ZONES, MOMENTS)
def test_a_daily_time_comes_once_a_day(minute: int, hour: int, zone: str, after: datetime) -> None:
    schedule = Schedule(cron=f"{minute} {hour} * * *")
    days = []
    for _ in range(5):
        after = next_date(schedule, zone=zone, after=after, last_start=None)
        days.append(after.astimezone(ZoneInfo(zone)).date())
    assert days == [days[0] + timedelta(days=n) for n in range(5)]


@given(st.text("0123456789*/,-#LWMONTUEJAN? \t", max_size=30))
def test_whatever_is_written_is_a_schedule_or_is_refused_in_a_sentence(written: str) -> None:
    try:
        schedule = Schedule(cron=written)
    except ValidationError as refused:
        faults = {fault["type"] for fault in refused.errors()}
    else:
        now = datetime(2026, 11, 27, tzinfo=UTC)
        assert next_date(schedule, zone="Europe/Madrid", after=now, last_start=None) > now
        faults = {"value_error"}
    assert faults == {"value_error"}


@given(st.integers(60, 10**7), MOMENTS, st.one_of(st.none(), st.integers(0, 10**8)))
def test_an_interval_is_never_shorter_and_never_behind(every: int, now: datetime, ago: int | None) -> None:
    last = None if ago is None else now - timedelta(seconds=ago)
    found = next_date(Schedule(every_seconds=every), zone="UTC", after=now, last_start=last)
    assert found >= now
    if last is not None:
        assert found >= last + timedelta(seconds=every)
        assert found == max(now, last + timedelta(seconds=every))
