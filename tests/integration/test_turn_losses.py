"""Leases that ran out, messages that were lost, and what is parked until now."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.turning import FOREVER, QUANTUM, AConnector, Turns
from worker.ledger import slices, turns
from worker.ledger.session import as_tenant
from worker.ledger.turns import BROKEN_AFTER

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


def test_a_claim_is_in_the_log_of_slices_with_what_it_waited(at: Turns, a_connector: AConnector) -> None:
    shop = a_connector()
    at.ready(shop.id)
    (one,) = at.dispatch()
    at.do("UPDATE turn SET ready_at = now() - interval '100 s'")
    with as_tenant(at.engine, shop.tenant_id) as session:
        claimed = turns.claim(session, shop.id, one.epoch, lease=25.0, worker="w7")
        logged = session.execute(text("SELECT epoch, worker, tenant_id, ended_at FROM slice_log")).one()
    assert claimed is not None
    assert claimed.waited == pytest.approx(100, abs=5)
    assert tuple(logged) == (one.epoch, "w7", shop.tenant_id, None)


def test_a_dispatch_that_went_down_with_postgres_is_claimed_once_more(at: Turns, a_connector: AConnector) -> None:
    """The commit of a dispatch does not wait for the disk (decision 0022): its epoch may be given a second time."""
    shop = a_connector()
    at.ready(shop.id)
    (one,) = at.dispatch()
    assert at.claim(one)
    at.do("UPDATE turn SET state = 'dispatched', deadline = now() + interval '100 s'")
    assert at.claim(one)
    with as_tenant(at.engine, shop.tenant_id) as session:
        assert session.scalar(text("SELECT count(*) FROM slice_log")) == 1


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
        lost, heir = session.execute(text("SELECT ended_why, ended_at, ready_at, started_at FROM slice_log"
                                          " ORDER BY epoch")).all()  # fmt: skip
        assert lost.ended_why == "turn_lost"
        assert lost.started_at <= lost.ended_at == heir.ready_at <= heir.started_at
        # A slice that was only thought dead comes back: it ended when it lost its turn.
        slices.ended(session, shop.id, 1, slices.Ended("work_done", None, calls=3, settled=1))
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
