"""Listings page by page: where the next page begins is told as a text that nobody needs to understand."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated

from fastapi import Query

from api.problems import Fault, ProblemError

Limit = Annotated[int, Query(ge=1, le=500, description="Most entries of the page")]
# The longest place is a tenant's name, of 100 letters of four bytes.
After = Annotated[str | None, Query(max_length=600, description="Go on where `next` of the page before said")]


def written(*place: int | str) -> str:
    """A place in a listing as a text."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def place(after: str | None, *shape: type[int | str]) -> tuple[int | str, ...] | None:
    """The place that the text names, of this shape; 422 for any other text."""
    if after is None:
        return None
    try:
        found = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    fits = isinstance(found, list) and [type(one) for one in found] == list(shape)
    if not fits or not all(map(_is_possible, found)):
        says = "it is no place that a page has named as `next`"
        raise ProblemError(422, "not_valid", f"query.after: {says}.", errors=[Fault(field="query.after", says=says)])
    return tuple(found)


def _is_possible(one: int | str) -> bool:
    return -(2**63) <= one < 2**63 if isinstance(one, int) else one.isprintable()
