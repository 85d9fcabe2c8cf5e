"""A thread in every worker that comes by at each tenant now and then, and lets go what has grown old.

A run's end does so for its own connector. Here come those whose runs never get to their end, that have none any more or
whose checks find nothing; and what hangs on the tenant itself.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from worker.ledger import answered, api_keys, outage, outbox, retention
from worker.ledger.session import as_scheduler, as_tenant
from worker.settings import Settings

LOOK_SECONDS = 10.0
"""Between one tenant and the next."""
PORTION = 5_000
"""Rows that go in one transaction: few enough that a turn is not held up which becomes ready meanwhile."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Caretaker:
    """Tidies one tenant at a time, in an order that is new with each round, until it is stopped."""

    engine: Engine
    settings: Settings
    rng: random.Random = field(default_factory=random.Random)
    stopped: threading.Event = field(default_factory=threading.Event)
    _to_come: list[int] = field(default_factory=list)
    """Tenants whose turn is still to come in this round."""

    def start(self) -> threading.Thread:
        """Come by from now on, in a thread of its own."""
        thread = threading.Thread(target=self.run, name="caretaker", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Come by until stopped."""
        while not self.stopped.wait(LOOK_SECONDS * self.rng.uniform(0.7, 1.3)):
            try:
                self.tidy_next()
            except SQLAlchemyError as trouble:
                log.warning("the caretaker could not tidy", error=type(trouble).__name__, reason=outage.reason(trouble))
            except Exception:
                log.exception("bug in the caretaker")

    def tidy_next(self) -> int:
        """Tidy the next tenant; how many rows went."""
        if not self._to_come:
            with as_scheduler(self.engine) as session:
                api_keys.prune(session)
                self._to_come = outbox.tenants(session)
            self.rng.shuffle(self._to_come)
        return self.tidy(self._to_come.pop()) if self._to_come else 0

    def tidy(self, tenant_id: int) -> int:
        """Tidy this tenant; how many rows went."""
        with as_tenant(self.engine, tenant_id) as session:
            gone = answered.prune(session)
            connectors = retention.connectors(session)
        for connector_id in connectors:
            try:
                gone += self._prune(tenant_id, connector_id)
            except DBAPIError as trouble:
                # What is wrong with one keeps nobody from the others.
                told = {"error": type(trouble).__name__, "reason": outage.reason(trouble)}
                log.warning("the caretaker could not tidy", tenant=tenant_id, connector=connector_id, **told)
        if gone:
            log.info("old rows let go", tenant=tenant_id, rows=gone)
        return gone

    def _prune(self, tenant_id: int, connector_id: int) -> int:
        gone, portion = 0, PORTION
        while portion >= PORTION and not self.stopped.is_set():
            with as_tenant(self.engine, tenant_id) as session:
                portion = retention.prune_idle(
                    session, connector_id, days=self.settings.retention_days, portion=PORTION
                )
            gone += portion
        return gone
