"""What goes into Postgres by the array comes out of it as it was."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.vocabulary import ItemKind
from worker.ledger import bulk
from worker.ledger.session import as_scheduler
from worker.ledger.statement import text

TYPES = {"a": "bigint", "b": "int", "c": "float8", "d": "boolean", "e": "text", "f": "jsonb"}
WORDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | WORDS,
    st.none() | st.dictionaries(WORDS, WORDS | st.integers(-5, 5) | st.booleans() | st.lists(WORDS)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(ROW, max_size=6))
@example([(1, 2, math.inf, True, 'a "quoted", {one}\\', {"\\": '"'}), (None,) * 6, (0, 0, -0.0, False, "NULL", {})])
@example([(1, 1, 1.5, None, "", None), (1, 1, 1e300, None, " , ", {"a": ["}", "{", "\n\t'"]})])
@example([(1, 1, 1.0, None, ItemKind.PRODUCT, None)])
def test_rows_come_out_as_they_went_in(engine: Engine, rows: list[tuple[Any, ...]]) -> None:
    table, parameters = bulk.rows_of(TYPES, rows)
    with as_scheduler(engine) as session:
        found = session.execute(text(f"SELECT * FROM {table}"), parameters).all()  # noqa: S608 of constants
    assert [tuple(one) for one in found] == rows
