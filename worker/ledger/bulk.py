"""Many rows in one statement, through arrays.

SQLAlchemy 2.1 sends psycopg2's INSERT … ON CONFLICT row by row; one
statement over `unnest` is ten times faster (measured, decision 0003).

An array goes as Postgres writes it, in one text. psycopg2 would quote each
element by itself and Postgres read each as an expression of its own: that
takes both of them four times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from worker.catalog import json_text

_JSON = "jsonb"
WRITTEN = "written jsonb"
"""The type of a column whose values are JSON texts already."""
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""A NUL as JSON escapes it; behind an escaped backslash, `u0000` is plain text."""


def rows_of(types: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> tuple[str, dict[str, Any]]:
    """(`unnest(…) AS r(columns)`, its parameters) for rows in the order of `types` (column -> SQL type)."""
    columns = list(zip(*rows, strict=True)) or [() for _ in types]
    parameters: dict[str, Any] = {}
    for (name, kind), values in zip(types.items(), columns, strict=True):
        parameters[f"r_{name}"] = _array(kind, values)
    casts = ", ".join(f"CAST(:r_{name} AS {_JSON if kind == WRITTEN else kind}[])" for name, kind in types.items())
    return f"unnest({casts}) AS r({', '.join(types)})", parameters


def ids(values: Iterable[int]) -> str:
    """The parameter of `ANY(CAST(:ids AS bigint[]))`."""
    return _array("bigint", values)


def _array(kind: str, values: Iterable[Any]) -> str:
    return f"{{{','.join(map(_ELEMENTS[kind], values))}}}"


def written(value: Any) -> str | None:
    """A JSON value as text; Postgres takes no NUL character, so it goes."""
    if value is None:
        return None
    return without_nul(json_text.kept(value))


def without_nul(told: str) -> str:
    """A JSON text as Postgres takes it."""
    # Nearly none has one: to look for the word is a tenth of the pattern's price.
    return _NUL.sub(r"\1", told) if "u0000" in told else told


def _number(value: float | None) -> str:
    return "NULL" if value is None else str(value)


def _truth(value: bool | None) -> str:
    return "NULL" if value is None else "t" if value else "f"


def _quoted(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'


_ELEMENTS: dict[str, Callable[[Any], str]] = {
    "bigint": _number,
    "int": _number,
    "float8": _number,
    "boolean": _truth,
    "text": _quoted,
    _JSON: lambda value: _quoted(written(value)),
    WRITTEN: lambda value: _quoted(without_nul(value)),
}
"""SQL type -> a value of it as an element of an array."""
