"""Many rows in one statement, through arrays."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from worker.ledger import bulk


def test_rows_become_one_array_a_column() -> None:
    source, parameters = bulk.rows_of({"id": "bigint", "name": "text"}, [(1, "a"), (2, None)])
    assert source == "unnest(CAST(:r_id AS bigint[]), CAST(:r_name AS text[])) AS r(id, name)"
    assert parameters == {"r_id": "{1,2}", "r_name": '{"a",NULL}'}


def test_no_rows_are_empty_arrays() -> None:
    assert bulk.rows_of({"id": "bigint", "name": "text"}, [])[1] == {"r_id": "{}", "r_name": "{}"}


def test_json_columns_are_written_as_text() -> None:
    assert bulk.rows_of({"cells": "jsonb"}, [({"a": 1},), (None,)])[1] == {"r_cells": r'{"{\"a\":1}",NULL}'}


@pytest.mark.parametrize("kind", ["numeric", "bigint[]"])
def test_a_type_that_is_not_provided_for_is_a_bug(kind: str) -> None:
    with pytest.raises(KeyError):
        bulk.rows_of({"a": kind}, [(1,)])


@pytest.mark.parametrize("rows", [[(1,)], [(1, 2, 3)], [(1, 2), (3,)]])
def test_a_row_of_another_width_is_a_bug(rows: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="argument"):
        bulk.rows_of({"a": "int", "b": "int"}, rows)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Invitación ✓", "Invitación ✓"),
        ({"a": ["\0x\0\0y"]}, {"a": ["xy"]}),  # Postgres takes no NUL character
        (r"C:\u0000", r"C:\u0000"),  # the same signs as plain text are no NUL
        ("\\\0", "\\"),  # a NUL behind a backslash is one
        (r"\\u0000" + "\0", r"\\u0000"),
        (date(2026, 1, 15), "2026-01-15"),  # what is not JSON is kept as text
    ],
)
def test_a_json_value_is_kept_as_it_is_without_nul(value: Any, kept: Any) -> None:
    written = bulk.written(value)
    assert written is not None
    assert json.loads(written) == kept


def test_nothing_is_null() -> None:
    assert bulk.written(None) is None
