"""Letters that are no text: no database takes NUL, and no encoding a half of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NO_TEXT = "it holds a letter that is no text: NUL, or half of one"
"""What is said of a field that has one."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_WRITTEN = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""How JSON may write one, but for NUL as it is; a whole pair begins so too."""
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""One escape of a JSON text, or a pair of halves; a half alone is its group."""

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


def storable(value: Any, written: str) -> Any:
    """The value without such letters, as a neighbour's JSON (`written`) may bring them: NUL goes, a half is `?`."""
    # One pattern for both would have no beginning to look for, and take ten times as long.
    return _storable(value) if "\0" in written or _WRITTEN.search(written) else value


def whole(written: str) -> str:
    """The JSON text with `?` for every half of a letter, for readers that take it for no JSON at all."""
    return _ESCAPE.sub(lambda found: "?" if found[1] else found[0], written)


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode()
        case list():
            return [_storable(part) for part in value]
        case dict():
            return {_storable(key): _storable(part) for key, part in value.items()}
        case _:
            return value
