"""The sandbox inside the process, behind httpx."""

import time
from collections.abc import Callable

import httpx

from sandbox.bigcommerce import control
from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.messages import Request


class SandboxTransport(httpx.BaseTransport):
    """An httpx transport that answers out of a sandbox, as slowly and as badly as a network would."""

    def __init__(self, sandbox: Sandbox | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.sandbox = sandbox or Sandbox()
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, after its delay; ReadTimeout when the caller gives up earlier, ReadError when it is lost."""
        asked = Request(
            request.method,
            request.url.path,
            tuple(request.url.params.multi_items()),
            {name.lower(): value for name, value in request.headers.items()},
            request.read(),
        )
        if request.url.path.startswith(control.PREFIX):
            answer = control.answer(self.sandbox, asked)
        else:
            answer = self.sandbox.handle(asked)
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is not None and answer.delay > patience:
            self._sleep(patience)
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        if answer.delay > 0:
            self._sleep(answer.delay)
        if answer.dropped:
            raise httpx.ReadError("The connection was closed", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
