"""A fingerprint tells what differs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from worker.catalog import fingerprint
from worker.catalog.fields import Group


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="the order of keys"),
        pytest.param([{"a": 1, "b": 2}], [{"b": 2, "a": 1}], id="the order of keys, deep inside"),
        pytest.param(("x", "y"), ["x", "y"], id="tuple or list, as JSON has one of them"),
        pytest.param({Group.TEXT: 1}, {"text": 1}, id="a word or its text"),
    ],
)
def test_it_does_not_tell_apart(one: Any, other: Any) -> None:
    assert fingerprint.of(one) == fingerprint.of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(["x", "y"], ["y", "x"], id="the order of a list"),
        pytest.param("1", 1, id="text and number"),
        pytest.param(1, True, id="number and flag"),
        pytest.param("", None, id="empty and absent"),
        pytest.param({"a": None}, {}, id="a key without value and no key"),
        pytest.param(["ab", "c"], ["a", "bc"], id="where one part ends"),
        pytest.param("a", "á", id="an accent"),
    ],
)
def test_it_tells_apart(one: Any, other: Any) -> None:
    assert fingerprint.of(one) != fingerprint.of(other)


def test_it_stays_the_same_over_releases() -> None:
    # Remembered fingerprints are compared with new ones: another formula would send every item again.
    assert fingerprint.of({"name": "Invitación", "price": "2.95"}) == "e11922f0672d4134"


def test_each_group_has_its_own() -> None:
    found = fingerprint.of_groups({Group.PRICE: {"price": "1"}, Group.TEXT: {"name": "A"}})
    assert found == {"price": fingerprint.of({"price": "1"}), "text": fingerprint.of({"name": "A"})}
    assert all(type(group) is str for group in found)


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["ID", "other"], [1, "a"]),  # a column was renamed
        (["name", "ID"], [1, "a"]),  # columns changed places
        (["ID", "name"], [1, "b"]),  # a cell changed
    ],
)
def test_a_row_is_told_by_its_columns_and_cells(columns: list[str], row: list[Any]) -> None:
    assert fingerprint.of_row(columns, row) != fingerprint.of_row(["ID", "name"], [1, "a"])
    assert fingerprint.of_row(iter(columns), iter(row)) == fingerprint.of_row(columns, row)


def test_the_hash_of_a_row_is_that_of_earlier_releases() -> None:
    """Another one would have every row of every source read, staged and planned once more at the next refresh."""
    known = "bc51785b17c4393ee3dc1006"
    assert fingerprint.of_row(["STATUS", "ID", "REF"], ["M", 1, "é"]) == known
    assert fingerprint.of_rows(["STATUS", "ID", "REF"])(["M", 1, "é"]) == known
