"""What no database takes: letters of a request that are no text are told as a fault of their field."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from fastapi import Request

from api.problems import Fault, ProblemError
from worker.catalog.letters import NO_TEXT, no_text


async def only_text(request: Request) -> None:
    """Refuse the request that holds such a letter; it is read here once, and kept for whoever reads it next."""
    parts: dict[str, Any] = {"path": dict(request.path_params), "query": _several(request)}
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower().endswith("json")
        and await request.body()
    ):
        try:
            parts["body"] = await request.json()
        except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):
            return  # that is told by whoever takes it for a body
    faults = [".".join(map(str, (where, *place))) for where, part in parts.items() for place in no_text(part)]
    if faults:
        field = faults[0]
        raise ProblemError(
            422, "not_valid", f"{field}: {NO_TEXT}.", errors=[Fault(field=one, says=NO_TEXT) for one in faults]
        )


def _several(request: Request) -> dict[str, Any]:
    """The query: the values of a name that comes several times, one behind the other."""
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        given[name] = value if name not in given else f"{given[name]} {value}"
    return given
