"""A source cell as a field's canonical value.

Values are JSON-native, so that they can be stored, hashed and compared as
they are; numbers are exact decimal texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from worker.catalog.fields import Field, Type

Value = str | int | bool | list[str] | None
"""None = empty or not sent."""

_TRUE = frozenset({"true", "1", "yes", "y", "si", "sí", "on"})
_FALSE = frozenset({"false", "0", "no", "n", "off"})
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_EITHER_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_BRAND_ID = re.compile(r"[0-9]{1,10}")
_STORE_ID = re.compile(r"[0-9]{1,9}")
_MOST_DIGITS = 30  # before or behind the point: far beyond what the store takes, and '1e999999' stays short


class Unreadable(ValueError):
    """The cell cannot be read as the field's type."""


def read(cell: Any, field: Field, zone: tzinfo = UTC) -> Value:
    """The canonical value of a cell; None where it is empty; Unreadable where it makes no sense.

    `zone`: what a date without a time zone is meant in.
    """
    if cell is None or not text(cell):
        return None
    match field.type:
        case Type.TEXT:
            return text(cell) or None
        case Type.NUMBER:
            return number(cell)
        case Type.INTEGER:
            return integer(cell)
        case Type.FLAG:
            return flag(cell)
        case Type.WORDS:
            return words(cell) or None
        case Type.CHOICE:
            return choice(cell, field.choices)
        case Type.DATE:
            return date(cell, zone)
        case Type.IDS:
            return ids(cell) or None
        case Type.TEXTS:
            return texts(cell)
        case Type.IMAGES:
            raise Unreadable("pictures are read by their own column")


def text(cell: Any) -> str:
    """The cell as text, without blanks around it; lists are joined by a comma."""
    if isinstance(cell, list):
        return ", ".join(text(part) for part in cell if part not in (None, ""))
    if isinstance(cell, bool):
        return "Yes" if cell else "No"
    return str(cell).strip()


def number(cell: Any) -> str | None:
    """The cell as an exact decimal text: '52.10' and 52.1 are both '52.1'."""
    written = text(_single(cell)) if not isinstance(cell, bool) else ""
    if not written:
        return None
    # A decimal comma is read only where it cannot be a thousands separator.
    if _EITHER_COMMA.fullmatch(written):
        raise Unreadable(f"'{shown(cell)}' may have a decimal comma or a thousands separator; write it with a point")
    if "," in written and "." not in written and written.count(",") == 1:
        written = written.replace(",", ".")
    if not _PLAIN_NUMBER.fullmatch(written):
        raise Unreadable(f"'{shown(cell)}' is not a number")
    try:
        exact = Decimal(written)
    except InvalidOperation as broken:
        raise Unreadable(f"'{shown(cell)}' is not a number") from broken
    if not exact:
        return "0"
    if abs(exact.adjusted()) > _MOST_DIGITS:
        raise Unreadable(f"'{shown(cell)}' is too large or too small a number")
    plain = format(exact, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def integer(cell: Any) -> int | None:
    """The cell as a whole number; 3.0 is 3, 3.5 is unreadable."""
    exact = number(cell)
    if exact is None:
        return None
    if "." in exact:
        raise Unreadable(f"'{shown(cell)}' is not a whole number")
    return int(exact)


def flag(cell: Any) -> bool:
    """The cell as yes or no, in any spelling that the original connector takes (its §9)."""
    single = _single(cell)
    spelled = text(single).casefold() if not isinstance(single, bool) else str(single).casefold()
    if spelled in _TRUE or spelled == "1.0":
        return True
    if spelled in _FALSE or spelled == "0.0":
        return False
    raise Unreadable(f"'{shown(cell)}' is neither yes nor no")


def words(cell: Any) -> list[str]:
    """The cell as a list of words; a text is cut at its commas."""
    parts = cell if isinstance(cell, list) else str(cell).split(",")
    return [word for word in (text(part) for part in parts) if word]


def ids(cell: Any) -> list[str]:
    """The cell as ids of the store, each once: whole numbers, in a list or divided by commas."""
    found = words(cell)
    for word in found:
        if not _STORE_ID.fullmatch(word):
            raise Unreadable(f"'{shown(word)}' is not an id of the store")
    return list(dict.fromkeys(str(int(word)) for word in found))


def texts(cell: Any) -> list[str]:
    """The cell as texts in their order, empty ones included; a text is one, whatever commas it has."""
    return [text(part) if part is not None else "" for part in (cell if isinstance(cell, list) else [cell])]


def choice(cell: Any, choices: Sequence[str]) -> str:
    """The one of the choices that the cell names, in any case."""
    named = text(_single(cell)).casefold()
    for known in choices:
        if known.casefold() == named:
            return known
    raise Unreadable(f"'{shown(cell)}' is none of {', '.join(choices)}")


def date(cell: Any, zone: tzinfo = UTC) -> str | None:
    """The cell as an ISO 8601 date and time in UTC; None for the zero date."""
    written = text(_single(cell))
    if not written or written.startswith("0000"):
        return None
    try:
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as broken:
        raise Unreadable(f"'{shown(cell)}' is not a date") from broken


def shown(cell: Any) -> str:
    """The cell as it is quoted in a message, trimmed."""
    written = text(cell)
    return written if len(written) <= 60 else written[:57] + "..."


def key(name: str | None) -> str | None:
    """A name or SKU as it is compared: the store ignores case and blanks around it."""
    return " ".join(name.split()).casefold() or None if name else None


def brand_id(value: Value) -> int | None:
    """The store's id of a brand that is given by number; None where it is given by name (the original's §11)."""
    return int(str(value)) if _BRAND_ID.fullmatch(str(value)) else None


def _single(cell: Any) -> Any:
    if isinstance(cell, list):
        if len(cell) > 1:
            raise Unreadable(f"'{shown(cell)}' holds several values where one is asked for")
        return cell[0] if cell else ""
    return cell
