"""The page of metrics that a process serves, on a port of its own that the public does not reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, start_http_server
from prometheus_client.registry import Collector

from worker.settings import Settings

log = structlog.get_logger(__name__)


def serve(settings: Settings, collectors: Iterable[Collector]) -> Callable[[], None] | None:
    """Serve them until what comes back is called; None where that is off, or the port is not to be had."""
    if not settings.metrics_port:
        return None
    # When a counter began doubles the series, and nobody asks for it.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for one in collectors:
        registry.register(one)
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as trouble:
        # Nothing depends on who watches it.
        log.warning("metrics not served", host=settings.metrics_host, port=settings.metrics_port, error=str(trouble))
        return None
    log.info("metrics served", host=settings.metrics_host, port=settings.metrics_port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
