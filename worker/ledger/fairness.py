"""How fairly the slots were shared: figures out of the log of slices (docs/fairness.md).

`history` reads what was and is, as scheduler; `reckon` makes the figures of it once the transaction is over, which may
hold the scheduler's connection for no longer than it takes to read. Times are seconds on the clock of Postgres. A
connector *waits* from the moment at which its turn became ready, and its neighbours did not rest, until a slice of it
begins; so also while it is at the door, while another slice has its store, or while its tenant's plan holds it back.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.ledger.processes import IS_THERE
from worker.ledger.session import Session
from worker.ledger.statement import text

LONGEST_WINDOW = 86_400.0
"""No more than a day is reckoned at once, seconds."""
GAP_SECONDS = 1.0
"""Between the end of a slice and its turn being ready again lie two transactions: that is no pause in the backlog."""
WAITED_SHARE = 0.1
"""Who has waited for less than this share of the window has had about all that it could use."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that was, is, or is waited for; `started` None = it waits still, `ended` None = it is not over."""

    tenant_id: int
    connector_id: int
    store: str
    ready: float | None
    started: float | None
    ended: float | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """So many slots, there from one moment until another."""

    count: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant with its weight and its plan's limit."""

    id: int
    name: str
    weight: float
    max_slots: int | None


@dataclass(frozen=True, slots=True)
class History:
    """What was from `since` until `now`, and how many turns are in each state."""

    slices: Sequence[Slice]
    slots: Sequence[Slots]
    tenants: Sequence[Tenant]
    turns: Mapping[str, int]
    since: float
    now: float


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that the slices begun in the window had waited; None where none began."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class TenantFigures:
    """What one tenant had of the slots."""

    tenant: str
    weight: float
    slices: int
    """Slices that began in the window."""
    slot_seconds: float
    share: float
    """Of all slot-seconds that were held."""
    longest_wait: float
    backlogged: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """How the slots were shared in a window that ends now."""

    window: float
    slots: int
    """Slots that there are now."""
    utilisation: float | None
    """Slot-seconds held, of those that there were; None where no worker process was there."""
    idle_while_ready: float
    """Seconds in which a slot was free while a connector waited that could have had it."""
    jain: float | None
    """By weight, among the tenants backlogged throughout; None where fewer than two were."""
    waits: Waits
    longest_wait: float
    """Of the slices begun in the window and of the connectors that wait now."""
    longest_wait_now: float
    """Of the connectors that wait now."""
    queue_age: float
    """Of those that a free slot would help: neither their store nor their tenant's plan keeps them waiting."""
    turns: Mapping[str, int]
    endings: Mapping[str, int]
    tenants: Sequence[TenantFigures]


def jain(shares: Iterable[float]) -> float:
    """Jain's index of fairness: 1 where all shares are equal, 1/n where one of n has all; 1 where nobody has anything.

    Shares are not negative; of tenants, they are slot-seconds divided by the weight.
    """
    all_ = list(shares)
    greatest = max(all_, default=0.0)
    if not greatest:
        return 1.0
    # Of the greatest, so that no square is beyond what a float holds.
    parts = [share / greatest for share in all_]
    return sum(parts) ** 2 / (len(parts) * sum(part * part for part in parts))


