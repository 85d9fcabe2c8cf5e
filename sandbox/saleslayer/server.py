"""The door for other processes: an HTTP server on loopback."""

import asyncio
import socket
from typing import Any

import uvicorn
from starlette import requests, responses
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from sandbox.saleslayer.messages import Request
from sandbox.saleslayer.sandbox import Sandbox

HOST = "127.0.0.1"


class Door:
    """The ASGI application around one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands one request to the sandbox and does what the answer says."""
        incoming = requests.Request(scope, receive)
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        request = Request(incoming.method, str(incoming.url), headers, await incoming.body())
        answer = await run_in_threadpool(self._sandbox.handle, request)
        await asyncio.sleep(answer.delay)
        if answer.dropped:
            await _close_the_socket(receive, send)
            return
        response = responses.Response(answer.body, status_code=answer.status, headers=dict(answer.headers))
        await response(scope, receive, send)


async def _close_the_socket(receive: Receive, send: Send) -> None:
    """Hangs up; ASGI knows no word for that, so uvicorn's own transport is used."""
    cycle: Any = getattr(send, "__self__", None)
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class AnnouncedServer(uvicorn.Server):
    """A server that says where it listens as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, then prints the address as the last line of the start."""
        await super().startup(sockets)
        for one in sockets or ():
            host, at, *_ = one.getsockname()
            print(f"listening http://{host}:{at}", flush=True)  # noqa: T201  what callers wait for


def serve(sandbox: Sandbox, *, port: int, host: str = HOST) -> None:
    """Listens until SIGTERM, on loopback unless told otherwise; port 0 takes a free one."""
    config = uvicorn.Config(
        Door(sandbox),
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    with socket.create_server((host, port), backlog=128) as listening:
        AnnouncedServer(config).run(sockets=[listening])
