"""Logs: facts in the past tense, with tenant, connector, run and slice."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from worker.settings import Settings


class _Lines:
    """The standard error, which takes what it can: a line that a full disk refuses is lost, and no slice ends by it."""

    def write(self, text: str) -> int:
        """As of any stream, but for the trouble."""
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any stream, but for the trouble."""
        with suppress(OSError):
            sys.stderr.flush()


_LINES = cast("TextIO", _Lines())


def configure(settings: Settings) -> None:
    """Log as JSON lines or for a terminal; control characters from outside are escaped either way."""
    last: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _escaped,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings)),
        logger_factory=lambda *_: structlog.PrintLogger(_LINES),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(_level(settings), logging.WARNING), stream=sys.stderr, format="%(message)s")


def _level(settings: Settings) -> int:
    return int(getattr(logging, settings.log_level.upper(), logging.INFO))


def _escaped(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Line breaks and control characters of foreign texts cannot forge a line (CWE-117).

    A traceback keeps its lines, indented: it holds the texts of foreign errors.
    """
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n    ".join(
                line if line.isprintable() else line.encode("unicode_escape").decode("ascii") for line in lines
            )
    return event
