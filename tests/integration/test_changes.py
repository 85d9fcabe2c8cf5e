"""What is still to be sent: planned, taken, given back, doubted, done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import Action, ItemKind
from worker.catalog.changes import Change, CreateProduct, CreateVariant, Disable, ShowOptions, UpdateProduct
from worker.catalog.items import Option, OptionValue, Product, Variant
from worker.ledger import changes
from worker.ledger.changes import Pending
from worker.ledger.session import Session, as_tenant

PRODUCT, VARIANT = ItemKind.PRODUCT, ItemKind.VARIANT
AConnector = Callable[..., Any]


class Queue:
    """One connector's pending changes, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id

    def plan(self, *planned: tuple[int, Change], run_id: int = 1) -> None:
        changes.plan(self.session, self.tenant_id, self.id, run_id, planned)

    def take(self, wave: int = 1, *, limit: int = 100) -> list[Pending]:
        return changes.take(self.session, self.id, wave, limit=limit)

    def states(self) -> dict[int, str]:
        rows = self.session.execute(text("SELECT source_id, state FROM pending_change ORDER BY id"))
        return {row[0]: row[1] for row in rows}


def gone(source_id: int, kind: ItemKind = PRODUCT) -> Disable:
    return Disable(kind, source_id)


def an_update(source_id: int, name: str = "Ball") -> UpdateProduct:
    product = Product(source_id, (), {"name": name})
    return UpdateProduct(source_id, product, (), frozenset({"text"}), {"text": name})


@pytest.fixture
def queue(engine: Engine, a_connector: AConnector) -> Iterator[Queue]:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        yield Queue(session, made)


def test_a_change_comes_back_as_it_was_planned(queue: Queue) -> None:
    red = Variant(7, 1, {"sku": "s7"}, (OptionValue("Colour", "Red", ("#ff0000",)),))
    made = CreateProduct(
        1,
        Product(1, (4, 5), {"name": "Ball\x00"}),
        (red,),
        (Option("Colour", "swatch", (("Red", ("#ff0000",)),)),),
        ((1, 4),),
        {"text": "f"},
        {7: {"price": "g"}},
    )
    queue.plan((1, made))
    (one,) = queue.take()
    assert one.change == CreateProduct(
        1,
        Product(1, (4, 5), {"name": "Ball"}),
        made.variants,
        made.options,
        made.places,
        made.fingerprints,
        made.variant_fingerprints,
    )
    assert (one.attempts, one.unsure) == (0, False)


def test_nothing_planned_is_nothing_kept(queue: Queue) -> None:
    queue.plan()
    assert changes.left(queue.session, queue.id) == {}
    assert changes.wave(queue.session, queue.id) is None
    assert changes.front(queue.session, queue.id) is None


def test_a_change_that_is_planned_again_replaces_the_older_one(queue: Queue) -> None:
    queue.plan((1, an_update(1, "old")), (1, gone(1)))
    queue.session.execute(text("UPDATE pending_change SET attempts = 2"))
    queue.plan((2, an_update(1, "new")), run_id=9)
    assert changes.left(queue.session, queue.id) == {("product", "update"): 1, ("product", "disable"): 1}
    (one,) = queue.take(2)
    assert one.change == an_update(1, "new")
    assert (one.attempts, one.unsure) == (0, False)
    assert queue.session.scalar(text("SELECT run_id FROM pending_change WHERE action = 'update'")) == 9


@pytest.mark.parametrize("state", ["sending", "unsure"])
def test_what_may_have_been_sent_is_unsure_when_it_is_planned_again(queue: Queue, state: str) -> None:
    queue.plan((1, an_update(1)))
    queue.session.execute(text("UPDATE pending_change SET state = :state"), {"state": state})
    queue.plan((1, an_update(1, "new")))
    assert queue.states() == {1: "unsure"}


def test_what_may_have_been_sent_is_not_cleared_away(queue: Queue) -> None:
    queue.plan(*((1, gone(number)) for number in (1, 2, 3)))
    queue.session.execute(text("UPDATE pending_change SET state = 'unsure' WHERE source_id = 2"))
    queue.session.execute(text("UPDATE pending_change SET state = 'sending' WHERE source_id = 3"))
    changes.clear(queue.session, queue.id)
    assert queue.states() == {2: "unsure", 3: "sending"}


def test_what_an_earlier_slice_was_sending_is_doubted(queue: Queue) -> None:
    queue.plan((1, gone(1)), (1, gone(2)))
    queue.take(limit=1)
    changes.doubt(queue.session, queue.id)
    assert queue.states() == {1: "unsure", 2: "pending"}


