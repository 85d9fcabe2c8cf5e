"""Which categories belong to which storefront, and how deep."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from worker.rules import coverage

# 1 ─┬─ 2 ─── 4          9 alone          5 hangs on 99, which is not exported
#    └─ 3
TREE: dict[int, int | None] = {1: None, 2: 1, 3: 1, 4: 2, 9: None, 5: 99}


@pytest.mark.parametrize(
    ("root", "places"),
    [
        pytest.param(
            None,
            {1: (None, 1), 2: (1, 2), 3: (1, 2), 4: (2, 3), 9: (None, 1), 5: (None, 1)},
            id="no root = the full tree; what hangs on a parent that is not exported stands at the top",
        ),
        pytest.param(1, {1: (None, 1), 2: (1, 2), 3: (1, 2), 4: (2, 3)}, id="a root brings all its descendants"),
        pytest.param(2, {2: (None, 1), 4: (2, 2)}, id="a root stands at the top, whatever it hangs on"),
        pytest.param(4, {4: (None, 1)}, id="a leaf brings itself"),
        pytest.param(99, {}, id="a root that is not there brings nothing"),
    ],
)
def test_a_link_exports_its_root_and_all_below(root: int | None, places: Mapping[int, tuple[int | None, int]]) -> None:
    covered = coverage.cover(TREE, 7, root)
    assert covered.storefront_id == 7
    assert covered.places == places
    assert covered.in_circle == frozenset()


def test_parents_come_before_their_children() -> None:
    assert list(coverage.cover({4: 2, 2: 1, 1: None}, 1, None).places) == [1, 2, 4]


@pytest.mark.parametrize(
    ("parents", "root", "covered", "lost"),
    [
        pytest.param({1: 1}, None, set(), {1}, id="its own parent"),
        pytest.param({1: 2, 2: 1, 3: 2, 4: None}, None, {4}, {1, 2, 3}, id="a circle, and what hangs on it"),
        pytest.param({1: 2, 2: 1}, 1, {1, 2}, set(), id="a root in a circle cuts it"),
    ],
)
def test_a_circle_ends(parents: dict[int, int | None], root: int | None, covered: set[int], lost: set[int]) -> None:
    found = coverage.cover(parents, 1, root)
    assert set(found.places) == covered
    assert found.in_circle == lost


def test_a_tree_of_a_thousand_levels_is_no_trouble() -> None:
    parents = {n: n - 1 or None for n in range(1, 1001)}
    assert coverage.cover(parents, 1, None).places[1000] == (999, 1000)


def test_a_category_is_in_what_covers_it() -> None:
    covered = coverage.cover(TREE, 1, 2)
    assert 4 in covered
    assert 1 not in covered


def test_a_product_shows_wherever_one_of_its_categories_does() -> None:
    storefronts = [coverage.cover(TREE, 1, 2), coverage.cover(TREE, 2, None)]
    assert coverage.storefronts_of((3, 4), storefronts) == ((1, 4), (2, 3), (2, 4))
    assert coverage.storefronts_of(iter((3, 4)), storefronts) == ((1, 4), (2, 3), (2, 4)), "whatever holds the ids"
    assert coverage.storefronts_of((77,), storefronts) == ()


def test_what_stands_below_a_category_that_is_not_shown_is_not_there_either() -> None:
    tree = coverage.cover(TREE, 1, None)
    assert set(coverage.only(tree, {1, 3, 4, 5}.__contains__).places) == {1, 3, 5}
    assert coverage.only(tree, TREE.__contains__) == tree


def test_a_circle_stays_one_whatever_is_shown() -> None:
    tree = coverage.cover({1: 2, 2: 1, 4: None}, 1, None)
    assert coverage.only(tree, set[int]().__contains__).in_circle == {1, 2}


@pytest.mark.parametrize(
    ("with_products", "occupied"),
    [
        pytest.param([], set(), id="no product"),
        pytest.param([4], {4, 2, 1}, id="those above are not empty either"),
        pytest.param([3, 2], {3, 2, 1}, id="those below are"),
        pytest.param([5, 99], {5}, id="what is not exported counts for nothing"),
    ],
)
def test_a_category_is_empty_without_a_product_in_or_below_it(with_products: list[int], occupied: set[int]) -> None:
    assert coverage.occupied(TREE, with_products) == occupied


def test_a_circle_is_climbed_once() -> None:
    assert coverage.occupied({1: 2, 2: 1}, [1]) == {1, 2}
