"""Is the house in order: settings, database, broker, keys, clocks, workers; each in a sentence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

from worker.commands.desk import Desk
from worker.ledger import health, outage, overview, schema
from worker.ledger.session import NOBODY, as_scheduler, as_tenant
from worker.ledger.vault import KeyMissing
from worker.settings import Settings

OLDEST_POSTGRES = 18
MOST_SKEW_SECONDS = 5.0
"""Leases are reckoned by Postgres's clock alone; a clock further off spoils signatures, schedules and reading logs."""
SHORTEST_LEASE = 5.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Verdict(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what was found."""

    what: str
    verdict: Verdict
    says: str


def look(desk: Desk) -> Iterator[Finding]:
    """Look at everything."""
    yield from _settings(desk.settings)
    database = list(_tried(desk, "database", lambda: _database(desk)))
    yield from database
    is_there = all(one.verdict is not Verdict.BAD for one in database)
    if is_there:
        yield from _tried(desk, "schema", lambda: _schema(desk))
    yield from _tried(desk, "redis", lambda: _redis(desk))
    yield from _tried(desk, "keys", lambda: _keys(desk, look_for_use=is_there))
    if is_there:
        yield from _tried(desk, "workers", lambda: _workers(desk))


def _tried(desk: Desk, what: str, look_at: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What was found; that it could not be looked at is a finding too."""
    try:
        yield from look_at()
    except SQLAlchemyError as trouble:
        yield Finding(what, Verdict.BAD, f"The database {desk.database} does not do it: {outage.reason(trouble)}.")
    except RedisError as trouble:
        yield Finding(what, Verdict.BAD, f"Redis does not answer: {type(trouble).__name__}. Is REDIS_URL right?")
    except KeyMissing as trouble:
        yield Finding(what, Verdict.BAD, f"{trouble}.")


def _settings(chosen: Settings) -> Iterator[Finding]:
    """What no process refuses, and nobody means."""
    told = list(_doubts(chosen))
    yield from (Finding("settings", Verdict.WARNING, says) for says in told)
    if not told:
        yield Finding("settings", Verdict.OK, "The settings can be used, and go together.")


def _doubts(chosen: Settings) -> Iterator[str]:
    if chosen.slice_yield_seconds > chosen.slice_seconds:
        yield "SLICE_YIELD_SECONDS is longer than SLICE_SECONDS: no slice ever yields; make it shorter."
    if chosen.lease_seconds < SHORTEST_LEASE:
        yield f"LEASE_SECONDS is below {SHORTEST_LEASE:.0f}: a busy process may lose its turns; make it longer."
    if chosen.webhook_private:
        yield "WEBHOOK_PRIVATE is on: tenants can reach what stands beside the workers; it is for trials alone."
    for name in ("saleslayer_url", "bigcommerce_url", "public_url"):
        url = urlsplit(getattr(chosen, name))
        if url.scheme != "https" and url.hostname not in LOOPBACK:
            yield f"{name.upper()} is not https: what opens the source, the store or the pages goes there in the open."


def _database(desk: Desk) -> Iterator[Finding]:
    with as_tenant(desk.engine, NOBODY) as session:
        found = health.postgres(session)
    if found.version < OLDEST_POSTGRES:
        yield Finding("database", Verdict.BAD, f"Postgres {found.version} is too old: {OLDEST_POSTGRES} is needed.")
    elif not found.is_bound:
        says = f"DATABASE_URL comes as '{found.role}', for whom row-level security does not hold: it must be service."
        yield Finding("database", Verdict.BAD, says)
    else:
        says = f"Postgres {found.version} at {desk.database} answers, as '{found.role}'."
        yield Finding("database", Verdict.OK, says)
    yield _clock("Postgres", found.now)


def _clock(whose: str, now: float) -> Finding:
    skew = now - time.time()
    if abs(skew) > MOST_SKEW_SECONDS:
        way = "ahead of" if skew > 0 else "behind"
        says = f"The clock of {whose} is {abs(skew):.0f} s {way} this machine's: set both by NTP."
        return Finding("clocks", Verdict.WARNING, says)
    return Finding("clocks", Verdict.OK, f"The clock of {whose} agrees with this machine's.")


def _schema(desk: Desk) -> Iterator[Finding]:
    found, head = schema.found(desk.engine), schema.head()
    if head is None:
        yield Finding("schema", Verdict.WARNING, f"The schema is at {found}; the migrations are not here to compare.")
    elif found != head and not schema.is_too_old(found):
        says = (
            f"The schema is at {found}, newer than the code ({head}): the code of another release is being brought in."
        )
        yield Finding("schema", Verdict.WARNING, says)
    elif found != head:
        says = f"The schema is at {found}, the code asks for {head}: run `alembic upgrade head` as the role owner."
        yield Finding("schema", Verdict.BAD, says)
    else:
        yield Finding("schema", Verdict.OK, f"The schema is at {found}, as the code asks for.")


def _redis(desk: Desk) -> Iterator[Finding]:
    seconds, micros = desk.broker.time()
    try:
        desk.broker.set("doctor", "", px=1000)
        yield Finding("redis", Verdict.OK, "Redis answers.")
    except ResponseError as refusal:
        says = f"Redis answers and takes nothing, so nothing new begins: {refusal}"
        yield Finding("redis", Verdict.BAD, f"{says.rstrip('.')}.")
    yield _clock("Redis", seconds + micros / 1e6)
    try:
        policy = desk.broker.config_get("maxmemory-policy").get("maxmemory-policy")
    except RedisError:
        says = "Redis does not tell its maxmemory-policy: see to it that it is noeviction."
        yield Finding("redis", Verdict.WARNING, says)
        return
    if policy != "noeviction":
        says = f"maxmemory-policy is {policy}: messages may be thrown away in silence; set it to noeviction."
        yield Finding("redis", Verdict.BAD, says)


def _keys(desk: Desk, *, look_for_use: bool) -> Iterator[Finding]:
    first = desk.vault.first
    yield Finding("keys", Verdict.OK, f"The key ring has {len(desk.vault.keys)} keys; '{first}' seals.")
    if not look_for_use:
        return
    used = Counter[str]()
    with as_scheduler(desk.engine) as session:
        tenants = [one.id for one in overview.tenants(session)]
    for tenant_id in tenants:
        with as_tenant(desk.engine, tenant_id) as session:
            used.update(health.keys_in_use(session))
    for key_id in sorted(set(used) - set(desk.vault.keys)):
        says = f"The key '{key_id}' is not in the ring, and {used[key_id]:,} secrets are sealed with it: put it back."
        yield Finding("keys", Verdict.BAD, says)
    older = sum(count for key_id, count in used.items() if key_id != first and key_id in desk.vault.keys)
    if older:
        says = f"{older:,} secrets are sealed with an older key; `connector reseal` seals them anew."
        yield Finding("keys", Verdict.WARNING, says)


def _workers(desk: Desk) -> Iterator[Finding]:
    with as_scheduler(desk.engine) as session:
        found = health.workers(session)
    if not found.processes:
        waits = f", and {found.waiting:,} connectors wait" if found.waiting else ""
        yield Finding("workers", Verdict.BAD, f"No worker process is there{waits}: start one.")
    else:
        yield Finding("workers", Verdict.OK, f"{found.processes:,} worker processes with {found.slots:,} slots.")
    if found.broken:
        says = f"{found.broken:,} turns are broken: `connector ps` shows them, the workers' log says why;"
        says += " `connector requeue` lets them go on."
        yield Finding("workers", Verdict.WARNING, says)
