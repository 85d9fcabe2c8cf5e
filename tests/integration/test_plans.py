"""Weights and plan limits: set and changed on the command line, and acting on the next turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.operators import Operator
from worker.ledger import turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched

QUANTUM, TTL, LEASE = 60.0, 150.0, 25.0
AConnector = Callable[..., Any]


def ready(engine: Engine, *connector_ids: int) -> None:
    with as_scheduler(engine) as session:
        turns.make_ready(session, connector_ids, quantum=QUANTUM)


def begin(engine: Engine, *, door: int) -> list[Dispatched]:
    """Fill the door, and claim all that passed."""
    with as_scheduler(engine) as session:
        passed = turns.dispatch(session, door=door, ttl=TTL)
    for one in passed:
        with as_tenant(engine, one.tenant_id) as session:
            assert turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="w")
    return passed


def end(engine: Engine, one: Dispatched, *, held: float = QUANTUM) -> None:
    with as_scheduler(engine) as session:
        session.execute(
            text("UPDATE turn SET started_at = now() - make_interval(secs => :held) WHERE connector_id = :id"),
            {"held": held, "id": one.connector_id},
        )
        assert turns.release(session, one.connector_id, one.epoch, quantum=QUANTUM, park=None)


def shares(engine: Engine, slices: int) -> Counter[str]:
    """Slot-seconds by tenant that one slot gives in so many slices; everybody has more work than that."""
    had: Counter[str] = Counter()
    for _ in range(slices):
        [one] = begin(engine, door=1)
        end(engine, one)
        had[one.tenant] += int(QUANTUM)
    return had


def test_a_tenant_that_weighs_twice_as_much_gets_twice_the_slot_seconds(
    operator: Operator, engine: Engine, a_connector: AConnector
) -> None:
    ready(engine, *(a_connector(tenant=name).id for name in ("light", "heavy")))
    assert operator.says("tenant", "set", "heavy", "--weight", "2").stdout == "tenant heavy: weight 2, no limit\n"
    had = shares(engine, 30)
    assert had["heavy"] == pytest.approx(2 * had["light"], abs=QUANTUM)
    operator.says("tenant", "set", "heavy", "--weight", "1")
    had = shares(engine, 30)
    assert had["heavy"] == pytest.approx(had["light"], abs=2 * QUANTUM)


def test_a_tenant_whose_weight_grows_does_not_wait_for_what_it_owed_by_the_old_one(
    operator: Operator, engine: Engine, a_connector: AConnector
) -> None:
    """A hundred turns of a light tenant lie far ahead; they come nearer with its new weight, in their order."""
    giants = [a_connector(f"shop{n}", tenant="giant", weight=0.01).id for n in range(5)]
    ready(engine, *giants, a_connector(tenant="other").id)
    operator.says("tenant", "set", "giant", "--weight", "1")
    with as_scheduler(engine) as session:
        tags = session.scalars(text("SELECT tag FROM turn JOIN tenant_turn t USING (tenant_id)"
                                    " WHERE t.name = 'giant' ORDER BY connector_id")).all()  # fmt: skip
        finish = session.scalar(text("SELECT virtual_finish FROM tenant_turn WHERE name = 'giant'"))
    assert tags == [0, 60, 120, 180, 240]
    assert finish == 300
    assert shares(engine, 8) == {"giant": 240, "other": 240}


@pytest.mark.parametrize("most", [1, 2])
def test_a_tenant_never_has_more_slices_at_once_than_its_plan(
    operator: Operator, engine: Engine, a_connector: AConnector, most: int
) -> None:
    ready(engine, *(a_connector(f"shop{n}", tenant="limited").id for n in range(6)))
    told = operator.says("tenant", "set", "limited", "--max-slots", str(most)).stdout
    assert told == f"tenant limited: weight 1, at most {most} at once\n"
    under_way: list[Dispatched] = []
    served: set[int] = set()
    for _ in range(12):
        under_way += begin(engine, door=8)
        assert len(under_way) == most
        served.add(under_way[0].connector_id)
        end(engine, under_way.pop(0))
    assert len(served) == 6


def test_a_limit_that_falls_lets_slices_under_way_go_on_and_is_lifted_again(
    operator: Operator, engine: Engine, a_connector: AConnector
) -> None:
    ready(engine, *(a_connector(f"shop{n}").id for n in range(5)))
    under_way = begin(engine, door=3)
    assert len(under_way) == 3
    operator.says("tenant", "set", "acme", "--max-slots", "2")
    assert begin(engine, door=8) == []
    end(engine, under_way[0])
    assert begin(engine, door=8) == []  # two are under way still
    end(engine, under_way[1])
    assert len(begin(engine, door=8)) == 1
    operator.says("tenant", "set", "acme", "--no-limit")
    assert len(begin(engine, door=8)) == 3


def test_what_is_set_is_listed(operator: Operator) -> None:
    operator.says("tenant", "add", "acme", "--weight", "2", "--max-slots", "3")
    [line] = operator.reads("tenant", "list", shape="tenant list")["tenants"]
    assert (line["weight"], line["max_slots"]) == (2, 3)
    operator.says("tenant", "set", "acme", "--weight", "0.5", "--no-limit")
    [line] = operator.reads("tenant", "list", shape="tenant list")["tenants"]
    assert (line["weight"], line["max_slots"]) == (0.5, None)


@pytest.mark.parametrize(("words", "sentence"), [
    (("set", "acme"), "there is nothing to change: give --weight, --max-slots, --no-limit or --time-zone."),
    (("set", "acme", "--max-slots", "2", "--no-limit"), "--max-slots and --no-limit exclude each other."),
    (("set", "acne", "--weight", "2"), "there is no tenant 'acne'; did you mean acme?"),
    (("set", "acme", "--weight", "0"), "'--weight': Input should be greater than or equal to 0.01"),
    (("set", "acme", "--weight", "-1"), "'--weight': Input should be greater than or equal to 0.01"),
    (("set", "acme", "--weight", "nan"), "'--weight': Input should be"),
    (("set", "acme", "--weight", "inf"), "'--weight': Input should be less than or equal to 1000"),
    (("set", "acme", "--weight", "much"), "'--weight': "),
    (("set", "acme", "--max-slots", "0"), "'--max-slots': Input should be greater than or equal to 1"),
    (("set", "acme", "--max-slots", "1.5"), "'--max-slots': "),
    (("add", "other", "--weight", "nan"), "'--weight': Input should be"),
    (("add", "other", "--max-slots", "0"), "'--max-slots': Input should be greater than or equal to 1"),
])  # fmt: skip
def test_what_is_no_weight_and_no_limit_is_refused_and_changes_nothing(
    acme: Operator, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in acme.says("tenant", *words, code=2).stderr
    assert acme.reads("tenant", "list", shape="tenant list")["tenants"] == [
        {"tenant": "acme", "id": 1, "weight": 1.0, "max_slots": None, "connectors": 0, "time_zone": "UTC"}
    ]
