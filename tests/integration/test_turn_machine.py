"""Whatever happens to turns, in whatever order: the laws of the ready list hold after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from worker.ledger import turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched

QUANTUM, TTL, LEASE, DOOR = 60.0, 150.0, 25.0, 3
STATES = {"parked", "ready", "dispatched", "running", "broken"}
AConnector = Callable[..., Any]
CONNECTORS = st.integers(0, 5)
MESSAGES = st.integers(0, 30)
PARKS = st.sampled_from([None, 0.0, 30.0, float("inf")])


class TurnMachine(RuleBasedStateMachine):
    """Six connectors of three tenants on four stores, and messages that come late, twice or not at all."""

    engine: Engine
    ids: tuple[int, ...]
    tenants: dict[int, int]

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Dispatched] = []
        self.held: set[tuple[int, int]] = set()
        self.virtual_time = 0.0
        self.epochs: dict[int, int] = {}

    @initialize()
    def _anew(self) -> None:
        with as_scheduler(self.engine) as session:
            session.execute(
                text("UPDATE turn SET state = 'parked', tag = NULL, attempts = 0, again = false, deadline = NULL,"
                     " started_at = NULL, not_before = 'infinity'"),
            )  # fmt: skip
            session.execute(text("UPDATE tenant_turn SET virtual_finish = 0"))
            session.execute(text("UPDATE scheduler SET virtual_time = 0"))
        self.epochs = {row["connector_id"]: row["epoch"] for row in self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        with as_scheduler(self.engine) as session:
            return [dict(row) for row in session.execute(text("SELECT * FROM turn")).mappings()]

    def _row(self, connector_id: int) -> dict[str, Any]:
        return next(row for row in self._rows() if row["connector_id"] == connector_id)

    def _message(self, which: int) -> Dispatched | None:
        return self.messages[-1 - which % len(self.messages)] if self.messages else None

    def _new_tags(self, before: list[dict[str, Any]]) -> None:
        """A tag that was given just now is not below the virtual time."""
        old = {row["connector_id"]: row for row in before}
        for row in self._rows():
            if row["state"] == "ready" and old[row["connector_id"]]["tag"] != row["tag"]:
                assert row["tag"] >= self.virtual_time

    @rule(which=CONNECTORS)
    def submit(self, which: int) -> None:
        """Somebody asks for a run, and the door is filled."""
        before = self._rows()
        with as_scheduler(self.engine) as session:
            turns.wake(session, self.ids[which], quantum=QUANTUM)
        self._new_tags(before)
        row = self._row(self.ids[which])
        assert row["state"] == "ready" or (row["state"] in ("dispatched", "running") and row["again"])

    @rule(door=st.sampled_from([DOOR, DOOR, DOOR, 1]))
    def dispatch(self, door: int) -> None:
        """The door is filled, its messages go out, or get lost."""
        ready = sorted(row["tag"] for row in self._rows() if row["state"] == "ready")
        with as_scheduler(self.engine) as session:
            passed = turns.dispatch(session, door=door, ttl=TTL)
        self.messages += passed
        for one in passed:
            assert one.epoch == self.epochs[one.connector_id] + 1
        assert not passed or ready

    @rule(which=MESSAGES)
    def claim(self, which: int) -> None:
        """A message arrives, in any order, perhaps for the second time."""
        one = self._message(which)
        if one is None:
            return
        row = self._row(one.connector_id)
        with as_tenant(self.engine, one.tenant_id) as session:
            claimed = turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="w")
        assert claimed == (row["state"] == "dispatched" and row["epoch"] == one.epoch)
        assert not (claimed and (one.connector_id, one.epoch) in self.held), "one message was good for two slices"
        if claimed:
            self.held.add((one.connector_id, one.epoch))

    @rule(which=MESSAGES, progress=st.booleans())
    def renew(self, which: int, progress: bool) -> None:
        """A slice beats, perhaps long after its turn was lost."""
        one = self._message(which)
        if one is None:
            return
        row = self._row(one.connector_id)
        with as_tenant(self.engine, one.tenant_id) as session:
            renewed = turns.renew(session, one.connector_id, one.epoch, lease=LEASE, progress=progress)
        assert (renewed is not None) == (row["state"] == "running" and row["epoch"] == one.epoch)

    @rule(which=MESSAGES, seconds=st.sampled_from([0, 5, 60, 600]), park=PARKS, failed=st.booleans())
    def release(self, which: int, seconds: float, park: float | None, failed: bool) -> None:
        """A slice ends, perhaps one that has lost its turn."""
        one = self._message(which)
        if one is None:
            return
        before = self._rows()
        row = self._row(one.connector_id)
        with as_scheduler(self.engine) as session:
            session.execute(
                text("UPDATE turn SET started_at = started_at - make_interval(secs => :s) WHERE connector_id = :id"
                     " AND epoch = :epoch"),
                {"s": seconds, "id": one.connector_id, "epoch": one.epoch},
            )  # fmt: skip
            released = turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=park, failed=failed)
        assert released == (row["state"] == "running" and row["epoch"] == one.epoch)
        if not released:
            now = self._row(one.connector_id)
            assert {**now, "started_at": None} == {**row, "started_at": None}
        self._new_tags(before)

    @rule(which=CONNECTORS)
    def expire(self, which: int) -> None:
        """A worker died, or a message was lost: nobody renews that deadline."""
        with as_scheduler(self.engine) as session:
            session.execute(
                text(
                    "UPDATE turn SET deadline = now() - interval '1 s' WHERE connector_id = :id"
                    " AND deadline IS NOT NULL"
                ),
                {"id": self.ids[which]},
            )

    @rule(which=CONNECTORS)
    def fall_due(self, which: int) -> None:
        """The date until which a turn is parked comes."""
        with as_scheduler(self.engine) as session:
            date = text("UPDATE turn SET not_before = now() WHERE connector_id = :id")
            session.execute(date, {"id": self.ids[which]})

    @rule(queue_is_empty=st.booleans())
    def sweep(self, queue_is_empty: bool) -> None:
        """The pacemaker looks."""
        before = {row["connector_id"]: row for row in self._rows()}
        with as_scheduler(self.engine) as session:
            turns.sweep(session, quantum=QUANTUM, ttl=TTL, queue_is_empty=queue_is_empty)
        for row in self._rows():
            was = before[row["connector_id"]]
            if was["state"] in ("dispatched", "running"):
                assert row["tag"] == was["tag"]  # who was swept keeps its place
        self._new_tags(list(before.values()))

    @invariant()
    def laws_hold(self) -> None:
        """Of the ready list, after each step."""
        rows = self._rows()
        with as_scheduler(self.engine) as session:
            virtual_time = float(session.scalar(text("SELECT virtual_time FROM scheduler")) or 0)
        assert sorted(row["connector_id"] for row in rows) == sorted(self.ids)
        under_way = [row for row in rows if row["state"] in ("dispatched", "running")]
        assert len({row["store_hash"] for row in under_way}) == len(under_way)
        assert sum(row["state"] == "dispatched" for row in rows) <= DOOR
        assert virtual_time >= self.virtual_time
        for row in rows:
            assert row["state"] in STATES
            assert row["epoch"] >= self.epochs.get(row["connector_id"], 0)
            assert (row["deadline"] is not None) == (row["state"] in ("dispatched", "running"))
            assert row["tag"] is not None or row["state"] == "parked"
            assert row["attempts"] <= turns.BROKEN_AFTER
        limited = [row for row in under_way if row["tenant_id"] == self.tenants[self.ids[0]]]
        assert len(limited) <= 1
        self.virtual_time = virtual_time
        self.epochs = {row["connector_id"]: row["epoch"] for row in rows}


@pytest.fixture
def machine(engine: Engine, a_connector: AConnector) -> type[TurnMachine]:
    made = [
        a_connector(f"shop{n}", tenant=f"t{n % 3}", store_hash=f"shared{n % 4}", weight=float(1 + n % 3),
                    max_slots=1 if n % 3 == 0 else None)
        for n in range(6)
    ]  # fmt: skip
    TurnMachine.engine = engine
    TurnMachine.ids = tuple(one.id for one in made)
    TurnMachine.tenants = {one.id: one.tenant_id for one in made}
    return TurnMachine


def test_the_laws_of_the_ready_list_hold_whatever_happens(machine: type[TurnMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
