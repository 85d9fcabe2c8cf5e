"""Which store item is this source item: by SKU, then by name, never a guess."""

from __future__ import annotations

import pytest

from tests.builders import a_candidate
from worker.catalog.store import Candidate
from worker.rules import matching


@pytest.mark.parametrize(
    ("candidates", "store_id"),
    [
        pytest.param([], None, id="nothing fits: it is to be created"),
        pytest.param([a_candidate(1, sku=True)], 1, id="the SKU fits"),
        pytest.param([a_candidate(1, name=True)], 1, id="the name fits"),
        pytest.param([a_candidate(1, name=True), a_candidate(2, sku=True)], 2, id="the SKU beats the name"),
        pytest.param(
            [a_candidate(1, name=True), a_candidate(2, name=True), a_candidate(3, sku=True)], 3,
            id="a SKU decides between equal names",
        ),
        pytest.param([a_candidate(1)], None, id="what shares neither is no candidate"),
    ],
)  # fmt: skip
def test_one_that_fits_is_the_one(candidates: list[Candidate], store_id: int | None) -> None:
    assert matching.match(candidates) == matching.Match(store_id)


@pytest.mark.parametrize(
    "candidates",
    [
        pytest.param([a_candidate(1, sku=True), a_candidate(2, sku=True)], id="two SKUs"),
        pytest.param([a_candidate(1, name=True), a_candidate(2, name=True)], id="two names"),
        pytest.param(
            [a_candidate(1, sku=True), a_candidate(2, sku=True, name=True)],
            id="a name decides nothing between equal SKUs",
        ),
    ],
)
def test_two_that_fit_are_never_a_guess(candidates: list[Candidate]) -> None:
    found = matching.match(candidates)
    assert found.store_id is None
    assert found.problem is not None
    assert found.problem.code == "ambiguous_match"
    assert "2 items of the store fit: 1 (Item 1), 2 (Item 2)" in found.problem.text


def test_no_more_than_five_are_named() -> None:
    found = matching.match([a_candidate(n, name=True) for n in range(1, 9)])
    assert found.problem is not None
    assert found.problem.text.startswith("8 items of the store fit")
    assert "5 (Item 5)" in found.problem.text
    assert "6 (Item 6)" not in found.problem.text
