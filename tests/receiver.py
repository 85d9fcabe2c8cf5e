"""A receiver of traces: OTLP over HTTP, as a collector takes it, on a port of this machine."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it has arrived."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    facts: dict[str, Any]
    status: tuple[int, str]
    events: tuple[str, ...]
    began: int
    ended: int


@dataclass(slots=True)
class Receiver:
    """What has arrived at an address."""

    address: str
    spans: list[Span] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def of(self, service: str) -> list[Span]:
        """The spans of one service."""
        return [one for one in self.spans if one.service == service]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    server.found = found  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        found: Receiver = self.server.found  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
            self.send_error(404)
            return
        found.headers.append(dict(self.headers))
        found.bodies.append(body)
        found.spans += _read(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _read(body: bytes) -> Iterator[Span]:
    message = ExportTraceServiceRequest()
    message.ParseFromString(body)
    for of_process in message.resource_spans:
        service = _facts(of_process.resource.attributes)["service.name"]
        for scope in of_process.scope_spans:
            for one in scope.spans:
                yield Span(
                    service,
                    one.name,
                    one.kind,
                    one.trace_id.hex(),
                    one.span_id.hex(),
                    one.parent_span_id.hex(),
                    _facts(one.attributes),
                    (one.status.code, one.status.message),
                    tuple(event.name for event in one.events),
                    one.start_time_unix_nano,
                    one.end_time_unix_nano,
                )


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
