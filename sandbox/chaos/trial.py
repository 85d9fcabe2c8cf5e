"""The whole service on trial: servers, neighbours, workers, and tenants who go on trading."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from models.vocabulary import ENDED
from sandbox.chaos.ground import Ground
from sandbox.chaos.platform import Platform
from sandbox.chaos.trader import Trader
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

SECONDS_BETWEEN_TRADES = 2.0
SECONDS_TO_BECOME_IDLE = 120.0
ATTEMPTS = 8
"""To ask for a run, each of which ends after the five seconds for which a statement waits for a lock."""


@dataclass(slots=True)
class Trial:
    """Everything that a fault can be done to."""

    ground: Ground
    settings: Settings
    engine: Engine
    platform: Platform
    traders: list[Trader]
    chance: random.Random
    tell: Callable[[str], None]
    may_trade: bool = True
    """False while the database or the broker is away: who asks for a run then is refused, and is no part of this."""
    _traded: float = field(default_factory=time.monotonic)

    @property
    def lease(self) -> float:
        """Seconds of the workers' leases, as they are now."""
        return float(self.platform.environment["LEASE_SECONDS"])

    def broker(self) -> redis.Redis:
        """A connection of one's own to the broker."""
        return redis.Redis.from_url(self.ground.redis.url, socket_timeout=5)

    def live(self, seconds: float) -> None:
        """Let so much time pass: workers are tended, tenants edit and ask for runs."""
        give_up_at = time.monotonic() + seconds
        while (left := give_up_at - time.monotonic()) > 0:
            if self.may_trade and time.monotonic() - self._traded > SECONDS_BETWEEN_TRADES:
                self.trade()
            self.platform.wait(min(left, 0.2))

    def trade(self) -> None:
        """Half of the tenants edit their catalogues and ask for a run."""
        self._traded = time.monotonic()
        for trader in self.chance.sample(self.traders, len(self.traders) // 2):
            if self._has_run_once(trader):
                trader.trade(self.ground.neighbours)
                self.request(trader)

    def request(self, trader: Trader) -> None:
        """A run for the next turn of this one; a frozen worker may hold its rows for as long as its lease."""
        cast = trader.cast
        for _ in range(ATTEMPTS):
            with suppress(OperationalError):
                with as_tenant(self.engine, cast.tenant_id) as session:
                    runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
                dispatch.wake(self.engine, self.settings, publish, cast.connector_id)
                return
            self.platform.tend()

    def trouble_stores(self, *faults: dict[str, object]) -> None:
        """These faults in every store from now on; none puts everything right."""
        for trader in self.traders:
            self.ground.neighbours.trouble_store(trader.cast.store_hash, faults)

    def trouble_sources(self, *faults: dict[str, object]) -> None:
        """These faults in every source from now on; none puts everything right."""
        for trader in self.traders:
            self.ground.neighbours.trouble_source(trader.cast.code, faults)

    def until_idle(self, seconds: float = SECONDS_TO_BECOME_IDLE) -> bool:
        """Tend the workers until no connector has anything to do; False where that took too long."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            if self._is_idle():
                return True
            self.platform.wait(0.3)
        return False

    def until_all_have_run(self, seconds: float) -> bool:
        """Tend the workers until each tenant's first run has ended; False where that took too long."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            if all(self._has_run_once(trader) for trader in self.traders):
                return True
            self.platform.wait(0.3)
        return False

    def _has_run_once(self, trader: Trader) -> bool:
        with as_tenant(self.engine, trader.cast.tenant_id) as session:
            return bool(session.scalar(text("SELECT count(*) FROM run WHERE ended_at IS NOT NULL")))

    def _is_idle(self) -> bool:
        with as_scheduler(self.engine) as session:
            busy = session.scalar(
                text(
                    "SELECT count(*) FROM turn WHERE state IN ('ready', 'dispatched', 'running')"
                    " OR (state = 'parked' AND not_before < now() + interval '100 s')"
                )
            )
        if busy:
            return False
        for trader in self.traders:
            with as_tenant(self.engine, trader.cast.tenant_id) as session:
                under_way = session.scalar(
                    text("SELECT count(*) FROM run WHERE NOT (state = ANY(:ended))"), {"ended": list(ENDED)}
                )
            if under_way:
                return False
        return True
