"""The door is as wide as the free slots, which worker processes tell."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from tests.turning import AConnector, Turns
from worker.ledger import processes
from worker.ledger.session import as_scheduler

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
