"""A connection of its own for each thread that calls the store.

httpx's pool looks at every connection it has before each request and after each answer: with fifty of them that took
five of a hundred seconds of a worker's processor. A thread makes one call at a time, and needs one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx

ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


class Lines:
    """Sends each thread's requests by a client of that thread's own, which `open_one` makes at its first request."""

    def __init__(self, open_one: Callable[[], httpx.Client]) -> None:
        self._open_one = open_one
        self._mine = threading.local()
        self._opened: list[httpx.Client] = []

    def request(self, method: str, url: str, **given: Any) -> httpx.Response:
        """The answer; what is given, and what it raises, is httpx's."""
        line: httpx.Client | None = getattr(self._mine, "line", None)
        if line is None:
            line = self._mine.line = self._open_one()
            self._opened.append(line)
        return line.request(method, url, **given)

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._opened:
            self._opened.pop().close()
