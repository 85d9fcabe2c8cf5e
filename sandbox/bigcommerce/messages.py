"""What goes in and what comes out of the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are in lower case, the query is decoded and in order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, to be given after `delay` seconds, or never when it is dropped."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a room of the store says: a status and a payload; `None` is an empty body."""

    status: int
    payload: Any = None
    content_type: str = "application/json"


def single(row: Any, status: int = 200) -> Reply:
    """One row in the envelope of API facts §3."""
    return Reply(status, {"data": row, "meta": {}})
