"""How both neighbours are called: httpx, whose answers are freed when nobody holds them."""

from __future__ import annotations

from typing import Any

import httpx


class Client(httpx.Client):
    """httpx's client, whose answers are freed as soon as nobody holds them.

    There, an answer and the stream that it was read from hold each other, and wait for the garbage collector. It counts
    objects, not bytes: a hundred pages of a store, three megabytes each, were too few objects for it to look.
    """

    def send(self, request: httpx.Request, **given: Any) -> httpx.Response:
        """The answer, whole; what is given, and what it raises, is httpx's."""
        answer = super().send(request, **given)
        if answer.is_closed:  # and so it was read
            answer.stream = httpx.ByteStream(b"")
        return answer
