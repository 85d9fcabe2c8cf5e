"""When a connector is due by its profile: at its next check, or at the next date of its schedule.

The next date is kept with the connector. It lies in the past once it has come, and whichever run begins then serves it:
so a date that passes while a run goes on becomes exactly one follow-up, and many of them no more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from worker.catalog.profile import Profile, Schedule
from worker.errors import ProfileUnusable
from worker.ledger import asked, connectors, runs, schedules
from worker.ledger.connectors import Connector
from worker.ledger.runs import Run
from worker.ledger.schedules import Standing
from worker.ledger.session import Session
from worker.rules.schedule import next_date

AFTER_TROUBLE_SECONDS = 3600.0
"""How long a connector rests whose run was stopped by trouble that somebody has to mend."""


def begin_what_is_due(session: Session, connector: Connector) -> Run | None:
    """A run of a connector that has none to go on with; None: the date of the schedule is still to come."""
    if connector.profile.schedule is None:
        return runs.load(session, runs.begin_check(session, connector.tenant_id, connector.id))
    at = schedules.standing(session, connector.id)
    if _date(session, connector, connector.profile.schedule, at) > at.now:
        return None
    return runs.load(session, runs.begin_scheduled(session, connector.tenant_id, connector.id))


def serve(session: Session, connector: Connector) -> None:
    """A run begins: it serves the date that has come, if one has, and all those that have passed with it."""
    schedule = connector.profile.schedule
    if schedule is None:
        return
    at = schedules.standing(session, connector.id)
    if at.next_date is None or at.next_date <= at.now:
        # What a schedule asks for begins now, whoever else has asked for it.
        date = next_date(schedule, zone=at.time_zone, after=at.now, last_start=at.now)
        schedules.keep_date(session, connector.id, date)


def until_next(
    session: Session, connector: Connector, *, spread: Callable[[float], float] = lambda seconds: seconds
) -> float | None:
    """Seconds until the connector is due, where no run waits; None = at once. Checks are `spread`, dates are not."""
    if connector.profile.schedule is None:
        return spread(float(connector.profile.check_every_seconds))
    at = schedules.standing(session, connector.id)
    seconds = (_date(session, connector, connector.profile.schedule, at) - at.now).total_seconds()
    return seconds if seconds > 0 else None


def _date(session: Session, connector: Connector, schedule: Schedule, at: Standing) -> datetime:
    """The next date, reckoned and kept where it was not yet."""
    if at.next_date is not None:
        return at.next_date
    date = next_date(schedule, zone=at.time_zone, after=at.now, last_start=at.last_start)
    schedules.keep_date(session, connector.id, date)
    return date


def change_profile(session: Session, connector_id: int, profile: Profile) -> None:
    """Keep a new profile; where its schedule is another one, what waits for the old date waits for the new one.

    First in its transaction, or at least before other rows of the connector: it holds the turn.
    """
    asked.hold(session, connector_id)
    before = schedules.schedule_of(session, connector_id)
    connectors.change_profile(session, connector_id, profile)
    if before != profile.model_dump(mode="json")["schedule"]:
        _redate(session, connector_id, profile)


def _redate(session: Session, connector_id: int, profile: Profile) -> None:
    at = schedules.standing(session, connector_id)
    if profile.schedule is None:
        date = at.now + timedelta(seconds=profile.check_every_seconds)
        schedules.keep_date(session, connector_id, None)
    else:
        date = next_date(profile.schedule, zone=at.time_zone, after=at.now, last_start=at.last_start)
        schedules.keep_date(session, connector_id, date)
        if schedules.drop_waiting_check(session, connector_id, until=date):
            return
    schedules.park_until(session, connector_id, date, rest=AFTER_TROUBLE_SECONDS)


def change_time_zone(session: Session, tenant_id: int, zone: str) -> None:
    """Read the tenant's cron expressions in this zone; a date that has come already is served all the same."""
    # In one order, and the turns before all else: nobody waits in a circle.
    concerned = list(schedules.with_cron(session))
    for connector_id in concerned:
        asked.hold(session, connector_id)
    schedules.set_time_zone(session, tenant_id, zone)
    for connector_id in concerned:
        at = schedules.standing(session, connector_id)
        if at.next_date is not None and at.next_date <= at.now:
            continue
        with suppress(ProfileUnusable):  # its next slice says so
            connector = connectors.load(session, connector_id)
            if connector is not None:
                _redate(session, connector_id, connector.profile)