def quantile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that is not exceeded by this share of all; None of none."""
    in_order = sorted(values)
    return in_order[max(0, math.ceil(share * len(in_order)) - 1)] if in_order else None


def reckon(history: History) -> Figures:
    """The figures of what was."""
    slices, slots, tenants, since, now = history.slices, history.slots, history.tenants, history.since, history.now
    of_tenant: dict[int, list[Slice]] = defaultdict(list)
    for one in slices:
        of_tenant[one.tenant_id].append(one)
    held = {who: sum(_held(one, since, now) for one in theirs) for who, theirs in of_tenant.items()}
    in_all = sum(held.values())
    backlogged = {who for who, theirs in of_tenant.items() if _is_backlogged(theirs, since, now)}
    weights = {one.id: one.weight for one in tenants}
    there_were = sum(max(0.0, min(one.end, now) - max(one.begin, since)) * one.count for one in slots)
    begun = [one for one in slices if one.started is not None and since <= one.started <= now]
    waits = [one.started - one.ready for one in begun if one.started is not None and one.ready is not None]
    return Figures(
        window=now - since,
        slots=sum(one.count for one in slots if one.end >= now),
        # A worker that was killed is not there any more, though the leases of its slices still run.
        utilisation=min(1.0, in_all / there_were) if there_were else None,
        idle_while_ready=_idle_while_ready(slices, slots, {one.id: one.max_slots for one in tenants}, since, now),
        jain=jain(held[who] / weights[who] for who in backlogged) if len(backlogged) > 1 else None,
        waits=Waits(len(waits), *(quantile(waits, share) for share in (0.5, 0.95, 0.99))),
        longest_wait=max((_waited(one, since, now) for one in slices), default=0.0),
        longest_wait_now=max((_waited(one, since, now) for one in slices if one.started is None), default=0.0),
        queue_age=_queue_age(slices, {one.id: one.max_slots for one in tenants}, now),
        turns=history.turns,
        endings=dict(
            Counter(
                one.why for one in slices if one.why is not None and one.ended is not None and since <= one.ended <= now
            )
        ),
        tenants=[
            TenantFigures(
                one.name,
                one.weight,
                sum(each.tenant_id == one.id for each in begun),
                held[one.id],
                held[one.id] / in_all if in_all else 0.0,
                max(_waited(each, since, now) for each in of_tenant[one.id]),
                one.id in backlogged,
            )
            for one in tenants
            if one.id in of_tenant
        ],
    )


def _held(one: Slice, since: float, now: float) -> float:
    """Slot-seconds of the slice within the window."""
    if one.started is None:
        return 0.0
    return max(0.0, min(now if one.ended is None else one.ended, now) - max(one.started, since))


def _waited(one: Slice, since: float, now: float) -> float:
    """Seconds that it waited in all, where it began within the window or waits still."""
    if one.ready is None or (one.started is not None and one.started < since):
        return 0.0
    return max(0.0, (now if one.started is None else one.started) - one.ready)


def _queue_age(slices: Sequence[Slice], limits: Mapping[int, int | None], now: float) -> float:
    """Longest wait now for nothing but a slot: since the last slice of the same store ended, where that was later.

    What a tenant's plan keeps waiting has waited for a slot since the tenant's last slice ended.
    """
    stores, of_tenant = Counter[str](), Counter[int]()
    store_free: dict[str, float] = {}
    plan_free: dict[int, float] = {}
    for one in slices:
        if one.started is None:
            continue
        if one.ended is None:
            stores[one.store] += 1
            of_tenant[one.tenant_id] += 1
        else:
            store_free[one.store] = max(one.ended, store_free.get(one.store, one.ended))
            plan_free[one.tenant_id] = max(one.ended, plan_free.get(one.tenant_id, one.ended))
    oldest = now
    for one in slices:
        limit = limits.get(one.tenant_id)
        if one.started is not None or one.ready is None or stores[one.store]:
            continue
        if limit is not None and of_tenant[one.tenant_id] >= limit:
            continue
        since = max(one.ready, store_free.get(one.store, one.ready))
        oldest = min(oldest, since if limit is None else max(since, plan_free.get(one.tenant_id, since)))
    return now - oldest


def _is_backlogged(slices: Iterable[Slice], since: float, now: float) -> bool:
    """Whether one of the tenant's connectors waited or had a slot at every moment, and they waited long enough."""
    there, waited = since, 0.0
    for one in sorted(slices, key=lambda one: _came(one, since)):
        if _came(one, since) > there + GAP_SECONDS:
            return False
        there = max(there, now if one.ended is None else one.ended)
        if one.ready is not None:
            waited += max(0.0, min(now if one.started is None else one.started, now) - max(one.ready, since))
    return there >= now - GAP_SECONDS and waited >= WAITED_SHARE * (now - since)


def _came(one: Slice, since: float) -> float:
    came = one.ready if one.ready is not None else one.started
    return since if came is None else came


