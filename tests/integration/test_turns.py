"""Whose turn it is: tags, claim, renew, release, sweep and wake, on a real Postgres."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from worker.ledger import overview, processes, rests, runs, turns
from worker.ledger.overview import Standing
from worker.ledger.rests import Neighbour
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import BROKEN_AFTER, Dispatched, Renewed

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
            return turns.claim(session, one.connector_id, epoch or one.epoch, lease=LEASE, worker="w1")

    def renew(self, one: Dispatched, *, progress: bool = False) -> Renewed | None:
        with as_tenant(self.engine, one.tenant_id) as session:
            return turns.renew(session, one.connector_id, one.epoch, lease=LEASE, progress=progress)

    def release(self, one: Dispatched, *, park: float | None = None, failed: bool = False) -> bool:
        with as_scheduler(self.engine) as session:
            return turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=park, failed=failed)

    def sweep(self, *, queue_is_empty: bool = False) -> tuple[int, int]:
        with as_scheduler(self.engine) as session:
            return turns.sweep(session, quantum=QUANTUM, ttl=TTL, queue_is_empty=queue_is_empty)

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


@pytest.fixture
def at(engine: Engine) -> Turns:
    return Turns(engine)


# ---- tags


def test_a_first_tag_is_the_virtual_time_and_charges_the_tenant_a_quantum(at: Turns, a_connector: AConnector) -> None:
    at.do("UPDATE scheduler SET virtual_time = 500")
    shop = a_connector()
    at.ready(shop.id)
    assert at.of(shop.id, "state") == "ready"
    assert at.of(shop.id, "tag") == 500
    assert at.finish_of(shop.tenant_id) == 500 + QUANTUM


def test_connectors_of_one_tenant_are_tagged_one_behind_the_other(at: Turns, a_connector: AConnector) -> None:
    shops = [a_connector(f"shop{n}", weight=2.0) for n in range(3)]
    at.ready(*(shop.id for shop in shops))
    assert [at.of(shop.id, "tag") for shop in shops] == [0, 30, 60]
    assert at.finish_of(shops[0].tenant_id) == 90


@pytest.mark.parametrize("state", ["ready", "dispatched"])
def test_a_turn_that_is_on_its_way_gets_no_second_tag(at: Turns, a_connector: AConnector, state: str) -> None:
    shop = a_connector()
    at.ready(shop.id)
    if state == "dispatched":
        at.dispatch()
    at.ready(shop.id)
    assert at.of(shop.id, "state") == state
    assert at.finish_of(shop.tenant_id) == QUANTUM


def test_whoever_had_least_comes_first(at: Turns, a_connector: AConnector) -> None:
    rich, poor = a_connector(tenant="rich"), a_connector(tenant="poor")
    at.do("UPDATE tenant_turn SET virtual_finish = 900 WHERE name = 'rich'")
    at.do("UPDATE tenant_turn SET virtual_finish = 300 WHERE name = 'poor'")
    at.ready(rich.id, poor.id)
    assert [one.tenant for one in at.dispatch()] == ["poor", "rich"]
    assert at.virtual_time() == 900


def test_equal_tags_pass_in_the_order_in_which_they_became_ready(at: Turns, a_connector: AConnector) -> None:
    """Else a stream of newcomers with smaller ids would pass by whoever has a greater one."""
    late, early = a_connector(tenant="late"), a_connector(tenant="early")
    at.ready(early.id)
    at.ready(late.id)
    assert at.of(late.id, "tag") == at.of(early.id, "tag")
    assert [one.tenant for one in at.dispatch()] == ["early", "late"]


def test_idle_time_earns_no_credit(at: Turns, a_connector: AConnector) -> None:
    busy, idle = a_connector(tenant="busy"), a_connector(tenant="idle")
    at.ready(busy.id)
    at.serve(5)
    at.ready(idle.id)
    assert at.of(idle.id, "tag") == pytest.approx(at.virtual_time(), abs=1)
    # It comes first, and does not catch up for the five slices that it slept through.
    served = [one.tenant for one in at.serve(6)]
    assert served[0] == "idle"
    assert served.count("busy") in (2, 3)


def test_a_thousand_connectors_of_one_tenant_count_as_one_tenant(at: Turns, a_connector: AConnector) -> None:
    giant = a_connector("first", tenant="giant")
    with as_tenant(at.engine, giant.tenant_id) as session:
        session.execute(
            text(
                "WITH made AS (INSERT INTO connector (tenant_id, name, store_hash, profile)"
                " SELECT :tenant, 'more' || n, 'giant' || n, '{}' FROM generate_series(1, 999) n RETURNING *)"
                " INSERT INTO turn (connector_id, tenant_id, name, store_hash) SELECT id, tenant_id, name, store_hash"
                " FROM made"
            ),
            {"tenant": giant.tenant_id},
        )
        giants = session.scalars(text("SELECT connector_id FROM turn")).all()
    assert len(giants) == 1000
    small = a_connector(tenant="small")
    at.ready(*giants)
    at.ready(small.id)
    tenants = [one.tenant for one in at.serve(8)]
    assert tenants.index("small") < 2
    assert Counter(tenants) == {"giant": 4, "small": 4}


def test_weights_share_the_workers_by_one_to_two_to_four(at: Turns, a_connector: AConnector) -> None:
    shops = [a_connector(tenant=f"weighs{weight}", weight=float(weight)) for weight in (1, 2, 4)]
    at.ready(*(shop.id for shop in shops))
    served = Counter(one.tenant for one in at.serve(28))
    assert served == {"weighs1": 4, "weighs2": 8, "weighs4": 16}


def test_a_long_slice_is_paid_for_by_waiting(at: Turns, a_connector: AConnector) -> None:
    a_connector(tenant="long"), a_connector(tenant="short")
    at.ready(*at_all(at))
    first = at.dispatch(door=1)[0]
    at.claim(first)
    at.held(first, 2.5 * QUANTUM)
    at.release(first)
    other = ({"long", "short"} - {first.tenant}).pop()
    # Two and a half quanta were held at once: the other one begins its third slice before the turn comes back.
    assert [one.tenant for one in at.serve(4)] == [other, other, other, first.tenant]


def at_all(at: Turns) -> list[int]:
    with as_scheduler(at.engine) as session:
        return list(session.scalars(text("SELECT connector_id FROM turn ORDER BY 1")).all())


# ---- claim


def test_a_claim_takes_the_turn_for_a_lease(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    (one,) = at.dispatch()
    assert (one.tenant, one.connector, one.tenant_id, one.connector_id, one.epoch) == (
        "acme",
        "shop",
        shop.tenant_id,
        shop.id,
        1,
    )
    assert at.claim(one)
    assert at.of(shop.id, "state") == "running"
    assert at.of(shop.id, "worker") == "w1"
    assert at.of(shop.id, "deadline - now()") <= timedelta(seconds=LEASE)
    assert at.of(shop.id, "deadline - now()") > timedelta(seconds=LEASE - 5)


def test_a_doubled_message_claims_nothing(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    assert not at.claim(one)


def test_a_message_of_an_earlier_dispatch_claims_nothing(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    (late,) = at.dispatch()
    at.late(shop.id)
    at.sweep()
    (again,) = at.dispatch()
    assert again.epoch == late.epoch + 1
    assert not at.claim(late)
    assert at.claim(again)


def test_a_message_that_names_another_tenant_claims_nothing(
    at: Turns, a_connector: AConnector, a_tenant: Callable[[str], int]
) -> None:
    shop = a_connector()
    at.ready(shop.id)
    (one,) = at.dispatch()
    assert not at.claim(one, tenant_id=a_tenant("thief"))
    assert at.of(shop.id, "state") == "dispatched"


def test_a_turn_that_is_not_dispatched_is_not_claimed(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    assert not at.claim(Dispatched(shop.tenant_id, shop.id, 0, "acme", "shop"))


def test_a_claim_forgets_an_old_wish_to_stop(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.do("UPDATE turn SET stop_asked = true")
    assert at.renew(at.begin(shop.id)) == Renewed(stop_asked=False)


# ---- renew


def test_a_renewal_prolongs_the_lease_and_tells_whether_to_stop(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.do("UPDATE turn SET deadline = now() + interval '1 s', stop_asked = true")
    assert at.renew(one) == Renewed(stop_asked=True)
    assert at.of(one.connector_id, "deadline - now()") > timedelta(seconds=LEASE - 5)


def test_only_progress_forgives_failed_attempts(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.do("UPDATE turn SET attempts = 3")
    at.renew(one, progress=False)
    assert at.of(one.connector_id, "attempts") == 3
    at.renew(one, progress=True)
    assert at.of(one.connector_id, "attempts") == 0


def test_a_slice_that_slept_past_its_lease_renews_nothing(at: Turns, a_connector: AConnector) -> None:
    zombie = at.begin(a_connector().id)
    at.late(zombie.connector_id)
    at.sweep()
    assert at.renew(zombie) is None  # swept
    (heir,) = at.dispatch()
    assert at.renew(zombie) is None  # dispatched anew
    at.claim(heir)
    assert at.renew(zombie) is None  # somebody else's by now
    assert at.renew(heir) is not None


# ---- is_wanted


def test_nobody_is_wanted_where_nobody_waits(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.held(one, 500)
    assert not at.is_wanted(one)


@pytest.mark.parametrize(("seconds", "weight", "wanted"), [
    (10, 1.0, False),  # the waiting one is richer still
    (50, 1.0, True),   # by now we have had more
    (50, 4.0, False),  # but not by our weight
])  # fmt: skip
def test_somebody_poorer_who_waits_is_wanted(
    at: Turns, a_connector: AConnector, seconds: float, weight: float, wanted: bool
) -> None:
    one = at.begin(a_connector(weight=weight).id)
    at.held(one, seconds)
    other = a_connector(tenant="other")
    at.do("UPDATE tenant_turn SET virtual_finish = 30 WHERE name = 'other'")
    at.ready(other.id)
    assert at.is_wanted(one) is wanted


def test_somebody_stuck_at_the_door_is_wanted_after_two_seconds(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.held(one, 50)
    other = a_connector(tenant="other")
    at.ready(other.id)
    # How long it had waited before it came to the door is no matter: a worker is about to take it.
    at.do("UPDATE turn SET ready_at = now() - interval '1 hour' WHERE connector_id = :id", id=other.id)
    at.dispatch()
    assert not at.is_wanted(one)
    at.do("UPDATE turn SET deadline = deadline - interval '3 s' WHERE connector_id = :id", id=other.id)
    assert at.is_wanted(one)


def test_who_could_not_have_the_worker_is_not_wanted(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector("mine", tenant="mine").id)
    limited = a_connector("first", tenant="limited"), a_connector("second", tenant="limited")
    at.do("UPDATE tenant_turn SET max_slots = 1 WHERE name = 'limited'")
    at.begin(limited[0].id)
    at.ready(limited[1].id)
    at.held(one, 500)
    assert not at.is_wanted(one), "its plan gives it no second slot"
    at.do("UPDATE tenant_turn SET max_slots = 2 WHERE name = 'limited'")
    assert at.is_wanted(one)
    at.do("UPDATE turn SET store_hash = 'shared' WHERE connector_id = ANY(:ids)", ids=[each.id for each in limited])
    assert not at.is_wanted(one), "its store has a slice"


def test_a_slice_yields_to_who_waits_for_its_own_store_or_its_own_slot(at: Turns, a_connector: AConnector) -> None:
    mine, sibling = a_connector("mine", tenant="t"), a_connector("sibling", tenant="t")
    at.do("UPDATE tenant_turn SET max_slots = 1")
    at.do("UPDATE turn SET store_hash = 'shared'")
    one = at.begin(mine.id)
    at.ready(sibling.id)
    at.held(one, 500)
    assert at.is_wanted(one)


def test_the_oldest_slice_of_a_tenant_with_many_slots_is_no_poorer_than_the_tenant(
    at: Turns, a_connector: AConnector
) -> None:
    """Its own tag lies far behind the virtual time, which the tenant's other slices have driven up."""
    giants = [a_connector(f"shop{n}", tenant="giant") for n in range(8)]
    at.ready(*(one.id for one in giants))
    under_way = at.dispatch(door=8)
    for one in under_way:
        assert at.claim(one)
        at.held(one, QUANTUM)
    assert not any(at.is_wanted(one) for one in under_way)
    at.ready(a_connector(tenant="small").id)
    assert [at.is_wanted(one) for one in under_way] == [True] * 8


