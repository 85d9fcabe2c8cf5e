"""The turns of one database, each call in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from worker.ledger import lapsed, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched, Renewed

QUANTUM, TTL, LEASE = 60.0, 150.0, 25.0
FOREVER = float("inf")
AConnector = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one database, each call in a transaction of its own."""

    engine: Engine

    def ready(self, *connector_ids: int) -> None:
        with as_scheduler(self.engine) as session:
            turns.make_ready(session, connector_ids, quantum=QUANTUM)

    def wake(self, connector_id: int) -> None:
        with as_scheduler(self.engine) as session:
            turns.wake(session, connector_id, quantum=QUANTUM)

    def dispatch(self, *, door: int = 8) -> list[Dispatched]:
        with as_scheduler(self.engine) as session:
            return turns.dispatch(session, door=door, ttl=TTL)

    def claim(self, one: Dispatched, *, epoch: int | None = None, tenant_id: int | None = None) -> bool:
        with as_tenant(self.engine, tenant_id or one.tenant_id) as session:
            claimed = turns.claim(session, one.connector_id, epoch or one.epoch, lease=LEASE, worker="w1")
        return claimed is not None

    def renew(self, one: Dispatched, *, progress: bool = False) -> Renewed | None:
        with as_tenant(self.engine, one.tenant_id) as session:
            return turns.renew(session, one.connector_id, one.epoch, lease=LEASE, progress=progress)

    def release(self, one: Dispatched, *, park: float | None = None, failed: bool = False) -> bool:
        with as_scheduler(self.engine) as session:
            return turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=park, failed=failed)

    def sweep(self, *, queue_is_empty: bool = False) -> tuple[int, int]:
        with as_scheduler(self.engine) as session:
            return lapsed.sweep(session, quantum=QUANTUM, ttl=TTL, queue_is_empty=queue_is_empty)

    def is_wanted(self, one: Dispatched) -> bool:
        with as_scheduler(self.engine) as session:
            return turns.is_wanted(session, one.connector_id, one.epoch, quantum=QUANTUM, ttl=TTL)

    def begin(self, connector_id: int) -> Dispatched:
        """The connector's slice is under way, whatever else waits."""
        self.ready(connector_id)
        (one,) = [one for one in self.dispatch(door=1000) if one.connector_id == connector_id]
        assert self.claim(one)
        return one

    def do(self, statement: str, **values: Any) -> Any:
        with as_scheduler(self.engine) as session:
            found: Any = session.execute(text(statement), values)
            return found.scalar() if found.returns_rows else None

    def held(self, one: Dispatched, seconds: float) -> None:
        """So many seconds have passed since the claim."""
        self.do(
            "UPDATE turn SET started_at = now() - make_interval(secs => :s) WHERE connector_id = :id",
            s=seconds,
            id=one.connector_id,
        )

    def late(self, connector_id: int, *, by: str = "1 s") -> None:
        """The deadline has passed."""
        self.do(f"UPDATE turn SET deadline = now() - interval '{by}' WHERE connector_id = :id", id=connector_id)  # noqa: S608

    def of(self, connector_id: int, column: str) -> Any:
        return self.do(f"SELECT {column} FROM turn WHERE connector_id = :id", id=connector_id)  # noqa: S608

    def finish_of(self, tenant_id: int) -> float:
        return float(self.do("SELECT virtual_finish FROM tenant_turn WHERE tenant_id = :id", id=tenant_id))

    def virtual_time(self) -> float:
        return float(self.do("SELECT virtual_time FROM scheduler"))

    def serve(self, times: int, *, seconds: float = QUANTUM) -> list[Dispatched]:
        """One slot serves so many slices, each of them held for `seconds`, each with more work after it."""
        served = []
        for _ in range(times):
            (one,) = self.dispatch(door=1)
            assert self.claim(one)
            self.held(one, seconds)
            assert self.release(one)
            served.append(one)
        return served
