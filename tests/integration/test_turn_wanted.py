"""Whether somebody poorer waits, and could have the worker."""

from __future__ import annotations

import pytest

from tests.turning import QUANTUM, AConnector, Turns

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
