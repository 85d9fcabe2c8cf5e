"""Logs: facts in the past tense, with tenant, connector, run and slice; one format for everybody."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

import structlog
from opentelemetry import trace

from worker import redaction
from worker.settings import Settings

OURS = "connector"
"""The logger of the standard library through which all that the product itself says goes."""
TALKATIVE = ("alembic",)
"""Libraries whose ordinary lines are worth reading; of the others only warnings are."""
FIRST = ("timestamp", "level", "event", "logger", "tenant", "connector", "run", "slice")
"""The order in which a line of JSON begins."""

Event = MutableMapping[str, Any]


def configure(settings: Settings) -> None:
    """Log as JSON lines or for a terminal: our own lines, and those of the libraries, by one door and in one format.

    What is debugging for a library is never written, whatever the level: some write headers then.
    """
    level = int(getattr(logging, settings.log_level.upper(), logging.INFO))
    structlog.configure(
        processors=[*_facts(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: logging.getLogger(OURS),
        cache_logger_on_first_use=False,
    )
    _take_over(settings, level)


def configure_process(settings: Settings) -> None:
    """The same for a process that is ours alone: warnings and what nobody has caught become lines too."""
    configure(settings)
    logging.captureWarnings(capture=True)
    sys.excepthook = _died
    threading.excepthook = _thread_died


@contextmanager
def bound_to_slice(tenant: int, connector: int, epoch: int) -> Iterator[None]:
    """Every line of the block says whose slice it is; its run is bound when it is known.

    What goes wrong in it is told as its own by whoever catches it; then the next one binds anew.
    """
    structlog.contextvars.bind_contextvars(tenant=tenant, connector=connector, run=None, slice=epoch)
    yield
    structlog.contextvars.unbind_contextvars("tenant", "connector", "run", "slice")


def _facts() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace,
    ]


def _take_over(settings: Settings, level: int) -> None:
    as_json = settings.log_format == "json"
    last: Any = (
        structlog.processors.JSONRenderer(allow_nan=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    lines = _Lines()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_facts(), structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _clean,
                last,
            ],
        )
    )
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _Lines)]:
        root.removeHandler(before)
    root.addHandler(lines)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(OURS).setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    # uvicorn has put formats of its own in place before it loads the application.
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    # The addresses of links to the pages hold what opens them: api/access.py writes the lines of requests.
    logging.getLogger("uvicorn.access").handlers.clear()
    logging.getLogger("uvicorn.access").propagate = False


class _Lines(logging.Handler):
    """Writes each record in one piece to what is the error stream just then."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; of one whose parts do not fit together, whose it was."""
        try:
            line = self.format(record)
        except Exception as trouble:  # noqa: BLE001 a line that cannot be written must hurt nobody
            told = f"a line of {record.name} could not be written ({type(trouble).__name__})"
            line = self.format(logging.makeLogRecord({"name": OURS, "levelno": 40, "levelname": "ERROR", "msg": told}))
        # A line that a full disk refuses is lost, and no slice ends by it.
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def _trace(_logger: object, _method: str, event: Event) -> Event:
    """Where a span is open, its line leads to it."""
    at = trace.get_current_span().get_span_context()
    if at.is_valid:
        event["trace_id"] = trace.format_trace_id(at.trace_id)
        event["span_id"] = trace.format_span_id(at.span_id)
    return event


def _clean(_logger: object, _method: str, event: Event) -> Event:
    names = [name for name in FIRST if name in event] + [name for name in event if name not in FIRST]
    return {redaction.text(name): _told(name, event[name]) for name in names}


def _told(name: str, value: Any) -> Any:
    if name == "exception":
        return redaction.lines(str(value))
    # Celery ends some of its lines itself.
    return redaction.clean(value.strip() if name == "event" and isinstance(value, str) else value, name=name)


def _died(kind: type[BaseException], trouble: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, trouble, at)
        return
    structlog.get_logger().critical("process died", exc_info=(kind, trouble, at))


def _thread_died(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is SystemExit:
        return
    name = None if found.thread is None else found.thread.name
    told: Any = (found.exc_type, found.exc_value, found.exc_traceback)
    structlog.get_logger().critical("thread died", thread=name, exc_info=told)
