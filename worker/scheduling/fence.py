"""The fence: a transaction that begins by matching the epoch, else it never happened (law 1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from worker.errors import TurnLost
from worker.ledger import turns
from worker.ledger.session import Session, as_tenant
from worker.scheduling.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Fence:
    """The hold that one slice has on its connector's turn."""

    engine: Engine
    deadline: Deadline
    lease_seconds: float
    tenant_id: int
    connector_id: int
    epoch: int

    @contextmanager
    def transaction(self, *, progress: bool = False) -> Iterator[Session]:
        """A transaction of the tenant's that renews the lease; TurnLost, and a rollback, where the turn is lost."""
        sent_at = self.deadline.clock()
        with as_tenant(self.engine, self.tenant_id) as session:
            renewed = turns.renew(session, self.connector_id, self.epoch, lease=self.lease_seconds, progress=progress)
            if renewed is None:
                raise TurnLost
            self.deadline.stop_asked = renewed.stop_asked
            yield session
        # The lease counts from before its renewal was sent: whoever reads this clock errs on the safe side.
        self.deadline.beaten(sent_at)
