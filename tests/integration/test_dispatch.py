"""The door and the pacemaker: who passes, how many, once each, whoever looks at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.scraping import count
from worker.ledger import lapsed, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched
from worker.metrics import slices
from worker.scheduling import dispatch
from worker.scheduling.pacemaker import Pacemaker
from worker.settings import Settings

TTL, LEASE = 150.0, 25.0
AConnector = Callable[..., Any]
SETTINGS = Settings(door_size=3, dispatch_seconds=TTL, slice_yield_seconds=60.0, pacemaker_seconds=0.02)


def ready(engine: Engine, *connector_ids: int) -> None:
    with as_scheduler(engine) as session:
        turns.make_ready(session, connector_ids, quantum=60.0)


def pass_the_door(engine: Engine, *, door: int = 8) -> list[Dispatched]:
    with as_scheduler(engine) as session:
        return turns.dispatch(session, door=door, ttl=TTL)


def claim(engine: Engine, one: Dispatched) -> bool:
    with as_tenant(engine, one.tenant_id) as session:
        return turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="w1") is not None


def park(engine: Engine, one: Dispatched) -> bool:
    with as_scheduler(engine) as session:
        return turns.release(session, one.connector_id, one.epoch, quantum=60.0, park=3600.0)


def do(engine: Engine, statement: str, **values: Any) -> Any:
    with as_scheduler(engine) as session:
        found: Any = session.execute(text(statement), values)
        return found.scalar() if found.returns_rows else None


def states(engine: Engine) -> dict[int, str]:
    with as_scheduler(engine) as session:
        return {row[0]: row[1] for row in session.execute(text("SELECT connector_id, state FROM turn"))}


def is_soon(claim_: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(claim_() or pause.wait(0.02) for _ in range(150))


# ---- the door


def test_the_door_lets_no_more_pass_than_it_holds(engine: Engine, a_connector: AConnector) -> None:
    shops = [a_connector(f"shop{n}") for n in range(5)]
    ready(engine, *(shop.id for shop in shops))
    assert [one.connector_id for one in pass_the_door(engine, door=3)] == [shop.id for shop in shops[:3]]
    assert pass_the_door(engine, door=3) == []
    assert pass_the_door(engine, door=0) == []


def test_a_claim_makes_a_place_at_the_door(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, *(a_connector(f"shop{n}").id for n in range(3)))
    first, _ = pass_the_door(engine, door=2)
    assert claim(engine, first)
    assert len(pass_the_door(engine, door=2)) == 1


def test_what_passes_is_one_epoch_further_and_has_a_deadline(engine: Engine, a_connector: AConnector) -> None:
    shop = a_connector()
    do(engine, "UPDATE turn SET epoch = 41")
    ready(engine, shop.id)
    assert pass_the_door(engine) == [Dispatched(shop.tenant_id, shop.id, 42, "acme", "shop")]
    assert do(engine, "SELECT deadline BETWEEN now() + interval '140 s' AND now() + interval '150 s' FROM turn")


def test_the_virtual_time_is_the_greatest_tag_that_has_passed(engine: Engine, a_connector: AConnector) -> None:
    poor, rich = a_connector(tenant="poor"), a_connector(tenant="rich")
    do(engine, "UPDATE tenant_turn SET virtual_finish = 500 WHERE name = 'rich'")
    ready(engine, rich.id)
    pass_the_door(engine)
    assert do(engine, "SELECT virtual_time FROM scheduler") == 500
    # One that was swept keeps a tag from before; the virtual time does not fall back with it.
    ready(engine, poor.id)
    do(engine, "UPDATE turn SET tag = 20 WHERE connector_id = :id", id=poor.id)
    pass_the_door(engine)
    assert do(engine, "SELECT virtual_time FROM scheduler") == 500


def test_one_slice_a_store_passes_and_the_other_waits_for_its_end(engine: Engine, a_connector: AConnector) -> None:
    one = a_connector(tenant="one", store_hash="shared")
    two = a_connector(tenant="two", store_hash="shared")
    ready(engine, one.id)
    ready(engine, two.id)
    (first,) = pass_the_door(engine)
    assert first.connector_id == one.id
    claim(engine, first)
    assert pass_the_door(engine) == []
    park(engine, first)
    assert [other.connector_id for other in pass_the_door(engine)] == [two.id]


def test_a_taken_store_does_not_hold_up_those_behind(engine: Engine, a_connector: AConnector) -> None:
    shops = [a_connector(tenant=f"t{n}", store_hash="shared") for n in range(2)]
    behind = a_connector(tenant="behind")
    do(engine, "UPDATE tenant_turn SET virtual_finish = 100 WHERE name = 'behind'")
    ready(engine, *(shop.id for shop in shops), behind.id)
    assert [one.connector_id for one in pass_the_door(engine)] == [shops[0].id, behind.id]


def test_a_store_that_may_not_be_called_yet_lets_nobody_pass(engine: Engine, a_connector: AConnector) -> None:
    shop = a_connector(store_hash="resting")
    ready(engine, shop.id)
    do(engine, "UPDATE store_turn SET not_before = now() + interval '1 h'")
    assert pass_the_door(engine) == []
    do(engine, "UPDATE store_turn SET not_before = now() - interval '1 s'")
    assert len(pass_the_door(engine)) == 1


def test_a_tenant_has_no_more_slices_than_its_plan(engine: Engine, a_connector: AConnector) -> None:
    limited = [a_connector(f"shop{n}", tenant="limited", max_slots=2) for n in range(4)]
    other = a_connector(tenant="other")
    do(engine, "UPDATE tenant_turn SET virtual_finish = 10000 WHERE name = 'other'")
    ready(engine, *(shop.id for shop in limited), other.id)
    passed = pass_the_door(engine)
    assert [one.connector_id for one in passed] == [limited[0].id, limited[1].id, other.id]
    claim(engine, passed[0])
    assert pass_the_door(engine) == []  # one runs and one is dispatched: both count
    park(engine, passed[0])
    assert [one.connector_id for one in pass_the_door(engine)] == [limited[2].id]


@pytest.mark.parametrize("state", ["parked", "running", "broken"])
def test_only_who_is_ready_passes(engine: Engine, a_connector: AConnector, state: str) -> None:
    a_connector()
    do(engine, "UPDATE turn SET state = :state", state=state)
    assert pass_the_door(engine) == []


# ---- publishing


def test_who_is_woken_passes_and_its_message_goes_out_after_the_commit(engine: Engine, a_connector: AConnector) -> None:
    shop = a_connector()
    seen: list[str] = []
    dispatch.wake(engine, SETTINGS, lambda one: seen.append(states(engine)[one.connector_id]), shop.id)
    assert seen == ["dispatched"]


def test_where_a_message_could_not_be_sent_the_rest_is_not_tried_and_all_are_found_later(
    engine: Engine, a_connector: AConnector
) -> None:
    ready(engine, *(a_connector(f"shop{n}").id for n in range(3)))
    tried: list[str] = []

    def broken(one: Dispatched) -> None:
        tried.append(one.connector)
        if len(tried) == 2:
            raise ConnectionError

    dispatch.fill_the_door(engine, SETTINGS, broken)
    # A broker that does not answer costs seconds for each: nobody waits for it more than once.
    assert tried == ["shop0", "shop1"]
    do(engine, "UPDATE turn SET deadline = deadline - interval '6 s' WHERE epoch = 1 AND connector_id <> :sent",
       sent=do(engine, "SELECT min(connector_id) FROM turn"))  # fmt: skip
    again: list[Dispatched] = []
    assert Pacemaker(engine, SETTINGS, again.append, lambda: 0).look() == (2, 0)
    assert [(one.connector, one.epoch) for one in again] == [("shop1", 2), ("shop2", 2)]


# ---- the pacemaker


def test_the_pacemaker_wakes_what_is_due_and_lets_it_pass(engine: Engine, a_connector: AConnector) -> None:
    due = a_connector(first_check_in=-1.0)
    a_connector("later")
    sent: list[Dispatched] = []
    assert Pacemaker(engine, SETTINGS, sent.append, lambda: 5).look() == (0, 1)
    assert [one.connector_id for one in sent] == [due.id]


def test_the_pacemaker_finds_a_lease_that_ran_out(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, a_connector().id)
    (one,) = pass_the_door(engine)
    claim(engine, one)
    do(engine, "UPDATE turn SET deadline = now() - interval '1 s'")
    sent: list[Dispatched] = []
    before = count(slices.LOST, slices.BY_PACEMAKER)
    assert Pacemaker(engine, SETTINGS, sent.append, lambda: 0).look() == (1, 0)
    assert count(slices.LOST, slices.BY_PACEMAKER) == before + 1
    assert [heir.epoch for heir in sent] == [one.epoch + 1]


@pytest.mark.parametrize("length", [1, None])
def test_no_message_counts_as_lost_while_the_queue_holds_some_or_cannot_be_asked(
    engine: Engine, a_connector: AConnector, length: int | None
) -> None:
    ready(engine, a_connector().id)
    pass_the_door(engine)
    do(engine, "UPDATE turn SET deadline = deadline - interval '60 s'")
    assert Pacemaker(engine, SETTINGS, lambda _: None, lambda: length).look() == (0, 0)


def test_a_pacemaker_passes_by_while_another_has_the_baton(engine: Engine, a_connector: AConnector) -> None:
    a_connector(first_check_in=-1.0)
    pacemaker = Pacemaker(engine, SETTINGS, lambda _: None, lambda: 0)
    with as_scheduler(engine) as other:
        assert turns.take_the_baton(other)
        assert pacemaker.look() == (0, 0)
        with as_scheduler(engine) as third:
            assert not turns.take_the_baton(third)
            assert turns.dispatch(third, door=8, ttl=TTL, wait=False) == []
    assert pacemaker.look() == (0, 1)


def test_a_pacemaker_looks_until_it_is_stopped_whatever_goes_wrong(engine: Engine, a_connector: AConnector) -> None:
    shop = a_connector(first_check_in=-1.0)
    looks: list[int] = []

    def length() -> int:
        looks.append(1)
        if len(looks) == 1:
            raise ZeroDivisionError
        return 0

    pacemaker = Pacemaker(engine, SETTINGS, lambda _: None, length)
    thread = pacemaker.start()
    assert is_soon(lambda: states(engine)[shop.id] == "dispatched")
    pacemaker.stopped.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(looks) >= 2


def test_a_pacemaker_ends_a_process_with_a_stuck_slot(engine: Engine) -> None:
    given_up = threading.Event()
    pacemaker = Pacemaker(engine, SETTINGS, lambda _: None, lambda: 0, stuck=lambda: True, give_up=given_up.set)
    thread = pacemaker.start()
    assert given_up.wait(5)
    pacemaker.stopped.set()
    thread.join(5)


def test_a_process_with_a_stuck_slot_ends_though_its_pacemaker_is_stuck_too(engine: Engine) -> None:
    given_up, back = threading.Event(), threading.Event()

    def length() -> int:
        back.wait(10)
        return 0

    pacemaker = Pacemaker(engine, SETTINGS, lambda _: None, length, stuck=lambda: True, give_up=given_up.set)
    thread = pacemaker.start()
    assert given_up.wait(5)
    back.set()
    pacemaker.stopped.set()
    thread.join(5)


# ---- two sessions at once


def test_two_dispatchers_never_dispatch_one_turn_twice(engine: Engine, a_connector: AConnector) -> None:
    shops = [a_connector(f"shop{n}", tenant=f"t{n % 3}") for n in range(30)]
    ready(engine, *(shop.id for shop in shops))
    start = threading.Barrier(4)

    def work(_: int) -> list[Dispatched]:
        start.wait()
        got: list[Dispatched] = []
        while passed := pass_the_door(engine, door=2 + len(shops)):
            got += passed
        return got

    with ThreadPoolExecutor(4) as pool:
        passed = [one for got in pool.map(work, range(4)) for one in got]
    assert sorted(one.connector_id for one in passed) == sorted(shop.id for shop in shops)
    assert {one.epoch for one in passed} == {1}


def test_dispatchers_at_once_keep_to_the_door_together(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, *(a_connector(f"shop{n}").id for n in range(12)))
    start = threading.Barrier(4)

    def work(_: int) -> int:
        start.wait()
        return len(pass_the_door(engine, door=5))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 5


def test_a_message_that_is_delivered_to_many_is_claimed_by_one(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, a_connector().id)
    (one,) = pass_the_door(engine)
    start = threading.Barrier(6)

    def work(_: int) -> bool:
        start.wait()
        return claim(engine, one)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 1


def test_a_dispatcher_passes_over_a_turn_that_somebody_holds(engine: Engine, a_connector: AConnector) -> None:
    held, free = a_connector("held"), a_connector("free")
    ready(engine, held.id, free.id)
    with as_scheduler(engine) as hand:
        hand.execute(text("SELECT 1 FROM turn WHERE connector_id = :id FOR UPDATE"), {"id": held.id})
        assert [one.connector_id for one in pass_the_door(engine)] == [free.id]


def test_a_sweep_passes_over_a_slice_that_is_saving(engine: Engine, a_connector: AConnector) -> None:
    ready(engine, a_connector().id)
    (one,) = pass_the_door(engine)
    claim(engine, one)
    do(engine, "UPDATE turn SET deadline = now() - interval '1 s'")
    with as_tenant(engine, one.tenant_id) as saving:
        assert turns.renew(saving, one.connector_id, one.epoch, lease=LEASE, progress=True)
        with as_scheduler(engine) as session:
            assert lapsed.sweep(session, quantum=60.0, ttl=TTL, queue_is_empty=True) == (0, 0)
    assert states(engine) == {one.connector_id: "running"}


def test_slices_of_many_threads_share_the_stores_one_at_a_time(engine: Engine, a_connector: AConnector) -> None:
    """Workers at full speed, all doors open: one slice a store at any moment, and each connector gets on."""
    shops = [a_connector(f"shop{n}", tenant=f"t{n % 3}", store_hash=f"shared{n % 4}") for n in range(12)]
    ready(engine, *(shop.id for shop in shops))
    served: list[int] = []
    busy: set[int] = set()
    trouble: list[str] = []
    lock = threading.Lock()

    def work(_: int) -> None:
        while len(served) < 60:
            for one in pass_the_door(engine, door=4):
                if not claim(engine, one):
                    trouble.append(f"{one} was not claimed")
                    continue
                store = (one.connector_id - shops[0].id) % 4
                with lock:
                    if store in busy:
                        trouble.append(f"two slices of store {store}")
                    busy.add(store)
                    served.append(one.connector_id)
                with lock:
                    busy.discard(store)
                with as_scheduler(engine) as session:
                    turns.release(session, one.connector_id, one.epoch, quantum=60.0, park=None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert trouble == []
    assert set(served) == {shop.id for shop in shops}


def test_the_database_s_function_says_what_the_code_says(engine: Engine) -> None:
    """Who could have a worker now is asked here too, by a slice that might leave for somebody poorer."""
    with as_scheduler(engine) as session:
        passing = str(session.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'pass_the_door'")))
    assert " ".join(turns.may_pass().split()) in " ".join(passing.split())
