"""Whatever happens to turns, in whatever order: the laws of the ready list hold after each step.

| law                                                                         | where it is asserted     |
| --------------------------------------------------------------------------- | ------------------------ |
| 1. a connector is in one state; one message is good for one slice           | `laws_hold`, `claim`     |
| 2. one slice a store; no more slices than a tenant's plan allows            | `laws_hold`              |
| 3. a slice that has lost its turn writes nothing                            | `save`, `laws_hold`      |
| 4. no more is dispatched than the door holds                                | `laws_hold`              |
| 5. whatever was lost, doubled, late or out of order: the end is the same    | `teardown`               |
| 6. the virtual time never falls, no tag is below it, no debt is forgotten   | `laws_hold`, `_new_tags` |
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from worker.errors import TurnLost
from worker.ledger import lapsed, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched
from worker.scheduling.deadline import Deadline
from worker.scheduling.fence import Fence

QUANTUM, TTL, LEASE, DOOR = 60.0, 150.0, 25.0, 3
STATES = {"parked", "ready", "dispatched", "running", "broken"}
AConnector = Callable[..., Any]
CONNECTORS = st.integers(0, 5)
MESSAGES = st.integers(0, 30)
PARKS = st.sampled_from([None, 0.0, 30.0, float("inf")])
WORK = 3
"""Saves that a connector's work takes."""


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
        self.saved: dict[int, int] = {}
        self.debts: dict[int, float] = {}

    @initialize()
    def _anew(self) -> None:
        with as_scheduler(self.engine) as session:
            session.execute(
                text("UPDATE turn SET state = 'parked', tag = NULL, attempts = 0, again = false, deadline = NULL,"
                     " started_at = NULL, not_before = 'infinity'"),
            )  # fmt: skip
            session.execute(text("UPDATE tenant_turn SET virtual_finish = 0"))
            session.execute(text("UPDATE scheduler SET virtual_time = 0"))
        for tenant_id in set(self.tenants.values()):
            with as_tenant(self.engine, tenant_id) as session:
                session.execute(text("UPDATE mirror SET last_update = 0"))
        self.epochs = {row["connector_id"]: row["epoch"] for row in self._rows()}
        self.saved = dict.fromkeys(self.ids, 0)
        self.debts = self._debts(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        with as_scheduler(self.engine) as session:
            return [dict(row) for row in session.execute(text("SELECT * FROM turn")).mappings()]

    def _row(self, connector_id: int) -> dict[str, Any]:
        return next(row for row in self._rows() if row["connector_id"] == connector_id)

    def _debts(self, rows: list[dict[str, Any]]) -> dict[int, float]:
        """What each tenant was charged for good, in virtual seconds: its finish without what is paid beforehand."""
        with as_scheduler(self.engine) as session:
            finishes = session.execute(text("SELECT tenant_id, virtual_finish, weight FROM tenant_turn")).all()
        tagged = [row["tenant_id"] for row in rows if row["state"] in ("ready", "dispatched", "running")]
        return {
            tenant_id: finish - tagged.count(tenant_id) * QUANTUM / weight for tenant_id, finish, weight in finishes
        }

    def _saved(self) -> dict[int, int]:
        """What stands in each connector's mirror."""
        found: dict[int, int] = {}
        for tenant_id in set(self.tenants.values()):
            with as_tenant(self.engine, tenant_id) as session:
                rows = session.execute(text("SELECT connector_id, last_update FROM mirror")).all()
                found |= {row[0]: int(row[1]) for row in rows}
        return found

    def _save(self, one: Dispatched) -> bool:
        """The slice saves a unit of work; False where it has lost its turn."""
        deadline = Deadline(600, QUANTUM, LEASE, threading.Event())
        fence = Fence(self.engine, deadline, LEASE, one.tenant_id, one.connector_id, one.epoch)
        try:
            with fence.transaction(progress=True) as session:
                session.execute(
                    text("UPDATE mirror SET last_update = last_update + 1 WHERE connector_id = :id"),
                    {"id": one.connector_id},
                )
        except TurnLost:
            return False
        return True

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
            claimed = turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="w") is not None
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

    @rule(which=MESSAGES)
    def save(self, which: int) -> None:
        """A slice saves work, perhaps long after its turn was lost: then nothing of it stands."""
        one = self._message(which)
        if one is None:
            return
        row = self._row(one.connector_id)
        saved = self._save(one)
        assert saved == (row["state"] == "running" and row["epoch"] == one.epoch)
        self.saved[one.connector_id] += saved

    @rule(which=MESSAGES)
    def ask(self, which: int) -> None:
        """A slice asks whether somebody poorer waits."""
        one = self._message(which)
        if one is None:
            return
        waiting = [row["tag"] for row in self._rows() if row["state"] in ("ready", "dispatched")]
        with as_scheduler(self.engine) as session:
            wanted = turns.is_wanted(session, one.connector_id, one.epoch, quantum=QUANTUM, ttl=TTL)
        assert not wanted or waiting

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

    @rule(seconds=st.sampled_from([1, 6, 30, 200, 4000]))
    def time_passes(self, seconds: float) -> None:
        """Nobody does anything for so long: leases run out, dates come."""
        with as_scheduler(self.engine) as session:
            session.execute(
                text("""
                UPDATE turn SET ready_at = ready_at - make_interval(secs => :s),
                       started_at = started_at - make_interval(secs => :s),
                       deadline = deadline - make_interval(secs => :s),
                       not_before = CASE WHEN isfinite(not_before) THEN not_before - make_interval(secs => :s)
                                    ELSE not_before END
                """),
                {"s": seconds},
            )

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
            lapsed.sweep(session, quantum=QUANTUM, ttl=TTL, queue_is_empty=queue_is_empty)
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
        debts = self._debts(rows)
        for tenant_id, debt in debts.items():
            assert debt >= self.debts.get(tenant_id, 0.0) - 1e-6, "a debt was forgotten"
        assert self._saved() == self.saved
        self.virtual_time = virtual_time
        self.epochs = {row["connector_id"]: row["epoch"] for row in rows}
        self.debts = debts

    def teardown(self) -> None:
        """From wherever it has come to: all work is done, once, and everybody is idle in the end."""
        for which in self.ids:
            with as_scheduler(self.engine) as session:
                turns.wake(session, which, quantum=QUANTUM)
        late = self.messages[-5:]
        for _ in range(200):
            self.time_passes(4000)
            with as_scheduler(self.engine) as session:
                lapsed.sweep(session, quantum=QUANTUM, ttl=TTL, queue_is_empty=True)
                passed = turns.dispatch(session, door=DOOR, ttl=TTL)
            if not passed and {row["state"] for row in self._rows()} == {"parked"}:
                break
            for one in (*passed, *late, *passed):  # each twice, and all those of before in between
                self._play_out(one)
        assert {row["state"] for row in self._rows()} == {"parked"}
        assert all(saved >= WORK for saved in self._saved().values())
        assert self._saved() == self.saved

    def _play_out(self, one: Dispatched) -> None:
        """A slice of this message, if it is good for one, until its connector's work is done."""
        with as_tenant(self.engine, one.tenant_id) as session:
            if not turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="w"):
                return
        while self.saved[one.connector_id] < WORK:
            assert self._save(one)
            self.saved[one.connector_id] += 1
        with as_scheduler(self.engine) as session:
            assert turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=float("inf"))


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
            max_examples=30,
            stateful_step_count=40,
            phases=[Phase.generate],  # to shrink a case against a database takes minutes, and the seed is fixed
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
