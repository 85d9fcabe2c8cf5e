"""How many items of a kind go in one call to a store."""

from __future__ import annotations

from worker.bigcommerce.portions import Portions


def test_a_store_gets_what_is_set_but_no_more_than_it_is_known_to_take() -> None:
    portions = Portions.of(categories=40, assignments=500, known={"assignments": 125})
    assert (portions.categories, portions.assignments) == (40, 125)
    assert Portions.of(categories=20, assignments=500, known={"categories": 25}).categories == 20


def test_a_size_is_halved_and_what_was_known_of_others_stays() -> None:
    portions = Portions.of(categories=50, assignments=500, known={"assignments": 125})
    assert not portions.is_new
    portions.narrow("categories", 50)
    assert (portions.categories, portions.learnt) == (25, {"assignments": 125, "categories": 25})
    assert portions.is_new
    portions.narrow("categories", 60)
    assert portions.categories == 25, "a larger batch that was under way says nothing new"


def test_no_store_gets_fewer_than_all_are_known_to_take() -> None:
    portions = Portions()
    for _ in range(9):
        portions.narrow("categories", portions.categories)
        portions.narrow("assignments", portions.assignments)
    assert (portions.categories, portions.assignments) == (10, 50)
