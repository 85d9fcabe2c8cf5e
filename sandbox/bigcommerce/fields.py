"""Checks a JSON body against a table of fields."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.bigcommerce.errors import invalid
from sandbox.bigcommerce.tables import Row

INT32 = 2_147_483_647

# What the store's JSON reader says when the type is wrong (API facts §5).
EXPECTED = {
    "text": "error.expected.jsstring",
    "whole": "error.expected.jsnumber",
    "number": "error.expected.jsnumber",
    "flag": "error.expected.jsboolean",
    "list": "error.expected.jsarray",
    "record": "error.expected.jsobject",
}
TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "whole": (int,),
    "number": (int, float),
    "flag": (bool,),
    "list": (list,),
    "record": (dict,),
}
# What low and high of a field speak about.
MEASURES: Mapping[str, Callable[[Any], float]] = {"text": len, "list": len, "whole": float, "number": float}


@dataclass(frozen=True, slots=True)
class Field:
    """What one field may hold: low and high bound a length or a number."""

    kind: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    null: bool = False
    schema: "Mapping[str, Field] | None" = None
    items: "Field | None" = None
    required: bool = False


Schema = Mapping[str, Field]


def text(low: int = 0, high: float = math.inf, *, null: bool = False, required: bool = False) -> Field:
    """A string of bounded length."""
    return Field("text", low, high, null=null, required=required)


def word(*choices: str, required: bool = False) -> Field:
    """One string out of a few."""
    return Field("text", choices=choices, required=required)


def whole(low: float = -INT32 - 1, high: float = INT32, *, null: bool = False, required: bool = False) -> Field:
    """A whole number."""
    return Field("whole", low, high, null=null, required=required)


def number(low: float = 0, high: float = 9_999_999_999, *, null: bool = False, required: bool = False) -> Field:
    """A number, kept to four decimals (API facts §4.1)."""
    return Field("number", low, high, null=null, required=required)


def flag(*, required: bool = False) -> Field:
    """True or false."""
    return Field("flag", required=required)


def record(schema: Schema, *, null: bool = False) -> Field:
    """An object with fields of its own."""
    return Field("record", schema=schema, null=null)


def many(items: Field, high: float = math.inf, low: float = 0, *, required: bool = False) -> Field:
    """An array."""
    return Field("list", low, high, items=items, required=required)


def checked(body: Any, schema: Schema, unknown: set[str], *, path: str = "", partial: bool = False) -> Row:
    """The known fields of the body; the unknown ones are noted and ignored, as the real store does.

    Refuses with every wrong field at once. `partial` asks for no required field.
    """
    errors: dict[str, str] = {}
    row = _record(body, schema, path, errors, unknown, partial=partial)
    if errors:
        raise invalid(errors)
    return row


def checked_list(body: Any, schema: Schema, unknown: set[str]) -> list[Row]:
    """The same for an array of objects; errors are keyed by index, such as `0.meta_keywords`."""
    if not isinstance(body, list):
        raise invalid({"": EXPECTED["list"]})
    errors: dict[str, str] = {}
    rows = [_record(item, schema, str(n), errors, unknown) for n, item in enumerate(body)]
    if errors:
        raise invalid(errors)
    return rows


def _record(
    body: Any, schema: Schema, path: str, errors: dict[str, str], unknown: set[str], *, partial: bool = False
) -> Row:
    if not isinstance(body, dict):
        errors[path] = EXPECTED["record"]
        return {}
    dot = f"{path}." if path else ""
    unknown.update(dot + name for name in body if name not in schema)
    if not partial:
        for name, field in schema.items():
            if field.required and name not in body:
                errors[dot + name] = "required field is missing"
    return {
        name: _value(value, schema[name], dot + name, errors, unknown) for name, value in body.items() if name in schema
    }


def _value(value: Any, field: Field, path: str, errors: dict[str, str], unknown: set[str]) -> Any:
    if value is None and field.null:
        return None
    if (trouble := _trouble(value, field)) is not None:
        errors[path] = trouble
        return None
    if field.kind == "number":
        return four_decimals(value)
    if field.schema is not None:
        return _record(value, field.schema, path, errors, unknown)
    if field.items is not None:
        return [_value(item, field.items, f"{path}.{n}", errors, unknown) for n, item in enumerate(value)]
    return value


def _trouble(value: Any, field: Field) -> str | None:
    """What the JSON reader says of the value, if it is wrong."""
    # A Python bool is an int, a JSON true is no number.
    if not isinstance(value, TYPES[field.kind]) or (isinstance(value, bool) and field.kind != "flag"):
        return EXPECTED[field.kind]
    if field.choices:
        return None if value in field.choices else "error.expected.validenumvalue"
    measured: Callable[[Any], float] | None = MEASURES.get(field.kind)
    if measured is None:
        return None
    size = measured(value)
    suffix = "Length" if measured is len else ""
    if size < field.low:
        return f"error.min{suffix}"
    return f"error.max{suffix}" if size > field.high else None


def four_decimals(value: float) -> float:
    """The number as the store keeps it: 10.99999 becomes 11, 10.99994 becomes 10.9999."""
    kept = float(Decimal(str(value)).quantize(Decimal("0.0001"), ROUND_HALF_UP))
    return int(kept) if kept.is_integer() else kept
