"""Traces: a span for each slice, step, call and request; nothing at all where no endpoint is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode, Tracer

from worker.settings import Settings

METHOD, TEMPLATE, ROUTE = "http.request.method", "url.template", "http.route"
STATUS, REPEATS, NEIGHBOUR = "http.response.status_code", "http.request.resend_count", "peer.service"
"""Names of OpenTelemetry's own; the others are the words of the logs."""

Fact = str | int | None


@dataclass(slots=True)
class _Process:
    """What this process traces with."""

    tracer: Tracer | None = None
    close: Callable[[], None] = lambda: None


_here = _Process()
_NOTHING = nullcontext(INVALID_SPAN)


def configure(settings: Settings, *, service: str) -> None:
    """Trace from now on, where an endpoint is set; `service` is the name where OTEL_SERVICE_NAME has none."""
    if not settings.otel_exporter_otlp_endpoint or _here.tracer is not None:
        return
    # Loaded where it is wanted alone: the SDK takes a quarter of a second and 10 MiB.
    exporter = import_module("worker.exporter")
    _here.tracer, _here.close = exporter.opened(settings.otel_exporter_otlp_endpoint, service=service)


def close() -> None:
    """Send what is still here, for some seconds at most; nothing is traced any more."""
    closing, _here.tracer, _here.close = _here.close, None, lambda: None
    closing()


def slice_(tenant: int, connector: int, epoch: int) -> AbstractContextManager[Span]:
    """The span of a slice: a trace of its own."""
    facts = {"tenant": tenant, "connector": connector, "slice": epoch}
    return _span("slice", SpanKind.CONSUMER, facts, within=Context())


def step(name: str, *, phase: str | None, run: int) -> AbstractContextManager[Span]:
    """The span of a step within a slice."""
    return _span(f"step {name}", SpanKind.INTERNAL, {"step": name, "phase": phase, "run": run})


def call(neighbour: str, method: str, template: str) -> AbstractContextManager[Span]:
    """The span of a call to a neighbour, with all its repeats; `template` has no ids in it, and no query."""
    facts = {NEIGHBOUR: neighbour, METHOD: method, TEMPLATE: template}
    return _span(f"{method} {template}", SpanKind.CLIENT, facts)


def request(method: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """The span of a request to the door, within the trace that its `traceparent` names."""
    if _here.tracer is None:
        return _NOTHING
    return _span(method, SpanKind.SERVER, {METHOD: method}, within=propagate.extract(headers, Context()))


def answered(span: Span, method: str, route: str | None, status: int, *, tenant: int | None) -> None:
    """The door has answered the request of this span (status 0: it could not)."""
    if _here.tracer is None:
        return
    span.update_name(f"{method} {route}" if route else method)
    span.set_attributes(_told({ROUTE: route, STATUS: status or None, "tenant": tenant}))
    if status >= 500 or not status:
        span.set_status(StatusCode.ERROR)


def note(**facts: Fact) -> None:
    """Add facts to the span that is open."""
    if _here.tracer is not None:
        trace.get_current_span().set_attributes(_told(facts))


def heard(status: int) -> None:
    """The neighbour has answered the call whose span is open."""
    if _here.tracer is not None:
        trace.get_current_span().set_attribute(STATUS, status)


def again(why: str) -> None:
    """The call whose span is open has come to nothing, and may be sent again."""
    if _here.tracer is None:
        return
    span = trace.get_current_span()
    span.add_event("not answered", {"why": why})
    held: Mapping[str, int] = getattr(span, "attributes", None) or {}
    span.set_attribute(REPEATS, held.get(REPEATS, 0) + 1)


def _span(
    name: str, kind: SpanKind, facts: Mapping[str, Fact], *, within: Context | None = None
) -> AbstractContextManager[Span]:
    if _here.tracer is None:
        return _NOTHING
    return _open(_here.tracer, name, kind, facts, within)


@contextmanager
def _open(
    tracer: Tracer, name: str, kind: SpanKind, facts: Mapping[str, Fact], within: Context | None
) -> Iterator[Span]:
    # The texts of errors quote neighbours: a span has an error's name alone, the log has the rest.
    with tracer.start_as_current_span(
        name, within, kind, _told(facts), record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as trouble:
            span.set_status(Status(StatusCode.ERROR, type(trouble).__name__))
            raise


def _told(facts: Mapping[str, Fact]) -> dict[str, str | int]:
    return {name: value for name, value in facts.items() if value is not None}
