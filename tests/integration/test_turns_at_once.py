"""Two sessions at one turn: nothing is lost, and nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from tests.turning import FOREVER, QUANTUM, TTL, AConnector, Turns
from worker.ledger import lapsed, turns
from worker.ledger.session import as_scheduler

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


@pytest.mark.parametrize(
    ("change", "column", "wanted"),
    [
        ("UPDATE turn SET again = true", "state", "ready"),
        ("UPDATE scheduler SET virtual_time = 7e6", "tag", 7e6),
        ("UPDATE tenant_turn SET virtual_finish = 9e6", "tag", 9e6),
    ],
)
def test_a_release_that_waits_goes_by_what_stands_there_by_then(
    at: Turns, a_connector: AConnector, change: str, column: str, wanted: object
) -> None:
    shop = a_connector()
    one = at.begin(shop.id)
    park = FOREVER if column == "state" else None
    with as_scheduler(at.engine) as hand:
        hand.execute(text(change))
        releasing = threading.Thread(target=lambda: at.release(one, park=park))
        releasing.start()
        assert is_soon(lambda: waiting(at.engine) == 1)
    releasing.join()
    found = at.of(shop.id, column)
    assert found == wanted if column == "state" else float(found) == pytest.approx(wanted, rel=1e-4)


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
        assert lapsed.sweep(pacemaker, quantum=QUANTUM, ttl=TTL, queue_is_empty=False) == (0, 1)
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
