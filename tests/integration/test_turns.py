"""Whose turn it is: tags, claim, renew, release and wake, on a real Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.turning import FOREVER, LEASE, QUANTUM, AConnector, Turns
from worker.ledger import overview, tags, turns
from worker.ledger.overview import Standing
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import BROKEN_AFTER, Dispatched, Renewed

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


@pytest.mark.parametrize("park", [None, 60.0], ids=["more work", "parked"])
@pytest.mark.parametrize(
    ("virtual_time", "finish", "weight", "held"),
    [(0.0, 60.0, 1.0, 30.0), (500.0, 60.0, 1.0, 30.0), (500.0, 900.0, 0.5, 90.0), (7.0, 7.0, 3.0, -5.0)],
    ids=["alone", "behind the virtual time", "ahead of it, and poor", "a clock that was set back"],
)
def test_the_database_reckons_what_a_turn_has_cost_as_the_code_does(
    at: Turns,
    a_connector: AConnector,
    virtual_time: float,
    finish: float,
    weight: float,
    held: float,
    park: float | None,
) -> None:
    """`release_turn` is a function of the database, and the rest of the arithmetic stands in `tags`."""
    shop = a_connector(weight=weight)
    one = at.begin(shop.id)
    at.do("UPDATE scheduler SET virtual_time = :now", now=virtual_time)
    at.do("UPDATE tenant_turn SET virtual_finish = :finish", finish=finish)
    with as_scheduler(at.engine) as session:  # in which the time stands still
        session.execute(text("UPDATE turn SET started_at = now() - make_interval(secs => :s)"), {"s": held})
        assert turns.release(session, shop.id, one.epoch, quantum=QUANTUM, park=park)
    settled = tags.settle(finish, weight=weight, quantum=QUANTUM, held=held)
    charged = tags.charge(virtual_time, settled, weight=weight, quantum=QUANTUM)
    expected = (settled, None) if park is not None else (charged.finish, charged.tags[0])
    assert (at.finish_of(shop.tenant_id), at.of(shop.id, "tag")) == pytest.approx(expected)
