"""JSON by msgspec is read and written as the standard library does it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.catalog import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_kept_is_read_as_it_was(value: Any) -> None:
    assert json_text.read(json_text.kept(value)) == json.loads(json.dumps(value)) == value


@given(VALUES)
def test_what_is_hashed_is_what_the_standard_library_writes(value: Any) -> None:
    """Rows are known by the hashes of earlier releases; numbers with a point are texts in them."""
    texts = json.loads(json.dumps(value), parse_float=str)
    assert json_text.in_order(texts).decode() == json.dumps(texts, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    "written",
    ['{"b": 123456789012345678901234}', '"\\ud800x"', '{"d": 1e400}', "[NaN, -Infinity]", '{"a": 1, "a": 2}', "-0.0"],
)
def test_odd_texts_are_read_as_the_standard_library_reads_them(written: str) -> None:
    assert repr(json_text.read(written)) == repr(json.loads(written))
    assert repr(json_text.read_exactly(written)) == repr(json.loads(written, parse_float=Decimal))
    as_written = json.loads(written, parse_float=str, parse_constant=str)
    assert repr(json_text.read_as_written(written)) == repr(as_written)


@pytest.mark.parametrize("written", ["", "{", "[1,]", "nothing", "{'a': 1}"])
def test_what_is_no_json_is_a_value_error(written: str) -> None:
    for read in (json_text.read, json_text.read_exactly, json_text.read_as_written):
        with pytest.raises(ValueError, match=r".+"):
            read(written)


def test_numbers_with_a_point_stay_exact() -> None:
    assert json_text.read_exactly('{"price": 10.10, "many": 3}') == {"price": Decimal("10.10"), "many": 3}


def test_what_json_has_no_word_for_is_kept_as_a_text() -> None:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    assert json.loads(json_text.kept({"price": Decimal("1.50"), "at": at, "of": ("a",)})) == {
        "price": "1.50",
        "at": "2026-11-29T00:00:00Z",
        "of": ["a"],
    }
