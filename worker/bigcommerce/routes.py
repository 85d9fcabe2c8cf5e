"""Which endpoint a path asks for: the ids in it are left out, so that there are few of them."""

from __future__ import annotations

import re

_WORD = re.compile(r"v[23]|[a-z]+(-[a-z]+)*")


def route(path: str) -> str:
    """The path's template: `/v3/catalog/products/{id}`."""
    asked = path.partition("?")[0]
    return "/".join(part if not part or _WORD.fullmatch(part) else "{id}" for part in asked.split("/"))
