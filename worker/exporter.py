"""Where spans go: in batches, from a thread of its own, to a collector that may be away.

Nobody waits for it: what does not fit into the queue, or is not taken in time, is dropped.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

EXPORT_SECONDS = 5.0
"""Longest a batch may take, its repeats included."""
CLOSING_SECONDS = 3.0
"""Longest a process that ends waits for its last spans."""
SILENT_SECONDS = 60.0
"""So often at most, a line says that the collector does not take what is sent."""
UNNAMED = "unknown_service"


class Seldom(logging.Filter):
    """Lets one line through in a while: a collector that is away fails every batch."""

    def __init__(self, seconds: float = SILENT_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._said_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.ERROR or time.monotonic() - self._said_at < self._seconds:
            return False
        self._said_at = time.monotonic()
        return True


def opened(endpoint: str, *, service: str) -> tuple[Tracer, Callable[[], None]]:
    """A tracer whose spans go to the collector at this base URL, and what ends it."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    seldom = Seldom()
    for name in (OTLPSpanExporter.__module__, "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(seldom)
    # At the process's end nobody may wait for half a minute, as the SDK's own way would.
    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))

    def close() -> None:
        closing = threading.Thread(target=provider.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)

    return provider.get_tracer("connector"), close


def _resource(service: str) -> Resource:
    """Who we are: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes before ours."""
    ours = Resource({SERVICE_INSTANCE_ID: f"{socket.gethostname()}:{os.getpid()}"})
    said = Resource.create()
    named = str(said.attributes.get(SERVICE_NAME, UNNAMED))
    if named.startswith(UNNAMED):
        said = said.merge(Resource({SERVICE_NAME: service}))
    return ours.merge(said)
