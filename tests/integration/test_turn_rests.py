"""A neighbour that rests keeps its connectors from passing."""

from __future__ import annotations

from tests.turning import AConnector, Turns
from worker.ledger import overview, rests
from worker.ledger.rests import Neighbour
from worker.ledger.session import Session, as_scheduler

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
