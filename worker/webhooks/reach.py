"""One POST to an address that a tenant gave: public ones only, and over in seconds whatever answers.

The host's name is resolved once, all its addresses are looked at, and the connection goes to one of these: a name that
means something else a moment later gains nothing. TLS and the Host header keep the name. Nothing is followed, and of
the answer only the status counts.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

from worker.rules import addresses

LONGEST_SECONDS = 10.0
"""From the resolved name to the answer's end, however slowly each byte may come."""
MOST_READ = 64 * 1024
"""Bytes of an answer that are taken before the connection is closed."""

Resolve = Callable[[str, int], Sequence[str]]
_SocketOptions = Iterable[tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]]


class UnreachableError(Exception):
    """There was no answer; the text says why, in words for whoever owns the endpoint."""


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(slots=True)
class _Wire(httpcore.NetworkStream):
    """A connection on which no wait is longer than what is left."""

    inner: httpcore.NetworkStream
    left: Callable[[], float]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self.inner.read(max_bytes, self.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self.inner.write(buffer, self.left())

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        return _Wire(self.inner.start_tls(ssl_context, server_hostname, self.left()), self.left)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


@dataclass(slots=True)
class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were looked at, and to no others."""

    reach: Reach
    _until: float | None = None

    def left(self) -> float:
        """Seconds that are left; the time begins with the first question."""
        now = time.monotonic()
        if self._until is None:
            self._until = now + self.reach.seconds
        if now >= self._until:
            raise httpcore.ReadTimeout
        return self._until - now

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        try:
            found = self.reach.resolve(host, port)
        except (OSError, UnicodeError):
            raise UnreachableError("the host has no address") from None
        if not self.reach.private and (wrong := addresses.fault_of(found)):
            raise UnreachableError(wrong)
        for place, address in enumerate(found, 1):
            try:
                stream = self.reach.dial(address, port, self.left(), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(found):
                    raise
            else:
                return _Wire(stream, self.left)
        raise UnreachableError("the host has no address")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Reach:
    """How endpoints are called; `private`: http and private addresses are allowed."""

    private: bool = False
    seconds: float = LONGEST_SECONDS
    resolve: Resolve = resolve
    dial: Callable[..., httpcore.NetworkStream] = field(default_factory=lambda: httpcore.SyncBackend().connect_tcp)
    tls: ssl.SSLContext = field(default_factory=httpx.create_ssl_context)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; UnreachableError where there is none."""
        if wrong := addresses.fault(url, private=self.private):
            raise UnreachableError(wrong)
        at = httpx.URL(url)
        target = httpcore.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
        sent = {"Host": at.netloc.decode("ascii"), "Content-Length": str(len(body)), **headers}
        network = _Network(self)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self.tls, max_connections=1, network_backend=network) as pool,
                pool.stream("POST", target, headers=list(sent.items()), content=body) as answer,
            ):
                _take(answer)
                return answer.status
        except httpcore.TimeoutException:
            raise UnreachableError(f"no answer within {self.seconds:g} seconds") from None
        except httpcore.ConnectError as trouble:
            raise UnreachableError(_why(trouble)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise UnreachableError("the connection broke, or what came was no answer") from None


def _take(answer: httpcore.Response) -> None:
    """Hear the answer out, so far as it is short: its status is known by now, whatever comes after."""
    taken = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for some in answer.iter_stream():
            taken += len(some)
            if taken >= MOST_READ:
                return


def _why(trouble: httpcore.ConnectError) -> str:
    # The exception of ssl names the certificate's fault; others name addresses, which are nobody's business.
    cause: BaseException | None = trouble
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {cause.verify_message}"
    return "no connection" if cause is None else "TLS was not agreed upon"
