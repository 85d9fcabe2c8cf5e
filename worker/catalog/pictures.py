"""Which picture of the store is which of the source's: told by the name of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from worker.catalog.items import Image

_WORD = re.compile(r"[^a-z0-9]+")


def held_by(images: Iterable[Image], held: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Source image id -> [store id, URL] of the pictures that the store holds as [store id, file, ...].

    The store tells no source URL (API facts §3.7), but its file carries the name of the one it fetched.
    """
    free = list(held)
    found: dict[str, list[Any]] = {}
    for one in images:
        name = _stem(one.url)
        match = next((entry for entry in free if name and name in _bare(str(entry[1]))), None)
        if match is not None:
            free.remove(match)
            found[one.source_id] = [int(match[0]), one.url]
    return found


def _stem(url: str) -> str:
    return _bare(PurePosixPath(urlsplit(url).path).stem)


def _bare(name: str) -> str:
    return _WORD.sub("", name.casefold())
