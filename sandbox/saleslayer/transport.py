"""The door for tests in the same process: an httpx transport."""

import time
from collections.abc import Callable

import httpx

from sandbox.saleslayer.messages import Request
from sandbox.saleslayer.sandbox import Sandbox


class SandboxTransport(httpx.BaseTransport):
    """Answers every request of an httpx client out of a sandbox, whatever host it names."""

    def __init__(self, sandbox: Sandbox, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sandbox = sandbox
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's answer; one that is dropped, or later than the client waits, is a ReadTimeout."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._sandbox.handle(Request(request.method, str(request.url), headers, request.read()))
        patience = request.extensions.get("timeout", {}).get("read")
        if answer.dropped or (patience is not None and answer.delay > patience):
            msg = "the sandbox did not answer in time"
            raise httpx.ReadTimeout(msg, request=request)
        if answer.delay:
            self._sleep(answer.delay)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)
