"""Letters that are no text: no database takes NUL, and no encoding a half of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NO_TEXT = "it holds a letter that is no text: NUL, or half of one"
"""What is said of a field that has one."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")

Place = tuple[str | int, ...]
"""Names and numbers that lead to a field; such letters are left out of them."""


def no_text(value: Any) -> Iterator[Place]:
    """Where in lists and mappings such a letter stands, in a text or in a name."""
    # No recursion: what somebody sends may be nested deeper than that goes.
    open_ones: list[tuple[Place, Any]] = [((), value)]
    while open_ones:
        place, one = open_ones.pop()
        if isinstance(one, str):
            if _NO_TEXT.search(one):
                yield place
        elif isinstance(one, list | tuple):
            open_ones += [((*place, number), part) for number, part in enumerate(one)]
        elif isinstance(one, dict):
            named = [(_NO_TEXT.sub("", str(name)), str(name), part) for name, part in one.items()]
            yield from ((*place, shown) for shown, name, _ in named if shown != name)
            open_ones += [((*place, shown), part) for shown, _, part in named]
