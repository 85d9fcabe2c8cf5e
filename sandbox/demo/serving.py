"""The process that serves the HTTP API and the pages of the demo."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from sandbox.processes.children import Child, Children
from sandbox.processes.trouble import CannotPlay

SECONDS_TO_START = 60.0
PORT = 8000
"""Where PUBLIC_URL names none."""


def open_door(public_url: str, environment: Mapping[str, str], children: Children) -> Child:
    """The server process started and answering, at the port of PUBLIC_URL, whoever leads there from outside."""
    port = urlsplit(public_url).port or PORT
    arguments = ["api.main:app", "--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "2"]
    arguments += ["--no-access-log"]  # it would hold what opens a page
    door = children.start("api", "uvicorn", arguments, environment)
    give_up_at = time.monotonic() + SECONDS_TO_START
    with httpx.Client(trust_env=False, timeout=5) as http:
        while True:
            if door.has_ended():
                raise door.ended()
            try:
                if http.get(f"http://127.0.0.1:{port}/readyz").is_success:
                    return door
            except httpx.TransportError:
                pass
            if time.monotonic() > give_up_at:
                raise CannotPlay(f"the pages did not answer after {SECONDS_TO_START:.0f} s; see {door.log}")
            time.sleep(0.1)


def free_address() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{tried.getsockname()[1]}"
