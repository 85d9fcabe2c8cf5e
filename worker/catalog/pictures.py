"""Which picture of the store is which of the source's, and which ones the store refused.

A picture of ours that a product has is remembered as [store id, URL, place, description], one that was refused
as [URL, reason]. A refused picture is tried again when the source gives it another URL, or by a forced refresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from worker.catalog.items import Image, Problem

_WORD = re.compile(r"[^a-z0-9]+")


def held_by(images: Iterable[Image], held: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Source image id -> what is remembered of the pictures that the store holds as [store id, file, place, text].

    The store tells no source URL (API facts §3.7), but its file carries the name of the one it fetched.
    """
    free = list(held)
    found: dict[str, list[Any]] = {}
    for one in images:
        name = _stem(one.url)
        match = next((entry for entry in free if name and name in _bare(str(entry[1]))), None)
        if match is not None:
            free.remove(match)
            found[one.source_id] = [int(match[0]), one.url, *match[2:4]]
    return found


def has_name(one: Image) -> bool:
    """Whether the picture can be told by its file's name."""
    return bool(_stem(one.url))


def remembered(one: Image, store_id: int, place: int) -> list[Any]:
    """What is remembered of a picture that the store has as the source says."""
    return [store_id, one.url, place, one.description]


def place_of(held: Sequence[Any]) -> int | None:
    """The place that a picture has in the store; None = it is not known."""
    return int(held[2]) if len(held) > 2 else None


def description_of(held: Sequence[Any]) -> str:
    """The description that a picture has in the store."""
    return str(held[3]) if len(held) > 3 else ""


def refused(one: Image, reason: object) -> Problem:
    """The picture was refused, and the item goes without it."""
    return Problem("image_refused", f"the store refused the picture {one.source_id} ({one.url}): {reason}", "images")


def still_refused(images: Iterable[Image], parts: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Pictures that the store refused under this very URL: they are not sent again, and the item says so again."""
    before = parts.get("refused_images") or {}
    return tuple(
        refused(one, f"{before[one.source_id][1]}; it is tried again when the source changes it")
        for one in images
        if one.source_id in before and before[one.source_id][0] == one.url
    )


def with_refused(parts: Mapping[str, Any], found: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The parts of a relation with these refused pictures, and no others."""
    others = {name: part for name, part in parts.items() if name != "refused_images"}
    return {**others, "refused_images": {one: list(why) for one, why in found.items()}} if found else others


def _stem(url: str) -> str:
    return _bare(PurePosixPath(urlsplit(url).path).stem)


def _bare(name: str) -> str:
    return _WORD.sub("", name.casefold())
