"""The simulated service: requests in, answers out.

`handle` is synchronous and may be called from many threads: state is read and changed under one lock, the JSON is
written outside it.
"""

import time
from collections.abc import Callable

from sandbox.saleslayer import control, dialogue
from sandbox.saleslayer.connectors import Connectors
from sandbox.saleslayer.messages import Answer, Request, html_answer
from sandbox.saleslayer.reads import OpenReads


class Sandbox(Connectors):
    """The connectors, and the two APIs that speak for them."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock=clock)
        self._reads = OpenReads()

    def handle(self, request: Request) -> Answer:
        """The answer of the connector API, or of the control API below `/_control`."""
        if request.path.startswith(control.ROOT):
            return control.answer(self, request)
        if request.path != "/":
            return html_answer(404, "Not Found")
        if request.method not in {"GET", "POST"}:
            return html_answer(405, "Method Not Allowed")
        with self._lock:
            spoken = dialogue.speak(request, self._connectors, self._reads, now=self._clock())
        return dialogue.written(spoken, request)