def _idle_while_ready(
    slices: Sequence[Slice], slots: Sequence[Slots], limits: Mapping[int, int | None], since: float, now: float
) -> float:
    """Seconds in which a slot was free while a connector waited whose store and whose tenant's plan let it pass."""
    free, idle, before = 0, 0.0, since
    waiting: dict[int, Slice] = {}
    stores, of_tenant = Counter[str](), Counter[int]()
    for at, change, one in _changes(slices, slots):
        until = min(max(at, since), now)
        if until > before:
            if free > 0 and any(
                not stores[each.store] and of_tenant[each.tenant_id] < (limits.get(each.tenant_id) or math.inf)
                for each in waiting.values()
            ):
                idle += until - before
            before = until
        if isinstance(one, Slots):
            free += change * one.count
        elif change == 0:
            waiting[one.connector_id] = one
        else:
            free -= change
            stores[one.store] += change
            of_tenant[one.tenant_id] += change
            if change > 0:
                waiting.pop(one.connector_id, None)
    return idle


def _changes(slices: Iterable[Slice], slots: Iterable[Slots]) -> Iterator[tuple[float, int, Slice | Slots]]:
    """(when, what, of which) in order: -1 a slice or slots end, 0 a connector waits, 1 a slice or slots begin.

    What is not over ends with the end of all: the last change comes after every window.
    """
    changes: list[tuple[float, int, Slice | Slots]] = []
    for one in slices:
        if one.ready is not None:
            changes.append((one.ready, 0, one))
        if one.started is not None:
            changes += [(one.started, 1, one), (math.inf if one.ended is None else one.ended, -1, one)]
    for each in slots:
        changes += [(each.begin, 1, each), (each.end, -1, each)]
    yield from sorted(changes, key=lambda change: change[:2])
    yield math.inf, 1, Slots(0, math.inf, math.inf)


def history(session: Session, *, window: float) -> History:
    """What was in the last so many seconds, a day at most; as scheduler."""
    now = float(session.scalar(text("SELECT extract(epoch FROM now())::float8")) or 0.0)
    since = now - min(window, LONGEST_WINDOW)
    return History(
        [Slice(*row) for row in session.execute(_SLICES, {"since": since})],
        [Slots(*row) for row in session.execute(_SLOTS, {"since": since})],
        [Tenant(*row) for row in session.execute(_TENANTS)],
        {row.state: row.turns for row in session.execute(_TURNS)},
        since=since,
        now=now,
    )


_SLICES = text("""
    SELECT l.tenant_id, l.connector_id, u.store_hash, extract(epoch FROM l.ready_at)::float8,
      extract(epoch FROM l.started_at)::float8, extract(epoch FROM l.ended_at)::float8, l.ended_why
    FROM slice_log l JOIN turn u USING (connector_id)
    WHERE l.ended_at >= to_timestamp(:since) OR (l.ended_at IS NULL AND u.epoch = l.epoch AND u.state = 'running')
    UNION ALL
    SELECT u.tenant_id, u.connector_id, u.store_hash,
      extract(epoch FROM greatest(u.ready_at, before.ended_at, s.not_before, u.source_not_before))::float8,
      NULL, NULL, NULL
    FROM turn u LEFT JOIN store_turn s USING (store_hash) LEFT JOIN LATERAL (
      SELECT ended_at FROM slice_log l WHERE u.attempts > 0 AND l.connector_id = u.connector_id
      ORDER BY epoch DESC LIMIT 1) before ON true
    WHERE u.state IN ('ready', 'dispatched')
""")
_SLOTS = text(f"""
    SELECT slots, extract(epoch FROM started_at)::float8,
      CASE WHEN {IS_THERE} THEN 'infinity'
      ELSE extract(epoch FROM coalesce(ended_at, seen_at))::float8 END
    FROM worker_process WHERE coalesce(ended_at, seen_at) >= to_timestamp(:since)
""")  # noqa: S608 constants
_TURNS = text("SELECT state, count(*) AS turns FROM turn GROUP BY state")
_TENANTS = text("SELECT tenant_id, name, weight, max_slots FROM tenant_turn ORDER BY name")
