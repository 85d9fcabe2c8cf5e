"""What no database takes: a NUL letter in a request is told as a fault of its field."""

from __future__ import annotations

from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from fastapi import Request

from api.problems import Fault, ProblemError

NUL = "\0"
_SAYS = "a NUL letter is no text"


async def without_nul(request: Request) -> None:
    """Refuse the request that holds a NUL letter; it is read here once, and kept for whoever reads it next."""
    faults = [
        f"{where}.{name.replace(NUL, '')}"
        for where, values in (("path", request.path_params.items()), ("query", request.query_params.multi_items()))
        for name, value in values
        if NUL in name or NUL in str(value)
    ]
    if request.headers.get("content-type", "").partition(";")[0].strip().endswith("json") and await request.body():
        try:
            faults += _in(await request.json(), "body")
        except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):
            return  # that is told by whoever takes it for a body
    if faults:
        field = faults[0]
        raise ProblemError(
            422, "not_valid", f"{field}: {_SAYS}.", errors=[Fault(field=one, says=_SAYS) for one in faults]
        )


def _in(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str):
        if NUL in value:
            yield where
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _in(one, f"{where}.{number}")
    elif isinstance(value, dict):
        for name, one in value.items():
            if NUL in name:
                yield f"{where}.{name.replace(NUL, '')}"
            yield from _in(one, f"{where}.{name}")
