"""A worker that dies at a chosen moment: before or after a call, before or after a commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Engine

from sandbox.stage.stage import Died


def _raise(where: str) -> None:
    raise Died(where)


@dataclass(slots=True)
class Fate:
    """Counts the moments at which a worker can die, and kills it at the chosen one."""

    at: int | None = None
    """The moment to die at, counted from now; None = live on."""
    die: Callable[[str], None] = _raise
    """How: by an exception that nothing catches, or for good where the process is one of its own."""
    passed: int = 0
    died_where: list[str] = field(default_factory=list)
    _dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def moment(self, where: str) -> None:
        """A moment has come; a dead worker does nothing any more."""
        with self._lock:
            self.passed += 1
            if self.at is not None and not self._dead:
                self.at -= 1
                if self.at < 0:
                    self._dead = True
                    self.died_where.append(where)
            is_dead = self._dead
        if is_dead:
            self.die(where)

    def new_worker(self, at: int | None = None) -> None:
        """Another worker takes over, with a fate of its own."""
        with self._lock:
            self._dead = False
            self.at = at

    def watch(self, engine: Engine) -> None:
        """Every commit is two moments: before it is sent, and when the database has done it."""
        dialect: Any = engine.dialect
        commit = dialect.do_commit

        def watched(connection: Any) -> None:
            self.moment("before a commit")
            commit(connection)
            self.moment("after a commit")

        dialect.do_commit = watched

    def wrap(self, transport: httpx.BaseTransport) -> httpx.BaseTransport:
        """Every call is two moments: before it is sent, and when its answer has come."""
        return _Watched(transport, self)


class _Watched(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        what = f"{request.method} {request.url.path}"
        self._fate.moment(f"before {what}")
        response = self._inner.handle_request(request)
        self._fate.moment(f"after {what}")
        return response