def test_the_first_wave_is_taken_up_first(queue: Queue) -> None:
    queue.plan((3, gone(1)), (2, gone(2)), (2, gone(3)))
    assert changes.wave(queue.session, queue.id) == 2
    assert changes.front(queue.session, queue.id) == (2, gone(2))
    assert [one.change for one in queue.take(2)] == [gone(2), gone(3)]
    assert queue.take(2) == []
    assert changes.front(queue.session, queue.id) == (2, gone(2))  # what is under way holds up the next wave
    changes.done(queue.session, [one[0] for one in queue.session.execute(
        text("SELECT id FROM pending_change WHERE wave = 2"))])  # fmt: skip
    assert changes.front(queue.session, queue.id) == (3, gone(1))


def test_what_is_next_is_what_is_not_under_way(queue: Queue) -> None:
    queue.plan((1, gone(1)), (1, gone(2)))
    queue.take(limit=1)
    assert changes.front(queue.session, queue.id) == (1, gone(2))


def test_unsure_changes_are_taken_before_others(queue: Queue) -> None:
    queue.plan(*((1, gone(number)) for number in (1, 2, 3)))
    queue.session.execute(text("UPDATE pending_change SET state = 'unsure' WHERE source_id = 3"))
    first = queue.take(limit=2)
    assert [(one.change.source_id, one.unsure) for one in first] == [(1, False), (3, True)]
    assert queue.states() == {1: "sending", 2: "pending", 3: "sending"}
    assert [one.change.source_id for one in queue.take(limit=2)] == [2]


def test_what_was_surely_not_sent_is_as_it_was(queue: Queue) -> None:
    queue.plan(*((1, gone(number)) for number in (1, 2, 3)))
    queue.session.execute(text("UPDATE pending_change SET state = 'unsure', attempts = 1 WHERE source_id = 3"))
    taken = queue.take()
    changes.give_back(queue.session, [one for one in taken if one.change.source_id != 2])
    assert queue.states() == {1: "pending", 2: "sending", 3: "unsure"}
    assert queue.take()[1].attempts == 1


def test_what_has_no_answer_is_unsure_and_counted(queue: Queue) -> None:
    queue.plan((1, gone(1)), (1, gone(2)))
    taken = queue.take()
    changes.retry_later(queue.session, [taken[0].id])
    changes.retry_later(queue.session, [])
    assert queue.states() == {1: "unsure", 2: "sending"}
    (again,) = queue.take()
    assert (again.attempts, again.unsure) == (1, True)


def test_what_is_done_is_pending_no_more(queue: Queue) -> None:
    queue.plan((1, gone(1)), (1, gone(2)))
    changes.done(queue.session, [queue.take(limit=1)[0].id])
    changes.done(queue.session, [])
    assert queue.states() == {2: "pending"}


def test_all_that_is_pending_for_an_item_goes_with_it(queue: Queue) -> None:
    queue.plan((1, an_update(1)), (2, ShowOptions(1, (), "f")), (1, gone(2)), (1, gone(1, VARIANT)))
    changes.drop_others(queue.session, queue.id, PRODUCT, [1])
    assert changes.left(queue.session, queue.id) == {("product", "disable"): 1, ("variant", "disable"): 1}


def test_two_slices_never_take_one_change(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        Queue(session, made).plan((1, gone(1)), (1, gone(2)))
    with as_tenant(engine, made.tenant_id) as session:
        assert len(Queue(session, made).take()) == 2
    with as_tenant(engine, made.tenant_id) as session:
        assert Queue(session, made).take() == []


def test_a_connector_takes_nothing_of_another(queue: Queue, engine: Engine, a_connector: AConnector) -> None:
    queue.plan((1, gone(1)))
    queue.session.commit()
    other = a_connector("other")
    with as_tenant(engine, other.tenant_id) as session:
        at = Queue(session, other)
        at.plan((1, gone(1)))
        changes.doubt(session, other.id)
        assert len(at.take()) == 1
        changes.clear(session, other.id)
        changes.drop_others(session, other.id, PRODUCT, [1])
        assert changes.left(session, other.id) == {}
        assert changes.left(session, queue.id) == {("product", "disable"): 1}


def test_sizes_count_inline_variants_as_creations() -> None:
    variants = tuple(Variant(number, 1, {}) for number in (7, 8))
    planned: list[Change] = [
        CreateProduct(1, Product(1, (), {}), variants, (), (), {}),
        CreateProduct(2, Product(2, (), {}), (), (), (), {}),
        CreateVariant(9, 3, Variant(9, 3, {}), (), {}),
        gone(4),
    ]
    assert changes.sizes(planned) == {
        (PRODUCT, 0, Action.CREATE): 2,
        (VARIANT, 0, Action.CREATE): 3,
        (PRODUCT, 0, Action.DISABLE): 1,
    }
