"""The queue as a connector's tenant sees it: its place, why it waits, and when it may have a slice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import Waiting
from tests.turning import QUANTUM, AConnector, Turns
from tests.visitors import Door
from worker.ledger import processes, queue
from worker.ledger.queue import Standing
from worker.ledger.session import as_scheduler, as_tenant


def standing(at: Turns, connector_id: int) -> Standing:
    with as_scheduler(at.engine) as session:
        found = queue.standing(session, connector_id, longest=QUANTUM)
    assert found is not None
    return found


def slots(at: Turns, count: int) -> None:
    with as_scheduler(at.engine) as session:
        processes.begin(session, "w1", slots=count)


def turned_over(at: Turns, made: Any, *seconds: float, ago: float = 60.0) -> None:
    """Slices of a connector that ended so long ago, each after so many seconds."""
    with as_tenant(at.engine, made.tenant_id) as session:
        for epoch, held in enumerate(seconds, 1000):
            session.execute(
                text(
                    "INSERT INTO slice_log (connector_id, epoch, tenant_id, worker, started_at, ended_at, ended_why)"
                    " VALUES (:id, :epoch, :tenant, 'w1', now() - make_interval(secs => :ago + :held),"
                    " now() - make_interval(secs => :ago), 'wanted')"
                ),
                {"id": made.id, "epoch": epoch, "tenant": made.tenant_id, "held": held, "ago": ago},
            )


def test_who_comes_before_is_counted_and_the_start_reckoned_from_how_slots_turned_over(
    at: Turns, a_connector: AConnector
) -> None:
    busy = [a_connector(f"b{n}", tenant=f"busy{n}") for n in range(2)]
    slots(at, 2)
    for one in busy:
        at.begin(one.id)
    waiting = [a_connector(f"c{n}", tenant=f"t{n}") for n in range(4)]
    for one in waiting:
        at.ready(one.id)
    assert [standing(at, one.id).place for one in waiting] == [0, 1, 2, 3]
    assert standing(at, waiting[3].id).expected_start is None, "no slice has ended, so nobody can know"
    turned_over(at, busy[0], 10, 20, 30)
    for place, one in enumerate(waiting):
        found = standing(at, one.id)
        assert found.why is Waiting.WAITS_FOR_SLOT
        with as_scheduler(at.engine) as session:
            now = session.scalar(text("SELECT now()"))
        assert found.expected_start is not None
        # Two slots, twenty seconds each: one becomes free every ten seconds.
        assert abs(found.expected_start - now - timedelta(seconds=10 * (place + 1))) < timedelta(seconds=2)
    assert standing(at, waiting[3].id).sentence == "It waits for a slot; 3 connectors come before it."
    turned_over(at, busy[1], 5000)
    found = standing(at, waiting[0].id)
    assert found.expected_start is not None
    assert found.expected_start - now < timedelta(seconds=QUANTUM), "a slice yields while others wait"


def test_what_is_past_or_of_workers_that_are_gone_says_nothing(at: Turns, a_connector: AConnector) -> None:
    busy, waiting = a_connector("busy", tenant="busy"), a_connector("waiting", tenant="waiting")
    slots(at, 1)
    at.begin(busy.id)
    at.ready(waiting.id)
    turned_over(at, busy, 10, ago=queue.LOOKED_BACK_SECONDS + 1)
    assert standing(at, waiting.id).expected_start is None
    at.do("UPDATE worker_process SET seen_at = now() - interval '1 min'")
    found = standing(at, waiting.id)
    assert (found.why, found.place, found.expected_start) == (Waiting.NO_WORKER, None, None)


def test_a_free_slot_is_had_at_once(at: Turns, a_connector: AConnector) -> None:
    made = a_connector()
    slots(at, 1)
    at.ready(made.id)
    found = standing(at, made.id)
    assert (found.why, found.place) == (Waiting.WAITS_FOR_SLOT, 0)
    assert found.expected_start is not None
    at.dispatch()
    assert standing(at, made.id).why is Waiting.AT_THE_DOOR


def test_another_connector_of_the_same_store_has_its_slice(at: Turns, a_connector: AConnector) -> None:
    first = a_connector("first", tenant="first", store_hash="shared")
    second = a_connector("second", tenant="second", store_hash="shared")
    slots(at, 4)
    at.begin(first.id)
    at.ready(second.id)
    found = standing(at, second.id)
    assert (found.why, found.place, found.expected_start) == (Waiting.STORE_BUSY, None, None)
    assert "first" not in found.sentence, "whose it is is nobody's business"
    assert standing(at, first.id).why is Waiting.RUNS


def test_the_plan_gives_no_more_slots(at: Turns, a_connector: AConnector) -> None:
    first, second = a_connector("first", max_slots=1), a_connector("second")
    slots(at, 4)
    at.begin(first.id)
    at.ready(second.id)
    assert standing(at, second.id).why is Waiting.PLAN_LIMIT
    other = a_connector("other", tenant="other")
    at.ready(other.id)
    assert standing(at, other.id).place == 0, "who cannot pass comes before nobody"


@pytest.mark.parametrize(("change", "why"), [
    ("UPDATE store_turn SET not_before = now() + interval '1 min'", Waiting.STORE_RESTS),
    ("UPDATE turn SET source_not_before = now() + interval '1 min'", Waiting.SOURCE_RESTS),
])  # fmt: skip
@pytest.mark.parametrize("state", ["ready", "parked"])
def test_its_neighbour_rests(at: Turns, a_connector: AConnector, change: str, why: Waiting, state: str) -> None:
    made = a_connector()
    slots(at, 1)
    at.ready(made.id)
    at.do("UPDATE turn SET state = :state, not_before = now() + interval '10 s'", state=state)
    at.do(change)
    found = standing(at, made.id)
    assert (found.why, found.place) == (why, None)
    assert found.expected_start == found.until
    assert found.until is not None


def test_parked_turns_wait_for_a_date_or_for_nothing_but_a_request(at: Turns, a_connector: AConnector) -> None:
    made = a_connector()
    found = standing(at, made.id)
    assert found.why is Waiting.PARKED
    assert found.until == found.expected_start
    assert found.until is not None
    at.do("UPDATE turn SET not_before = 'infinity'")
    assert standing(at, made.id) == Standing(Waiting.NOTHING_TO_DO, None, None, None, None)
    at.do("UPDATE turn SET state = 'broken'")
    assert standing(at, made.id).why is Waiting.BROKEN


def test_every_reason_has_a_sentence() -> None:
    assert all(Standing(why, None, None, None, None).sentence.endswith(".") for why in Waiting)


def test_what_is_held_up_waits_for_somebody(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"

    def why() -> str:
        return str(visitor.reads(f"{path}/queue")["why"])

    assert why() == "parked"
    visitor.posts(f"{path}/runs", status=202)
    visitor.posts(f"{path}/pause")
    assert why() == "paused"
    visitor.posts(f"{path}/resume")
    assert why() in {"no_worker", "at_the_door"}
    visitor.posts(f"{path}/disable", {"reason": "stocktaking"})
    told = visitor.reads(f"{path}/queue")
    assert (told["why"], told["place"], told["expected_start"]) == ("switched_off", None, None)