def test_who_stands_as_well_as_the_one_that_waits_yields_to_it(at: Turns, a_connector: AConnector) -> None:
    one, other = at.begin(a_connector().id), a_connector(tenant="other")
    at.do("UPDATE scheduler SET virtual_time = 500")
    at.ready(other.id)
    at.held(one, 50)
    assert at.is_wanted(one)


def test_a_turn_that_was_dispatched_and_not_claimed_asks_nothing(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id, a_connector(tenant="other").id)
    (one,) = at.dispatch(door=1)
    assert not at.is_wanted(one)


def test_who_has_lost_the_turn_is_told_nothing(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.ready(a_connector(tenant="other").id)
    at.held(one, 50)
    at.do("UPDATE turn SET epoch = epoch + 1 WHERE connector_id = :id", id=one.connector_id)
    assert not at.is_wanted(one)


# ---- release


@pytest.mark.parametrize(("seconds", "weight"), [(10.0, 1.0), (600.0, 1.0), (600.0, 4.0)])
def test_a_release_charges_the_seconds_held(at: Turns, a_connector: AConnector, seconds: float, weight: float) -> None:
    shop = a_connector(weight=weight)
    one = at.begin(shop.id)
    at.held(one, seconds)
    assert at.release(one, park=FOREVER)
    assert at.finish_of(shop.tenant_id) == pytest.approx(seconds / weight, abs=1)


def test_a_release_with_more_work_is_tagged_again_behind_what_was_held(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    one = at.begin(shop.id)
    at.held(one, 100)
    assert at.release(one)
    assert at.of(shop.id, "state") == "ready"
    assert at.of(shop.id, "tag") == pytest.approx(100, abs=1)
    assert at.finish_of(shop.tenant_id) == pytest.approx(100 + QUANTUM, abs=1)


def test_a_release_parks_for_so_many_seconds(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.release(one, park=300)
    assert at.of(one.connector_id, "state") == "parked"
    assert at.of(one.connector_id, "tag") is None
    assert at.of(one.connector_id, "deadline") is None
    assert timedelta(seconds=290) < at.of(one.connector_id, "not_before - now()") <= timedelta(seconds=300)


@pytest.mark.parametrize("park", [FOREVER, 1e300])
def test_a_release_may_park_for_good(at: Turns, a_connector: AConnector, park: float) -> None:
    one = at.begin(a_connector().id)
    at.release(one, park=park)
    assert at.of(one.connector_id, "state") == "parked"
    assert at.of(one.connector_id, "not_before > now() + interval '1 year'")


def test_a_request_that_came_meanwhile_wins_over_parking(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.wake(one.connector_id)
    at.release(one, park=FOREVER)
    assert at.of(one.connector_id, "state") == "ready"
    assert at.of(one.connector_id, "again") is False


def test_a_failed_slice_waits_though_a_request_came_meanwhile(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.wake(one.connector_id)
    at.release(one, park=30, failed=True)
    assert at.of(one.connector_id, "state") == "parked"
    assert at.of(one.connector_id, "attempts") == 1


def test_a_turn_that_fails_five_times_is_broken(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    for attempt in range(1, BROKEN_AFTER + 1):
        assert at.release(at.begin(shop.id), park=1, failed=True)
        assert at.of(shop.id, "attempts") == attempt
        assert at.of(shop.id, "state") == ("parked" if attempt < BROKEN_AFTER else "broken")
    at.do("UPDATE turn SET not_before = now()")
    assert at.sweep() == (0, 0)
    assert at.dispatch() == []


def test_a_broken_slice_is_charged_too(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    one = at.begin(shop.id)
    at.do("UPDATE turn SET attempts = 4")
    at.held(one, 200)
    at.release(one, park=1, failed=True)
    assert at.finish_of(shop.tenant_id) == pytest.approx(200, abs=1)


def test_a_lost_turn_is_released_by_nobody(at: Turns, a_connector: AConnector) -> None:
    zombie = at.begin(a_connector().id)
    at.late(zombie.connector_id)
    at.sweep()
    (heir,) = at.dispatch()
    at.claim(heir)
    charged = at.finish_of(zombie.tenant_id)
    assert not at.release(zombie, park=FOREVER)
    assert at.of(zombie.connector_id, "state") == "running"
    assert at.finish_of(zombie.tenant_id) == charged


def test_what_no_slice_holds_is_parked_and_a_message_that_is_out_is_good_for_nothing(
    at: Turns, a_connector: AConnector
) -> None:
    shop = a_connector()
    at.ready(shop.id)
    with as_scheduler(at.engine) as session:
        turns.park(session, shop.id, seconds=300)
    assert at.of(shop.id, "state") == "parked"
    assert at.dispatch() == []
    at.ready(shop.id)
    [message] = at.dispatch()
    with as_scheduler(at.engine) as session:
        turns.park(session, shop.id, seconds=300)
    assert not at.claim(message)
    assert at.of(shop.id, "state") == "parked"
    at.ready(shop.id)
    [message] = at.dispatch()
    assert at.claim(message)
    with as_scheduler(at.engine) as session:
        turns.park(session, shop.id, seconds=300)
    assert at.of(shop.id, "state") == "running", "a slice gives its turn back itself"


# ---- sweep


def test_a_lease_that_ran_out_keeps_its_tag_and_is_next(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    tag = at.of(one.connector_id, "tag")
    at.ready(a_connector(tenant="other").id)
    at.late(one.connector_id)
    assert at.sweep() == (1, 0)
    assert at.of(one.connector_id, "state") == "ready"
    assert at.of(one.connector_id, "tag") == tag
    assert at.of(one.connector_id, "attempts") == 1
    assert at.dispatch(door=1)[0].connector_id == one.connector_id


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_a_slice_that_lost_its_turn_is_paid_for(at: Turns, a_connector: AConnector, weight: float) -> None:
    shop = a_connector(weight=weight)
    one = at.begin(shop.id)
    at.held(one, 500)
    at.late(shop.id)
    at.sweep()
    assert at.finish_of(shop.tenant_id) == pytest.approx((QUANTUM + 500) / weight, abs=1)
    (heir,) = at.dispatch()
    at.claim(heir)
    at.release(heir, park=FOREVER)
    assert at.finish_of(shop.tenant_id) == pytest.approx(500 / weight, abs=1)


def test_a_turn_that_is_broken_by_lost_leases_gives_back_what_was_charged_beforehand(
    at: Turns, a_connector: AConnector
) -> None:
    shop = a_connector()
    at.do("UPDATE turn SET attempts = 4")
    one = at.begin(shop.id)
    at.held(one, 30)
    at.late(shop.id)
    at.sweep()
    assert at.of(shop.id, "state") == "broken"
    assert at.finish_of(shop.tenant_id) == pytest.approx(30, abs=1)


def test_the_log_of_slices_says_when_a_turn_was_lost_and_from_when_on_its_heir_waited(
    at: Turns, a_connector: AConnector
) -> None:
    shop = a_connector()
    for _ in range(2):
        at.do("UPDATE turn SET ready_at = ready_at - interval '100 s', deadline = now() - interval '1 s'")
        at.sweep()
        at.ready(shop.id)
        (one,) = at.dispatch()
        at.claim(one)
        with as_tenant(at.engine, shop.tenant_id) as session:
            runs.log_slice(session, shop.tenant_id, shop.id, one.epoch, worker="w1")
    with as_tenant(at.engine, shop.tenant_id) as session:
        lost, heir = session.execute(text("SELECT ended_why, ended_at, ready_at, started_at FROM slice_log"
                                          " ORDER BY epoch")).all()  # fmt: skip
        assert lost.ended_why == "turn_lost"
        assert lost.started_at <= lost.ended_at == heir.ready_at <= heir.started_at
        # A slice that was only thought dead comes back: it ended when it lost its turn.
        runs.end_slice(session, shop.id, 1, why="work_done", step=None, calls=3, settled=1)
        again = session.execute(text("SELECT ended_at, ended_why, calls FROM slice_log WHERE epoch = 1")).one()
    assert tuple(again) == (lost.ended_at, "turn_lost", 3)


def test_a_lease_that_holds_is_left_alone(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    assert at.sweep(queue_is_empty=True) == (0, 0)
    assert at.of(one.connector_id, "state") == "running"


def test_five_leases_that_ran_out_break_a_turn(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    for attempt in range(1, BROKEN_AFTER + 1):
        (one,) = at.dispatch()
        at.claim(one)
        at.late(shop.id)
        assert at.sweep() == (1, 0)
        assert at.of(shop.id, "state") == ("ready" if attempt < BROKEN_AFTER else "broken")
    assert at.dispatch() == []


def test_a_message_is_lost_when_the_queue_is_empty_for_five_seconds(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    at.dispatch()
    assert at.sweep(queue_is_empty=True) == (0, 0)  # it may be on its way to a worker
    at.do("UPDATE turn SET deadline = deadline - interval '6 s'")
    assert at.sweep(queue_is_empty=False) == (0, 0)  # it may wait in the queue
    assert at.sweep(queue_is_empty=True) == (1, 0)
    assert at.of(shop.id, "state") == "ready"
    assert at.of(shop.id, "attempts") == 0  # that was not the connector's fault


def test_a_message_is_lost_when_its_deadline_has_passed(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    at.dispatch()
    at.late(shop.id)
    assert at.sweep(queue_is_empty=False) == (1, 0)
    assert at.of(shop.id, "state") == "ready"


def test_what_is_parked_until_now_becomes_ready(at: Turns, a_connector: AConnector) -> None:
    due, later, idle = (a_connector(name) for name in ("due", "later", "idle"))
    at.do("UPDATE turn SET not_before = now() WHERE connector_id = :id", id=due.id)
    at.do("UPDATE turn SET not_before = 'infinity' WHERE connector_id = :id", id=idle.id)
    assert at.sweep() == (0, 1)
    assert [at.of(one.id, "state") for one in (due, later, idle)] == ["ready", "parked", "parked"]


# ---- wake


def test_a_parked_turn_that_is_woken_is_ready_at_once(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.wake(shop.id)
    assert at.of(shop.id, "state") == "ready"
    assert at.of(shop.id, "again") is False


def test_a_ready_turn_that_is_woken_keeps_its_place(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.wake(shop.id)
    at.wake(shop.id)
    assert at.of(shop.id, "tag") == 0
    assert at.finish_of(shop.tenant_id) == QUANTUM


@pytest.mark.parametrize("state", ["dispatched", "running"])
def test_a_turn_under_way_that_is_woken_comes_again(at: Turns, a_connector: AConnector, state: str) -> None:
    shop = a_connector()
    at.ready(shop.id)
    (one,) = at.dispatch()
    if state == "running":
        at.claim(one)
    at.wake(shop.id)
    assert at.of(shop.id, "state") == state
    assert at.of(shop.id, "again") is True
    if state == "dispatched":
        at.claim(one)
    at.release(one, park=FOREVER)
    assert at.of(shop.id, "state") == "ready"


def test_a_broken_turn_that_is_woken_gets_five_new_attempts(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.do("UPDATE turn SET state = 'broken', attempts = 5")
    at.wake(shop.id)
    assert at.of(shop.id, "state") == "ready"
    assert at.of(shop.id, "attempts") == 0


def test_waking_one_connector_wakes_no_other(at: Turns, a_connector: AConnector) -> None:
    shop, other = a_connector("shop"), a_connector("other")
    at.wake(shop.id)
    assert at.of(other.id, "state") == "parked"


# ---- one slice a store, whatever the code does


@pytest.mark.parametrize("states", [("dispatched", "running"), ("running", "running"), ("dispatched", "dispatched")])
def test_the_database_refuses_a_second_slice_of_a_store(
    at: Turns, a_connector: AConnector, states: tuple[str, str]
) -> None:
    one, two = a_connector("one", store_hash="same"), a_connector(tenant="other", store_hash="same")
    at.do("UPDATE turn SET state = :state WHERE connector_id = :id", state=states[0], id=one.id)
    with pytest.raises(IntegrityError, match="uq_turn_one_slice_a_store"):
        at.do("UPDATE turn SET state = :state WHERE connector_id = :id", state=states[1], id=two.id)


def test_the_database_refuses_a_state_that_is_none(at: Turns, a_connector: AConnector) -> None:
    a_connector()
    with pytest.raises(IntegrityError, match="ck_turn_state"):
        at.do("UPDATE turn SET state = 'lost'")


# ---- two sessions at once


def test_a_request_at_the_moment_of_a_release_is_not_lost(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    one = at.begin(shop.id)
    with as_scheduler(at.engine) as hand:
        # The release cannot charge the tenant, and stands still in the middle.
        hand.execute(text("SELECT 1 FROM tenant_turn FOR UPDATE"))
        releasing = threading.Thread(target=lambda: at.release(one, park=FOREVER))
        releasing.start()
        assert is_soon(lambda: waiting(at.engine) == 1)
        waking = threading.Thread(target=lambda: at.wake(shop.id))
        waking.start()
        waking.join(0.5)
    releasing.join()
    waking.join()
    assert at.of(shop.id, "state") == "ready"


def test_a_release_that_waits_does_not_touch_a_turn_that_was_taken_from_it(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    one = at.begin(shop.id)
    with as_scheduler(at.engine) as hand:
        hand.execute(text("SELECT 1 FROM tenant_turn FOR UPDATE"))
        releasing = threading.Thread(target=lambda: at.release(one, park=FOREVER))
        releasing.start()
        assert is_soon(lambda: waiting(at.engine) == 1)
        # Its lease runs out just now; who holds the row lets nobody sweep it.
        taken = at.do(
            "UPDATE turn SET epoch = epoch + 1 WHERE connector_id = (SELECT connector_id FROM turn"
            " WHERE connector_id = :id FOR UPDATE SKIP LOCKED) RETURNING epoch",
            id=shop.id,
        )
    releasing.join()
    assert (taken, at.of(shop.id, "state")) in [(None, "parked"), (2, "running")]


def test_a_release_and_the_pacemaker_do_not_wait_for_each_other_in_a_circle(at: Turns, a_connector: AConnector) -> None:
    running, due = a_connector("running"), a_connector("due")
    one = at.begin(running.id)
    at.do("UPDATE turn SET not_before = now() WHERE connector_id = :id", id=due.id)
    trouble: list[Exception] = []

    def release_and_dispatch() -> None:
        try:
            with as_scheduler(at.engine) as session:
                turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=None)
                turns.dispatch(session, door=8, ttl=TTL)
        except Exception as circle:  # noqa: BLE001 whatever it is, the test tells it
            trouble.append(circle)

    with as_scheduler(at.engine) as pacemaker:
        assert turns.take_the_baton(pacemaker)
        releasing = threading.Thread(target=release_and_dispatch)
        releasing.start()
        assert is_soon(lambda: waiting(at.engine) == 1)
        assert turns.sweep(pacemaker, quantum=QUANTUM, ttl=TTL, queue_is_empty=False) == (0, 1)
    releasing.join()
    assert trouble == []


def test_no_tag_falls_behind_a_virtual_time_that_moves_meanwhile(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    with as_scheduler(at.engine) as dispatching:
        assert turns.take_the_baton(dispatching)
        dispatching.execute(text("UPDATE scheduler SET virtual_time = 700"))
        waking = threading.Thread(target=lambda: at.wake(shop.id))
        waking.start()
        waking.join(0.3)
    waking.join()
    assert at.of(shop.id, "tag") == 700


def waiting(engine: Engine) -> int:
    """How many transactions wait for a lock."""
    with engine.connect() as connection:
        return int(
            connection.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock'"
                )
            )
            or 0
        )


def is_soon(claim: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(claim() or pause.wait(0.02) for _ in range(150))


# ---- what the operator sees


def test_the_operator_sees_all_turns_by_tenant_and_name(at: Turns, a_connector: AConnector) -> None:
    b, a = a_connector("b", tenant="zeta"), a_connector("a", tenant="zeta")
    other = a_connector("c", tenant="alpha")
    at.do("UPDATE turn SET not_before = 'infinity' WHERE connector_id = :id", id=b.id)
    at.ready(other.id)
    with as_scheduler(at.engine) as session:
        seen = overview.standings(session)
    assert [(one.tenant, one.connector, one.state) for one in seen] == [
        ("alpha", "c", "ready"),
        ("zeta", "a", "parked"),
        ("zeta", "b", "parked"),
    ]
    assert seen[0] == Standing("alpha", "c", other.tenant_id, other.id, "ready", 0.0, None, None, 0)
    assert seen[1].not_before is not None
    assert seen[1].connector_id == a.id
    assert seen[2].not_before is None


# ---- rests


def test_while_its_source_rests_a_connector_is_not_dispatched_and_a_request_changes_nothing(
    at: Turns, a_connector: AConnector
) -> None:
    shop, other = a_connector("shop", store_hash="s"), a_connector("other", store_hash="s")
    one = at.begin(shop.id)
    with as_scheduler(at.engine) as session:
        assert rests.count_failure(session, Neighbour.SOURCE, shop.id, one.epoch, is_first=False) == 1
        assert rests.count_failure(session, Neighbour.SOURCE, shop.id, one.epoch, is_first=False) == 2
        until = rests.rest(session, Neighbour.SOURCE, shop.id, one.epoch, seconds=60)
    at.release(one, park=60.0)
    at.wake(shop.id)
    assert at.of(shop.id, "state") == "ready"
    at.ready(other.id)
    assert [passed.connector_id for passed in at.dispatch()] == [other.id], "whose source is another one"
    with as_scheduler(at.engine) as session:
        seen = {line.connector: line.rests_until for line in overview.standings(session)}
        assert overview_of(session, shop.id).is_held_back
    assert seen == {"shop": until, "other": None}


def test_a_store_rests_for_all_its_connectors_until_a_slice_was_served(at: Turns, a_connector: AConnector) -> None:
    shop, other = a_connector("shop", store_hash="s"), a_connector("other", store_hash="s")
    elsewhere = a_connector("elsewhere", store_hash="t")
    one = at.begin(shop.id)
    with as_scheduler(at.engine) as session:
        assert rests.count_failure(session, Neighbour.STORE, shop.id, one.epoch, is_first=False) == 1
        until = rests.rest(session, Neighbour.STORE, shop.id, one.epoch, seconds=60)
    at.release(one, park=60.0)
    at.ready(other.id, elsewhere.id)
    assert [passed.connector_id for passed in at.dispatch()] == [elsewhere.id]
    with as_scheduler(at.engine) as session:
        seen = {line.connector: line.rests_until for line in overview.standings(session)}
    assert seen == {"shop": until, "other": until, "elsewhere": None}
    at.do("UPDATE store_turn SET not_before = now() - interval '1 s' WHERE store_hash = 's'")
    (probe,) = at.dispatch()
    assert at.claim(probe)
    assert at.do("SELECT failures FROM store_turn WHERE store_hash = 's'") == 1
    with as_scheduler(at.engine) as session:
        rests.heal(session, Neighbour.STORE, probe.connector_id, probe.epoch - 1)
    assert at.do("SELECT failures FROM store_turn WHERE store_hash = 's'") == 1, "a slice that lost its turn"
    with as_scheduler(at.engine) as session:
        rests.heal(session, Neighbour.STORE, probe.connector_id, probe.epoch)
    assert at.do("SELECT failures FROM store_turn WHERE store_hash = 's'") == 0


def test_a_slice_that_got_on_before_its_store_failed_counts_as_the_first(at: Turns, a_connector: AConnector) -> None:
    one = at.begin(a_connector().id)
    at.do("UPDATE store_turn SET failures = 5")
    with as_scheduler(at.engine) as session:
        assert rests.count_failure(session, Neighbour.STORE, one.connector_id, one.epoch, is_first=True) == 1


def overview_of(session: Session, connector_id: int) -> overview.TurnNow:
    found = overview.turn(session, connector_id)
    assert found is not None
    return found


# ---- the door and the free slots


def a_process(at: Turns, worker: str, *, slots: int) -> datetime:
    with as_scheduler(at.engine) as session:
        return processes.begin(session, worker, slots=slots)


def test_no_more_turns_stand_at_the_door_than_there_are_free_slots(at: Turns, a_connector: AConnector) -> None:
    made = [a_connector(f"c{n}", tenant=f"t{n}") for n in range(5)]
    a_process(at, "w1", slots=2)
    at.ready(*(one.id for one in made))
    first, second = at.dispatch()
    assert at.dispatch() == []
    assert at.claim(first)
    assert at.dispatch() == [], "the other slot is for who stands at the door"
    assert at.claim(second)
    assert at.dispatch() == []
    assert at.release(first)
    assert len(at.dispatch()) == 1
    a_process(at, "w2", slots=16)
    assert [one.connector_id for one in at.dispatch(door=2)] == [made[3].id], "the door is no wider for that"


def test_who_comes_while_all_slots_are_held_is_next_if_it_is_poorer(at: Turns, a_connector: AConnector) -> None:
    giants = [a_connector(f"g{n}", tenant="giant") for n in range(4)]
    a_process(at, "w1", slots=1)
    at.ready(*(one.id for one in giants))
    (under_way,) = at.dispatch()
    assert at.claim(under_way)
    small = a_connector("small", tenant="small")
    at.ready(small.id)
    assert at.release(under_way)
    assert [one.connector_id for one in at.dispatch()] == [small.id]


def test_slots_of_a_process_that_ends_or_is_gone_are_not_counted(at: Turns, a_connector: AConnector) -> None:
    made = [a_connector(f"c{n}", tenant=f"t{n}") for n in range(4)]
    began = a_process(at, "w1", slots=1)
    a_process(at, "w2", slots=1)
    at.ready(*(one.id for one in made))
    first, _ = at.dispatch()
    assert at.claim(first)  # by w1
    with as_scheduler(at.engine) as session:
        assert processes.free_slots(session) == 1
        processes.seen(session, "w1", began, ends=True)
        assert processes.free_slots(session) == 1, "the slice of a process that ends holds none of the others' slots"
        session.execute(text("UPDATE worker_process SET seen_at = now() - interval '31 s'"))
        assert processes.free_slots(session) is None
    assert len(at.dispatch(door=4)) == 2, "where nobody says how many slots there are, the door's size counts"


def test_slices_of_a_process_that_is_gone_hold_no_slots_of_the_next_of_its_name(
    at: Turns, a_connector: AConnector
) -> None:
    made = [a_connector(f"c{n}", tenant=f"t{n}") for n in range(4)]
    began = a_process(at, "w1", slots=2)
    at.ready(*(one.id for one in made))
    for one in at.dispatch():
        assert at.claim(one)
    with as_scheduler(at.engine) as session:
        processes.seen(session, "w1", began, ends=True)
    a_process(at, "w1", slots=2)
    assert len(at.dispatch()) == 2


def test_a_process_that_nobody_knows_says_so(at: Turns) -> None:
    began = a_process(at, "w1", slots=2)
    with as_scheduler(at.engine) as session:
        assert processes.seen(session, "w1", began)
        session.execute(text("DELETE FROM worker_process"))
        assert not processes.seen(session, "w1", began)
