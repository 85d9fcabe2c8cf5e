"""Filters, pages and fields of a listing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.bigcommerce.call import Call
from sandbox.bigcommerce.errors import RefusalError, refused
from sandbox.bigcommerce.messages import Reply
from sandbox.bigcommerce.tables import Row

MOST = 250
DEFAULT_LIMIT = 50


def _date(raw: str) -> datetime:
    # A `+` that was not percent-encoded arrives as a space and makes the date unreadable, as it does there.
    moment = datetime.fromisoformat(raw)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _flag(raw: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[raw.lower()]


def _several(one: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    return lambda raw: [one(part.strip()) for part in raw.split(",")]


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "whole": int,
    "number": float,
    "text": str,
    "flag": _flag,
    "date": _date,
    "wholes": _several(int),
    "texts": _several(str),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """How a query parameter is read, and which rows it lets pass (None: it does not filter)."""

    kind: str
    test: Callable[[Row, Any], bool] | None = None


PAGING = {"page": Filter("whole"), "limit": Filter("whole")}
FIELDS = {"include_fields": Filter("texts"), "exclude_fields": Filter("texts")}
ORDER = {"sort": Filter("text"), "direction": Filter("text")}

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "min": lambda held, asked: bool(held >= asked),
    "max": lambda held, asked: bool(held <= asked),
    "greater": lambda held, asked: bool(held > asked),
    "less": lambda held, asked: bool(held < asked),
    "in": lambda held, asked: held in asked,
    "not_in": lambda held, asked: held not in asked,
    "not": lambda held, asked: bool(held != asked),
    "like": lambda held, asked: asked.strip("%") in held,
    "": lambda held, asked: bool(held == asked),
}


def by(name: str, kind: str, *operators: str, field: str | None = None) -> dict[str, Filter]:
    """The filters of one field: `id`, `id:in`, `id:greater` and so on; text is compared without case."""
    held_as: Callable[[Any], Any] = {"text": lambda v: str(v).casefold(), "date": _date}.get(kind, lambda value: value)

    def asked_as(value: Any) -> Any:
        if kind != "text":
            return value
        return [part.casefold() for part in value] if isinstance(value, list) else value.casefold()

    def test(operator: str) -> Callable[[Row, Any], bool]:
        compare = OPERATORS[operator]
        column = field or name
        return lambda row, asked: compare(held_as(row[column]), asked_as(asked))

    return {
        f"{name}:{operator}" if operator else name: Filter(
            f"{kind}s" if operator in {"in", "not_in"} else kind, test(operator)
        )
        for operator in operators
    }


def asked(call: Call, filters: Mapping[str, Filter], most: int = MOST) -> dict[str, Any]:
    """The query parameters, read; an unknown one, an unreadable value or a page too large is refused."""
    query = dict(call.request.query)
    if strange := [name for name in query if name not in filters]:
        raise RefusalError(422, f"The filter(s): {', '.join(strange)} are not valid filter parameter(s).")
    values: dict[str, Any] = {}
    for name, raw in query.items():
        try:
            values[name] = PARSERS[filters[name].kind](raw)
        except (ValueError, KeyError) as error:
            raise refused(f"The filter {name} has an invalid value: {raw}", name) from error
    if "limit" in values and not 1 <= values["limit"] <= most:
        raise refused(f"The limit must be between 1 and {most}.", "limit")
    if values.get("page", 1) < 1:
        raise refused("The page must be 1 or more.", "page")
    return values


def passing(rows: Iterable[Row], filters: Mapping[str, Filter], values: Mapping[str, Any]) -> list[Row]:
    """The rows that every filter lets pass."""
    tests = [(test, value) for name, value in values.items() if (test := filters[name].test) is not None]
    return [row for row in rows if all(test(row, value) for test, value in tests)]


def page(call: Call, rows: Sequence[Any], values: Mapping[str, Any], most: int = MOST) -> tuple[Sequence[Any], Row]:
    """The rows of the page asked for, and the `meta` of the envelope."""
    limit = min(values.get("limit", DEFAULT_LIMIT), most)
    current = values.get("page", 1)
    total_pages = -(-len(rows) // limit)
    shown = rows[(current - 1) * limit : current * limit]
    kept = [(name, value) for name, value in call.request.query if name not in {"page", "limit"}]

    def link(n: int) -> str:
        return "?" + urlencode([*kept, ("page", n), ("limit", limit)])

    links = {"current": link(current)}
    if current > 1:
        links["previous"] = link(current - 1)
    if current < total_pages:
        links["next"] = link(current + 1)
    pagination = {
        "total": len(rows),
        "count": len(shown),
        "per_page": limit,
        "current_page": current,
        "total_pages": total_pages,
        "links": links,
    }
    return shown, {"pagination": pagination}


def narrowed(row: Row, values: Mapping[str, Any], always: tuple[str, ...] = ("id",)) -> Row:
    """The row with the fields asked for (`include_fields`, `exclude_fields`); its id always comes."""
    if wanted := values.get("include_fields"):
        return {name: value for name, value in row.items() if name in wanted or name in always}
    if unwanted := values.get("exclude_fields"):
        return {name: value for name, value in row.items() if name not in unwanted or name in always}
    return row


def listed(
    call: Call,
    rows: Iterable[Row],
    filters: Mapping[str, Filter],
    *,
    most: int = MOST,
    show: Callable[[Row], Row] = dict,
    always: tuple[str, ...] = ("id",),
) -> Reply:
    """A whole listing: filtered, paged, shown."""
    values = asked(call, filters, most)
    shown, meta = page(call, passing(rows, filters, values), values, most)
    return Reply(200, {"data": [narrowed(show(row), values, always) for row in shown], "meta": meta})
