"""Bodies that are too large are told as a problem, whether or not they say how large they are."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import too_large

LARGEST = 1_000_000
"""Bytes: a profile with thousands of columns takes a tenth of it."""


class LargestBody:
    """Lets no larger body come in; what is larger is not read to its end."""

    def __init__(self, app: ASGIApp, most: int = LARGEST) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, or hand on what comes in, counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said[:20]) > self._most:
            await too_large()(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
