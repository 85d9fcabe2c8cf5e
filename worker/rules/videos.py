"""YouTube videos, told by id or by any usual address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from worker.catalog.items import Problem
from worker.catalog.values import shown

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_HOSTS = frozenset({"youtube.com", "m.youtube.com", "music.youtube.com", "youtube-nocookie.com"})
_FOLDERS = frozenset({"embed", "shorts", "live", "v", "e"})


def read(words: Iterable[str]) -> tuple[tuple[str, ...], list[Problem]]:
    """The ids of the videos, each once, and what is none."""
    found, problems = [], []
    for word in words:
        video = video_id(word)
        if video is None:
            text = f"'{shown(word)}' is neither the id nor the address of a YouTube video; the store takes no others"
            problems.append(Problem("video_unreadable", text, "videos"))
        else:
            found.append(video)
    return tuple(dict.fromkeys(found)), problems


def video_id(word: str) -> str | None:
    """The id of the video that the word names; None where it names none."""
    if _ID.fullmatch(word):
        return word
    try:
        address = urlsplit(word if "://" in word else f"https://{word}")
        host = (address.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    parts = [part for part in address.path.split("/") if part]
    named: str | None = None
    if host == "youtu.be":
        named = parts[0] if parts else None
    elif host in _HOSTS and parts[:1] == ["watch"]:
        named = next(iter(parse_qs(address.query).get("v", ())), None)
    elif host in _HOSTS and len(parts) > 1 and parts[0] in _FOLDERS:
        named = parts[1]
    return named if named and _ID.fullmatch(named) else None
