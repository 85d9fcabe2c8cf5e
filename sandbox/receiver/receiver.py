"""An endpoint that takes nothing on trust: what is not signed, or not in form, it refuses.

It answers as it is told to: with a status, a redirect, late, or never.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

NEVER = 0
"""Takes the letter and does not answer."""
OK = 204
LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Received:
    """A letter that was in order."""

    event_id: str
    type: str
    data: dict[str, Any]
    signatures: int
    answered: int


@dataclass(slots=True)
class Receiver:
    """What an endpoint knows: the secrets it accepts, what came, and what it is to answer."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why letters were not in order."""
    answers: deque[int] = field(default_factory=deque)
    """Statuses of the next answers, `NEVER` for none; then all are `OK`."""
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status to answer."""
        with self.lock:
            fault = self._fault(headers, body)
            if fault is not None:
                self.refused.append(fault)
                return 400
            told = json.loads(body)
            answer = self.answers.popleft() if self.answers else OK
            signatures = len(headers["webhook-signature"].split())
            self.received.append(Received(headers["webhook-id"], told["type"], told["data"], signatures, answer))
            return answer

    def _fault(self, headers: dict[str, str], body: bytes) -> str | None:
        if headers.get("content-type") != "application/json":
            return "not declared as JSON"
        if not any(_signs(secret, headers, body) for secret in self.secrets):
            return "no signature of ours"
        told = json.loads(body)
        return None if set(told) == {"type", "timestamp", "data"} else "not type, timestamp and data"


def _signs(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens on loopback until the end."""
    receiver = Receiver()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", "0")), LARGEST)
            body = self.rfile.read(length)
            status = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            if status == NEVER:
                receiver.closing.wait()
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name that it has there
            """Nothing: tests look at what came."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    threading.Thread(target=server.serve_forever, args=(0.05,), name="receiver", daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
