"""When a connector's schedule asks for its next run.

Cron expressions are read in the tenant's time zone, and the change of clocks is dealt with as Debian's cron does it:

| the expression says                  | a time that is left out in spring | a time that comes twice in autumn |
| ------------------------------------ | --------------------------------- | --------------------------------- |
| hour and minute (`30 2 * * *`)       | the first moment after the gap    | the first time only               |
| any hour, or any minute (`*/30 * ...`) | there is none                   | both                              |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim

from worker.catalog.profile import Schedule

_OF_THE_MACHINE = {"localtime", "posixrules", "Factory"}
"""What each machine may have otherwise."""


def next_date(schedule: Schedule, *, zone: str, after: datetime, last_start: datetime | None) -> datetime:
    """The next date after this moment, in UTC.

    An interval is counted from the last scheduled start: it is `after` itself where that is long ago, or never was.
    """
    if schedule.every_seconds is not None:
        if last_start is None:
            return after
        return max(after, last_start + timedelta(seconds=schedule.every_seconds))
    assert schedule.cron is not None
    dates = CronSim(schedule.cron, after.astimezone(ZoneInfo(zone)))
    # In the hour that comes twice, what is told of its first time may lie behind us already.
    return next(date for date in (one.astimezone(UTC) for one in dates) if date > after)


def zone_fault(name: str) -> str | None:
    """Why this is no time zone, in a sentence; None = it is one."""
    if name in available_timezones() - _OF_THE_MACHINE:
        return None
    return f"'{name}' is no time zone; write it as Europe/Madrid or UTC (the names of the IANA database)"
