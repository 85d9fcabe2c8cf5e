"""The sandbox behind a real socket."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.bigcommerce import control
from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.messages import Request

Address = tuple[str, int]


class Connections:
    """The open connections by their client's address, so that a fault can cut one."""

    def __init__(self) -> None:
        self._cut: dict[Address, Callable[[], None]] = {}

    def protocol(self) -> type[H11Protocol]:
        """An HTTP protocol for uvicorn that registers its connections here."""
        cut = self._cut

        class Registered(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                cut[transport.get_extra_info("peername")[:2]] = transport.abort

            def connection_lost(self, exc: Exception | None) -> None:
                cut.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        return Registered

    def cut(self, address: Address) -> None:
        """The connection is closed without an answer."""
        self._cut[address]()


class Door:
    """The ASGI application: waits for an answer's delay in the loop, so thousands of slow calls cost no thread."""

    def __init__(self, sandbox: Sandbox, connections: Connections) -> None:
        self._sandbox = sandbox
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request answered, late or never if so told."""
        web = WebRequest(scope, receive)
        asked = Request(
            web.method, web.url.path, tuple(web.query_params.multi_items()), dict(web.headers), await web.body()
        )
        if asked.path.startswith(control.PREFIX):
            answer = control.answer(self._sandbox, asked)
        else:
            answer = self._sandbox.handle(asked)
        if answer.delay > 0:
            await asyncio.sleep(answer.delay)
        if answer.dropped:
            self._connections.cut(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await Response(answer.body, answer.status, dict(answer.headers))(scope, receive, send)


class _Announced(uvicorn.Server):
    """A server that says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for opened in sockets or ():
            host, port = opened.getsockname()[:2]
            print(f"listening http://{host}:{port}", flush=True)  # noqa: T201 - the line that callers wait for


def serve(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0, **config: Any) -> None:
    """Serves until SIGTERM or SIGINT; port 0 takes a free one."""
    with socket.create_server((host, port), backlog=1024) as opened:
        connections = Connections()
        settings = uvicorn.Config(
            Door(sandbox, connections),
            http=connections.protocol(),
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            **config,
        )
        _Announced(settings).run(sockets=[opened])
