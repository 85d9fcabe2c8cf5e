"""What the store answered, in one shape.

Its refusals come in many (facts §5): `{"title", "errors": {field: reason}}`, the same wrapped in another `errors`,
lists, `batch_errors`, V2's `[{"status", "message"}]`, plain text. Here all become a title and {field: reason}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from worker.catalog import json_text, letters

LONGEST_BODY = 2000
LONGEST_TITLE = 200
_INNER = ("errors", "batch_errors", "field_errors")
_WORDS = ("title", "message", "detail")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was taken in; of a 207 `errors` says what was not saved."""

    status: int
    data: Any = None
    meta: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    title: str = ""
    body: str = ""
    """the raw text, trimmed"""


Opened = Callable[[int, str, str], Answer]
"""Status, text and reason as an Answer; ValueError where a success makes no sense."""


def read(status: int, text: str, reason: str = "") -> Answer:
    """The answer with its envelope opened; numbers with a point are Decimals.

    Raises ValueError where a success is not JSON; the text of a refusal that is not JSON is its title.
    """
    body = str(letters.storable(text[:LONGEST_BODY], text))
    reason = reason if status >= 300 else ""
    if not text.strip():
        return Answer(status, title=reason, body=body)
    try:
        said = letters.storable(json_text.read_exactly(text), text)
    except ValueError:
        if status < 300:
            raise
        return Answer(status, title=" ".join(body.split())[:LONGEST_TITLE] or reason, body=body)
    if status < 300 and not (isinstance(said, dict) and said.keys() & {"data", "meta", "errors"}):
        return Answer(status, data=said, body=body)  # V2, and whatever has no envelope
    data, meta = (said.get("data"), said.get("meta")) if isinstance(said, dict) else (None, None)
    refusals = [said[name] for name in _INNER if said.get(name)] if isinstance(said, dict) else [said]
    errors = {name: words for refusal in refusals for name, words in _flat(refusal, "")}
    return Answer(status, data, meta if isinstance(meta, dict) else {}, errors, _title(said) or reason, body)


def _title(said: Any) -> str:
    """The first words that say what is wrong, from the outside in."""
    if isinstance(said, list):
        return next(filter(None, map(_title, said)), "")
    if not isinstance(said, dict):
        return ""
    for name in _WORDS:
        if isinstance(said.get(name), str) and said[name]:
            return str(said[name])[:LONGEST_TITLE]
    return next(filter(None, (_title(said.get(name)) for name in _INNER if _is_envelope(said.get(name)))), "")


def _is_envelope(said: Any) -> bool:
    """Whether this is a refusal of its own, and not the fields of one."""
    if isinstance(said, list):
        return any(map(_is_envelope, said))
    return isinstance(said, dict) and (
        any(isinstance(said.get(name), dict | list) for name in _INNER)
        or ("status" in said and any(name in said for name in _WORDS))
    )


def _flat(said: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, reason) of all that is refused: {"0": {"url": ["is empty"]}} is ("0.url", "is empty")."""
    if isinstance(said, dict) and _is_envelope(said):
        inner = [pair for name in _INNER for pair in _flat(said.get(name), path)]
        words = next((str(said[name]) for name in _WORDS if said.get(name)), "")
        yield from inner or ([(path or "0", words)] if words else [])
    elif isinstance(said, dict):
        for name, value in said.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(said, list) and any(isinstance(value, dict | list) for value in said):
        for index, value in enumerate(said):
            yield from _flat(value, f"{path}.{index}" if path else str(index))
    elif isinstance(said, list):
        if said:
            yield path or "0", "; ".join(map(str, said))
    elif said is not None and said != "":
        yield path or "0", str(said)
