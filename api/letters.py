"""What no database takes: letters of a request that are no text are told as a fault of their field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from fastapi import Request

from api.problems import Fault, ProblemError

_SAYS = "it holds a letter that is no text: NUL, or half of one"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


async def only_text(request: Request) -> None:
    """Refuse the request that holds such a letter; it is read here once, and kept for whoever reads it next."""
    faults = [
        f"{where}.{_NO_TEXT.sub('', name)}"
        for where, values in (("path", request.path_params.items()), ("query", request.query_params.multi_items()))
        for name, value in values
        if _NO_TEXT.search(name) or _NO_TEXT.search(str(value))
    ]
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower().endswith("json")
        and await request.body()
    ):
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
        if _NO_TEXT.search(value):
            yield where
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _in(one, f"{where}.{number}")
    elif isinstance(value, dict):
        for name, one in value.items():
            if _NO_TEXT.search(name):
                yield f"{where}.{_NO_TEXT.sub('', name)}"
            yield from _in(one, f"{where}.{name}")
