"""`connector requeue`: a turn put back to ready, and why it is not where something else would help."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import Deed, RunState
from tests.operators import Operator, in_its_name
from worker.ledger import journal, runs, turns
from worker.ledger.session import as_scheduler, as_tenant


def turn(operator: Operator, column: str = "state") -> Any:
    with as_scheduler(operator.here.engine) as session:
        return session.scalar(text(f"SELECT {column} FROM turn"))  # noqa: S608 a test's own


def do(operator: Operator, statement: str) -> None:
    with as_scheduler(operator.here.engine) as session:
        session.execute(text(statement))


def deeds(operator: Operator) -> list[Any]:
    tenant_id, connector_id = in_its_name(operator.here.engine)
    with as_tenant(operator.here.engine, tenant_id) as session:
        return [one for one in journal.entries(session, connector_id) if one.what is Deed.REQUEUED]


BACK_OFF = "UPDATE turn SET state = 'parked', not_before = now() + interval '20 min', tag = NULL"
BROKEN = "UPDATE turn SET state = 'broken', attempts = 5, not_before = 'infinity'"


@pytest.mark.parametrize(("before", "was"), [(BROKEN, "broken"), (BACK_OFF, "parked")])
def test_what_is_broken_or_backs_off_is_taken_up_again(acme: Operator, before: str, was: str) -> None:
    acme.adds()
    do(acme, before)
    said = acme.says("requeue", "spring-shop").stdout
    assert said == f"spring-shop was {was}. No worker is there; an operator must start one.\n"
    assert (turn(acme), turn(acme, "attempts"), turn(acme, "epoch")) == ("dispatched", 0, 1)
    assert turn(acme, "tag") is not None
    assert [one.epoch for one in acme.published] == [1]
    [entry] = deeds(acme)
    assert (entry.details, "(command line)" in entry.who) == ({"was": was, "rests_ended": []}, True)


def test_a_message_that_was_not_lost_after_all_claims_nothing(acme: Operator) -> None:
    acme.adds()
    acme.says("run", "spring-shop")
    [first] = acme.published
    tag = turn(acme, "tag")
    assert "spring-shop was dispatched." in acme.says("requeue", "spring-shop").stdout
    assert (turn(acme), turn(acme, "epoch"), turn(acme, "tag")) == ("dispatched", first.epoch + 1, tag)
    for one, claims in ((first, False), (acme.published[-1], True)):
        with as_tenant(acme.here.engine, one.tenant_id) as session:
            claimed = turns.claim(session, one.connector_id, one.epoch, lease=25.0, worker="w1")
            assert (claimed is not None) is claims


def test_a_second_connector_of_its_store_keeps_its_slice(acme: Operator) -> None:
    acme.adds()
    acme.says("run", "spring-shop")
    [first] = acme.published
    with as_tenant(acme.here.engine, first.tenant_id) as session:
        assert turns.claim(session, first.connector_id, first.epoch, lease=25.0, worker="w1")
    acme.adds(name="autumn-shop")
    do(acme, f"{BROKEN} WHERE name = 'autumn-shop'")
    with as_scheduler(acme.here.engine) as session:
        session.execute(text("INSERT INTO worker_process (worker, started_at, seen_at, slots) VALUES"
                             " ('w1', now() - interval '1 min', now(), 4)"))  # fmt: skip
    said = acme.says("requeue", "autumn-shop").stdout
    assert (
        said
        == "autumn-shop was broken. Another connector of the same store has a slice; a store serves one at a time.\n"
    )
    assert len(acme.published) == 1


def test_the_rest_stands_unless_it_is_to_end(acme: Operator) -> None:
    acme.adds()
    do(acme, BACK_OFF)
    do(acme, "UPDATE store_turn SET not_before = now() + interval '20 min', failures = 4")
    do(acme, "UPDATE turn SET source_not_before = now() + interval '5 min', source_failures = 2")
    do(acme, "INSERT INTO worker_process (worker, started_at, seen_at, slots) VALUES ('w1', now(), now(), 4)")
    told = acme.says("requeue", "spring-shop")
    assert "The store has failed several times" in told.stdout
    assert "--end-rest ends that" in told.stderr
    assert (turn(acme), acme.published) == ("ready", [])
    told = acme.says("requeue", "spring-shop", "--end-rest")
    assert "it had failed 4 times in a row" in told.stdout
    assert "It is next" in told.stdout
    assert turn(acme, "source_not_before < now() AND source_failures = 0")
    with as_scheduler(acme.here.engine) as session:
        assert session.scalar(text("SELECT not_before < now() AND failures = 0 FROM store_turn"))
    assert [one.epoch for one in acme.published] == [1]
    assert deeds(acme)[0].details == {"was": "ready", "rests_ended": ["store", "source"]}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (RunState.PAUSED, "is paused: `connector resume spring-shop`"),
        (RunState.AWAITING_APPROVAL, "`connector approve spring-shop` or `connector cancel spring-shop`"),
    ],
)
def test_a_run_that_is_held_waits_for_whoever_holds_it(acme: Operator, state: RunState, says: str) -> None:
    acme.adds()
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        run_id = runs.request(session, tenant_id, connector_id, refresh=False)
        runs.become(session, run_id, RunState.PREPARING)
        runs.become(session, run_id, state)
    do(acme, BROKEN)
    assert says in acme.says("requeue", "spring-shop", "--end-rest", code=2).stderr
    assert (turn(acme), acme.published, deeds(acme)) == ("broken", [], [])


def test_nobody_is_brought_round_a_switch_or_taken_from_a_worker(acme: Operator) -> None:
    def refuses(says: str) -> None:
        assert says in acme.says("requeue", "spring-shop", code=2).stderr

    acme.adds()
    do(acme, "UPDATE turn SET not_before = 'infinity'")
    refuses("has nothing to do: `connector run spring-shop`")
    do(acme, "UPDATE turn SET state = 'ready', tag = 1, ready_at = now()")
    refuses("is ready already: `connector ps`")
    do(acme, "UPDATE turn SET state = 'running', worker = 'w1', deadline = now() + interval '20 s'")
    refuses("has its slice, at w1")
    do(acme, "UPDATE turn SET deadline = now() - interval '1 s'")
    refuses("is over: the next look of any worker makes it ready")
    do(acme, BROKEN)
    acme.says("disable", "spring-shop", "--reason", "stocktaking")
    refuses("is switched off (stocktaking): `connector enable spring-shop`")
    assert (acme.published, deeds(acme)) == ([], [])
