"""A thread in every worker that carries what is due to the tenants' endpoints.

Leased as scheduler, read and recorded as the tenant, posted outside any transaction. At least once: a postman that dies
on its way leaves its lease to run out, and the delivery goes out again under the same id. Its threads hold nothing that
a stopping process would wait for.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger import outbox, webhooks
from worker.ledger.outbox import Due, Letter
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.metrics import database, deliveries
from worker.webhooks import letters
from worker.webhooks.reach import Reach, UnreachableError

LOOK_SECONDS = 2.0
"""Mean time between two looks for what is due."""
TIDY_SECONDS = 5.0
"""So often at most, one tenant's old deliveries are deleted."""
LEASE_SECONDS = 60.0
"""Longer than a try can last, a slow answer to the question for the host's name included."""
PLACES = 8
"""Deliveries that one process has on their way; to one endpoint it has one at most."""
OF_A_TENANT = 3
"""Of these, how many are of one tenant: one with many slow endpoints leaves places for the others."""
GONE = 410
"""The endpoint says that it wants nothing more, ever."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Postman:
    """Looks every second or two, with jitter, until it is stopped."""

    engine: Engine
    vault: Vault
    reach: Reach
    places: int = PLACES
    of_a_tenant: int = OF_A_TENANT
    tidy_seconds: float = TIDY_SECONDS
    rng: random.Random = field(default_factory=random.Random)
    stopped: threading.Event = field(default_factory=threading.Event)
    _busy: dict[int, int] = field(default_factory=dict)
    """Webhook -> its tenant, for each delivery that is on its way."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _back: threading.Event = field(default_factory=threading.Event)
    """Set when one has come back: there may be more for its endpoint."""
    _untidied: list[int] = field(default_factory=list)
    """Tenants whose turn to be tidied is still to come in this round."""
    _tidied_at: float = float("-inf")

    def start(self) -> threading.Thread:
        """Look from now on, in a thread of its own."""
        thread = threading.Thread(target=self.run, name="postman", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Nothing more is taken up; what is on its way comes back, or its lease runs out."""
        self.stopped.set()
        self._back.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self.stopped.is_set():
            self._back.clear()
            try:
                self.hand_out()
                if time.monotonic() - self._tidied_at >= self.tidy_seconds:
                    self._tidied_at = time.monotonic()
                    self.tidy()
            except SQLAlchemyError as trouble:
                log.warning("postman cannot reach the database", error=type(trouble).__name__)
                database.unwell(database.POSTMAN)
                self.stopped.wait(LOOK_SECONDS)
            except Exception:
                log.exception("bug in the postman")
                self.stopped.wait(LOOK_SECONDS)
            self._back.wait(LOOK_SECONDS * self.rng.uniform(0.7, 1.3))

    def hand_out(self) -> int:
        """Send off what is due, each in a thread of its own, while there are places; how many."""
        sent = 0
        while not self.stopped.is_set() and (due := self._take_one()) is not None:
            threading.Thread(target=self._on_its_way, args=(due,), name="delivery", daemon=True).start()
            sent += 1
        return sent

    def deliver_all(self) -> int:
        """Carry what is due one after the other, here and now; how many."""
        carried = 0
        while (due := self._take_one()) is not None:
            self._on_its_way(due)
            carried += 1
        return carried

    def tidy(self) -> int:
        """Delete the old deliveries of one tenant, of the next one at the next call; how many.

        In an order that is new with each round: processes that never live to its end still come to every tenant.
        """
        if not self._untidied:
            with as_scheduler(self.engine) as session:
                self._untidied = outbox.tenants(session)
            self.rng.shuffle(self._untidied)
        if not self._untidied:
            return 0
        tenant_id, gone, portion = self._untidied.pop(), 0, outbox.PRUNED_AT_ONCE
        while portion == outbox.PRUNED_AT_ONCE and not self.stopped.is_set():
            with as_tenant(self.engine, tenant_id) as session:
                portion = outbox.prune(session)
            gone += portion
        return gone

    def _take_one(self) -> Due | None:
        with self._lock:
            busy = dict(self._busy)
        if len(busy) >= self.places:
            return None
        full = [tenant for tenant, number in Counter(busy.values()).items() if number >= self.of_a_tenant]
        with as_scheduler(self.engine) as session:
            due = outbox.lease(session, seconds=LEASE_SECONDS, busy=busy, full=full)
        if due is not None:
            with self._lock:
                self._busy[due.webhook_id] = due.tenant_id
        return due

    def _on_its_way(self, due: Due) -> None:
        with structlog.contextvars.bound_contextvars(tenant=due.tenant_id, webhook=due.webhook_id, delivery=due.id):
            try:
                self._carry(due)
            except SQLAlchemyError as trouble:
                log.warning("delivery not recorded", error=type(trouble).__name__)
                database.unwell(database.POSTMAN)
            except Exception:
                log.exception("bug in a delivery")
            finally:
                with self._lock:
                    self._busy.pop(due.webhook_id, None)
                self._back.set()

    def _carry(self, due: Due) -> None:
        with as_tenant(self.engine, due.tenant_id) as session:
            letter = outbox.open_letter(session, self.vault, due)
        if letter is None:
            return
        status, error = self._post(letter)
        result = deliveries.DELIVERED
        with as_tenant(self.engine, due.tenant_id) as session:
            if error is None and status is not None:
                outbox.delivered(session, due.id, status=status)
            else:
                again = letters.again_in(letter.attempts + 1, self.rng)
                result = deliveries.GAVE_UP if again is None else deliveries.FAILED
                outbox.failed(
                    session, due.id, attempts=letter.attempts, status=status, error=str(error), again_in=again
                )
            if status == GONE:
                webhooks.switch_off(session, due.webhook_id, "it answered 410 Gone", url=letter.url)
        deliveries.tried(result)
        log.info("event delivered" if error is None else "event not delivered", type=letter.type, status=status)

    def _post(self, letter: Letter) -> tuple[int | None, str | None]:
        """(status, why it came to nothing); None = no answer, or it has arrived."""
        if not letter.secrets:
            return None, "no key of CREDENTIAL_KEYS opens the endpoint's secret"
        signed = letters.headers(letter.event_id, letter.body, letter.secrets)
        try:
            status = self.reach.post(letter.url, signed, letter.body.encode())
        except UnreachableError as trouble:
            return None, str(trouble)
        if 200 <= status < 300:
            return status, None
        told = "; nothing is followed" if 300 <= status < 400 else ""
        return status, f"answered {status}{told}"
