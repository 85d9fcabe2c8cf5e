"""Who runs, who waits and why, and which worker processes are there: the operator's glance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from redis.exceptions import RedisError

from models.vocabulary import Waiting
from worker.bigcommerce.quota import Level, Quota
from worker.commands.desk import Desk
from worker.ledger import in_flight, processes, queue, turns
from worker.ledger.in_flight import Running, RunNow, Waits
from worker.ledger.processes import ProcessLine
from worker.ledger.queue import Standing
from worker.ledger.session import as_scheduler, as_tenant


class Bound(StrEnum):
    """What keeps a slice from being done sooner."""

    LEASE_OVER = "lease_over"
    """Its worker has not been heard of for a lease: the next look of any worker gives the turn to another."""
    QUOTA = "quota"
    """The store allows no call in this window."""
    TURN = "turn"
    """Somebody poorer waits: it gives its worker back when it has had its quantum."""
    SOURCE = "source"
    """It waits for what the source answers."""
    STORE = "store"
    """It waits for what the store answers, at the pace that the quota allows."""
    WORK = "work"
    """Its own work: it compares and plans."""


_AT_THE_STORE = frozenset({"read_store", "send", "recount"})
_AT_THE_SOURCE = frozenset({"read_source"})


@dataclass(frozen=True, slots=True)
class AtWork:
    """A slice under way, with the run that it is at."""

    slice: Running
    run: RunNow | None
    beat: float
    """Seconds since its last heartbeat."""
    bound: Bound
    quota: Level | None
    """None where nothing is known of the store's quota, or Redis is away."""


@dataclass(frozen=True, slots=True)
class InLine:
    """A turn that waits, and why."""

    turn: Waits
    run: RunNow | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Glance:
    """All at a glance."""

    running: tuple[AtWork, ...]
    waiting: tuple[InLine, ...]
    more: int
    """So many wait besides."""
    idle: int
    """Connectors that have nothing to do before their next check or date, or until somebody acts."""
    workers: tuple[ProcessLine, ...]


def look(desk: Desk, *, tenant_id: int | None = None, with_idle: bool = False, limit: int) -> Glance:
    """Look at everything, or at one tenant; so many that wait, the idle ones among them or not."""
    with as_scheduler(desk.engine) as session:
        running = in_flight.running(session, tenant_id=tenant_id)
        waits = in_flight.waiting(session, tenant_id=tenant_id, with_idle=with_idle, limit=limit)
        waiting, idle = in_flight.how_many(session, tenant_id=tenant_id)
        workers = processes.lines(session)
    runs, holds = _in_their_names(desk, [*running, *waits])
    quotas = _quotas(desk, {one.store_hash for one in running})
    return Glance(
        tuple(_at_work(desk, one, runs.get(one.connector_id), quotas.get(one.store_hash)) for one in running),
        tuple(_in_line(desk, waits, runs, holds)),
        max(0, waiting + (idle if with_idle else 0) - len(waits)),
        idle,
        tuple(workers),
    )


def _in_their_names(
    desk: Desk, turns_of: Iterable[Running | Waits]
) -> tuple[dict[int, RunNow], dict[int, Waiting | None]]:
    """What the tenants' own rows say: the runs of these connectors, and what keeps each from any turn."""
    runs: dict[int, RunNow] = {}
    holds: dict[int, Waiting | None] = {}
    for tenant_id, of_tenant in groupby(sorted(turns_of, key=_tenant), _tenant):
        with as_tenant(desk.engine, tenant_id) as session:
            ids = [one.connector_id for one in of_tenant]
            runs |= in_flight.runs_of(session, ids)
            holds |= {one: queue.hold(session, one) for one in ids}
    return runs, holds


def _tenant(one: Running | Waits) -> int:
    return one.tenant_id


def _at_work(desk: Desk, one: Running, run: RunNow | None, quota: Level | None) -> AtWork:
    with as_scheduler(desk.engine) as session:
        is_wanted = turns.is_wanted(
            session,
            one.connector_id,
            one.epoch,
            quantum=desk.settings.slice_yield_seconds,
            ttl=desk.settings.dispatch_seconds,
        )
    step = None if run is None else run.step
    beat = max(0.0, desk.settings.lease_seconds - one.lease_left)
    return AtWork(one, run, beat, _bound(one, step, quota, is_wanted=is_wanted), quota)


def _bound(one: Running, step: str | None, quota: Level | None, *, is_wanted: bool) -> Bound:
    if one.lease_left <= 0:
        return Bound.LEASE_OVER
    if quota is not None and quota.left <= 0 and step in _AT_THE_STORE:
        return Bound.QUOTA
    if is_wanted:
        return Bound.TURN
    if step in _AT_THE_SOURCE:
        return Bound.SOURCE
    return Bound.STORE if step in _AT_THE_STORE else Bound.WORK


def _in_line(
    desk: Desk, waits: Iterable[Waits], runs: Mapping[int, RunNow], holds: Mapping[int, Waiting | None]
) -> Iterable[InLine]:
    with as_scheduler(desk.engine) as session:
        for one in waits:
            found = queue.standing(session, one.connector_id, longest=desk.settings.slice_yield_seconds)
            if found is not None:
                yield InLine(one, runs.get(one.connector_id), queue.told(found, holds.get(one.connector_id)))


def _quotas(desk: Desk, stores: Iterable[str]) -> dict[str, Level]:
    """Store -> what is left of its quota, as all workers know it; nothing where Redis is away."""
    found: dict[str, Level] = {}
    with suppress(RedisError):
        desk.broker.ping()
        for store in stores:
            level = Quota(desk.broker, store_hash=store).level()
            if level is not None:
                found[store] = level
    return found
