"""A batch that is refused is halved until the guilty item stands alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from worker.bigcommerce import batches
from worker.bigcommerce.client import Answer
from worker.errors import AnswerLost, QuotaSpent, RefusedByStore, StoreUnwell, WorkerError


class Door:
    """Takes batches without a guilty item, and remembers what it was sent."""

    def __init__(self, *guilty: int, trouble: WorkerError | None = None) -> None:
        self.guilty = set(guilty)
        self.trouble = trouble
        self.sent: list[tuple[int, ...]] = []

    def __call__(self, parts: Sequence[int]) -> Answer:
        """The answer to a call with these parts."""
        self.sent.append(tuple(parts))
        if self.trouble:
            raise self.trouble
        if self.guilty & set(parts):
            raise RefusedByStore(422, f"refused {sorted(parts)}")
        return Answer(200, list(parts), {})


def test_a_batch_that_is_taken_is_one_call() -> None:
    door = Door()
    told = list(batches.send([1, 2, 3], door))
    assert door.sent == [(1, 2, 3)]
    assert [part for part, _ in told] == [1, 2, 3]
    assert all(isinstance(answer, Answer) and answer.data == [1, 2, 3] for _, answer in told)


def test_the_guilty_item_alone_is_refused_in_its_own_words() -> None:
    door = Door(3)
    told = dict(batches.send([1, 2, 3, 4, 5], door))
    assert list(told) == [1, 2, 3, 4, 5], "each item once, in order"
    assert {part for part, answer in told.items() if isinstance(answer, RefusedByStore)} == {3}
    assert str(told[3]) == "422 refused [3]"
    assert door.sent == [(1, 2, 3, 4, 5), (1, 2), (3, 4, 5), (3,), (4, 5)]


def test_every_guilty_item_is_found() -> None:
    told = dict(batches.send([1, 2, 3], Door(1, 2, 3)))
    assert [str(told[part]) for part in (1, 2, 3)] == ["422 refused [1]", "422 refused [2]", "422 refused [3]"]


def test_an_item_that_is_refused_alone_is_not_sent_again() -> None:
    door = Door(1)
    assert len(list(batches.send([1], door))) == 1
    assert door.sent == [(1,)]


@pytest.mark.parametrize("trouble", [QuotaSpent("spent"), StoreUnwell("unwell"), AnswerLost("lost")])
def test_any_other_trouble_is_met_by_the_whole_batch_at_once(trouble: WorkerError) -> None:
    door = Door(trouble=trouble)
    assert list(batches.send([1, 2], door)) == [(1, trouble), (2, trouble)]
    assert door.sent == [(1, 2)], "it is not halved"


def test_an_unknown_exception_is_a_bug_and_goes_through() -> None:
    def broken(_: Sequence[int]) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(batches.send([1], broken))


def test_what_is_not_asked_for_is_not_sent() -> None:
    door = Door()
    batches.send([1], door)
    assert door.sent == []


class Narrow(Door):
    """A door that takes so many at most, and no guilty ones; `by_word`: it says that they were too many."""

    def __init__(self, most: int, *guilty: int, by_word: bool = False) -> None:
        super().__init__(*guilty)
        self.most, self.by_word = most, by_word

    def __call__(self, parts: Sequence[int]) -> Answer:
        if len(parts) > self.most:
            self.sent.append(tuple(parts))
            raise RefusedByStore(413 if self.by_word else 422, "refused")
        return super().__call__(parts)


@pytest.mark.parametrize(
    ("door", "wanted"),
    [
        (Narrow(4), []),
        (Narrow(2), [4]),
        (Narrow(1), [2, 2, 4]),
        (Narrow(4, 3), []),
        (Narrow(2, 3), []),
        (Narrow(2, 3, by_word=True), [4]),
    ],
)
def test_a_size_that_is_refused_is_told_where_nothing_else_was_to_blame(door: Narrow, wanted: list[int]) -> None:
    told: list[int] = []
    assert len(list(batches.send([1, 2, 3, 4], door, too_many=told.append))) == 4
    assert told == wanted


def test_portions_are_as_large_as_they_may_be_at_the_moment() -> None:
    allowed = iter([4, 2, 2, 2])
    assert list(batches.in_portions([1, 2, 3, 4, 5, 6, 7], lambda: next(allowed))) == [[1, 2, 3, 4], [5, 6], [7]]
