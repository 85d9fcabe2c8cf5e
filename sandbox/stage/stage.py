"""Slices played in this process, against simulated neighbours.

What the workers do over Celery happens here one slice after the other:
claim, walk, release, dispatch. Where a slice ends, and where the worker
dies, is for the caller to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import redis
from sqlalchemy import Engine, text

from sandbox.bigcommerce.core import Sandbox as Stores
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.saleslayer.sandbox import Sandbox as Sources
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from worker.bigcommerce import quota
from worker.catalog.profile import Profile
from worker.ledger import connectors, lapsed, runs, turns
from worker.ledger.session import Session, as_scheduler, as_tenant, engine
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.process import Process
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import run_slice

KEY_RING = "stage:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""A key ring for the sandbox alone."""
TOKEN = "sandbox-access-token"  # noqa: S105 opens nothing but the sandbox
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 idem


class Died(BaseException):
    """The worker was killed here: nothing after this point happens."""


@dataclass(frozen=True, slots=True)
class Cast:
    """A connector on the stage."""

    tenant_id: int
    connector_id: int
    code: str
    store_hash: str


def seat(
    engine: Engine,
    vault: Vault,
    *,
    tenant: str,
    name: str,
    code: str,
    store_hash: str,
    profile: Mapping[str, Any],
    weight: float = 1,
) -> Cast:
    """The tenant, made where there is none, with a new connector between this source and this store."""
    with as_scheduler(engine) as session:
        tenant_id = connectors.find_tenant(session, tenant)
    if tenant_id is None:
        with Session(engine) as session:
            tenant_id = connectors.next_tenant_id(session)
        with as_tenant(engine, tenant_id) as session:
            connectors.add_tenant(session, tenant_id, name=tenant, weight=weight, max_slots=None)
    with as_tenant(engine, tenant_id) as session:
        connector_id = connectors.add(
            session,
            tenant_id,
            name=name,
            store_hash=store_hash,
            profile=Profile.model_validate(dict(profile)),
            first_check_in=1e6,
        )
        secrets = {"source_code": code, "source_secret": SECRET, "store_token": TOKEN}
        connectors.keep_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id, secrets=secrets)
    return Cast(tenant_id, connector_id, code, store_hash)


@dataclass(slots=True)
class Stage:
    """One service with its neighbours; `settings` may carry short slices and leases."""

    settings: Settings
    sources: Sources = field(default_factory=Sources)
    stores: Stores = field(default_factory=lambda: Stores(plan="Enterprise"))
    wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda transport: transport
    """Put around both neighbours' transports, e.g. to count calls or to die at one."""
    haste: float = 1.0
    """How many times faster than life back-offs and pauses pass (not the neighbours' own windows)."""
    engine: Engine = field(init=False)
    vault: Vault = field(init=False)
    broker: redis.Redis = field(init=False)
    messages: list[Dispatched] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Whoever plays it may stand still, as in a debugger or on a busy machine.
        self.engine = engine(self.settings.database_url, longest_mutex=60.0)
        self.vault = Vault.from_ring(self.settings.credential_keys.get_secret_value())
        self.broker = quota.connect(self.settings.redis_url)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        self.broker.close()

    def connect(
        self,
        tenant: str,
        catalogue: Mapping[str, Any],
        *,
        name: str = "main",
        profile: Mapping[str, Any] | None = None,
        store_hash: str | None = None,
        storefronts: int = 1,
        store: Mapping[str, Any] | None = None,
        weight: float = 1,
    ) -> Cast:
        """A tenant (made where there is none) with a connector between a source and a store."""
        code, hash_ = f"CN-{tenant}-{name}", store_hash or f"{tenant}{name}".replace("-", "")
        self.sources.put_connector(code, secret=SECRET, catalogue=dict(catalogue))
        channels = [{"id": number, "name": f"Storefront {number}"} for number in range(1, storefronts + 1)]
        self.stores.open(hash_, token=TOKEN, **({"channels": channels} | dict(store or {})))
        return seat(
            self.engine,
            self.vault,
            tenant=tenant,
            name=name,
            code=code,
            store_hash=hash_,
            profile=dict(profile or {}),
            weight=weight,
        )

    def request(self, cast: Cast, *, refresh: bool = False) -> int:
        """Request a run and wake the connector; the run's id."""
        with as_tenant(self.engine, cast.tenant_id) as session:
            run_id = runs.request(session, cast.tenant_id, cast.connector_id, refresh=refresh)
        dispatch.wake(self.engine, self.settings, self.messages.append, cast.connector_id)
        return run_id

    def check(self, cast: Cast) -> None:
        """A scheduled check is due now."""
        dispatch.wake(self.engine, self.settings, self.messages.append, cast.connector_id)

    def play_one(self) -> str | None:
        """The next slice; why it ended, "died", or None where no message waits."""
        if not self.messages:
            return None
        one = self.messages.pop(0)
        source, store = self.wrap(SourceTransport(self.sources)), self.wrap(StoreTransport(self.stores))
        here = Process(
            self.settings,
            self.engine,
            meet(
                self.settings,
                self.vault,
                self.broker,
                source_transport=source,
                store_transport=store,
                sleep=lambda seconds: time.sleep(seconds / self.haste),
                clock=(lambda: time.time() * self.haste) if self.haste > 1 else None,
            ),
        )
        try:
            ending = run_slice(
                here, one.tenant_id, one.connector_id, one.epoch, worker="stage", publish=self.messages.append
            )
            return ending.partition(",")[0]
        except Died:
            return "died"

    def play(self, *, most: int = 2000) -> list[str]:
        """Play until nothing is on its way and nothing is due within a minute; how each slice ended.

        A worker that died leaves its lease to run out, and parked turns come at their time: the stage
        does not wait for either, it lets the clock jump.
        """
        endings: list[str] = []
        while len(endings) < most:
            ending = self.play_one()
            if ending is None:
                if not self.let_time_pass():
                    return endings
            else:
                endings.append(ending)
        raise AssertionError(f"still not idle after {most} slices: {endings[-10:]}")

    def let_time_pass(self) -> bool:
        """Expire what is running or dispatched, and wake what is parked for a short while; who rests has rested."""
        with as_scheduler(self.engine) as session:
            session.execute(
                text("UPDATE turn SET deadline = now() - interval '1 s' WHERE state IN ('running', 'dispatched')")
            )
            session.execute(
                text(
                    "UPDATE turn u SET not_before = now() FROM store_turn s WHERE s.store_hash = u.store_hash"
                    " AND state = 'parked' AND u.not_before < greatest(now() + interval '100 seconds',"
                    " s.not_before + interval '1 second', u.source_not_before + interval '1 second')"
                )
            )
            session.execute(text("UPDATE turn SET source_not_before = now() WHERE source_not_before > now()"))
            session.execute(text("UPDATE store_turn SET not_before = now() WHERE not_before > now()"))
            lost, due = lapsed.sweep(
                session,
                quantum=self.settings.slice_yield_seconds,
                ttl=self.settings.dispatch_seconds,
                queue_is_empty=True,
            )
            passed = turns.dispatch(session, door=self.settings.door_size, ttl=self.settings.dispatch_seconds)
        self.messages += passed
        return bool(lost or due or passed)
