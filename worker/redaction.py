"""What a log line may hold: no secret, and no character that could forge a line (CWE-117, CWE-532)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

HIDDEN = "***"
DEEPEST = 8
"""Values nested deeper than this are written as one text."""
LONGEST = 8_000
"""Characters of a text that are written: collectors cut lines at 16 KiB, and what they cut is no JSON any more."""
LONGEST_TRACEBACK = 12_000
MOST_ITEMS = 100
"""Of a list or a mapping."""
SECRET_NAME = re.compile(
    r"token|secret|passw|authorization|cookie|credential|signature|key256|api[-_]?key|private[-_]?key", re.IGNORECASE
)
"""A value under such a name is a secret, whatever it looks like."""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # redis://:pw@host, postgresql://user:p/w@host; the last @ belongs to the host, but for a path behind host and port
    (re.compile(r"(?<=://)(?:[^\s\"'<>/?#@:]*:(?!\d+(?:[/?#]|$))[^\s\"'<>]*@|[^/\s\"'<>?#]*@)"), f"{HIDDEN}@"),
    # a query value opens pages, signs a call or is a page's token
    (re.compile(r"([?&][\w.\[\]%-]+=)[^&\s\"'<>#]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # a named value, in quotes up to the one that ends it
    (
        re.compile(
            r"((?:x-auth-(?:token|client)|authorization|cookie|token|secret|password|passwd|api[_-]?key)[\w-]*"
            r"\\?[\"']?\s*[:=]\s*b?)"
            r"(?:\\[\"'][^\"'\\]*(?:\\[\"'])?|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|(?!\s)[^\s\"',;&})\]\\]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # what httpx writes of its headers
    (
        re.compile(r"(b?[\"'](?:x-auth-token|authorization|cookie)[\"'],\s*b?[\"'])[^\"']+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # our own API keys and the secrets of webhooks
    (re.compile(r"\b(slbc_|whsec_)[\w+/=-]{12,}"), rf"\1{HIDDEN}"),
    # an entry of CREDENTIAL_KEYS: a name, and 32 bytes in base64
    (re.compile(r"\b([\w-]{1,64}:)[A-Za-z0-9+/]{43}="), rf"\1{HIDDEN}"),
)


def clean(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """The value as it may be written: JSON's own types, secrets hidden, control characters escaped."""
    if name and SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
        return HIDDEN
    match value:
        case None | bool() | int():
            return value
        case float():
            # JSON has no word for these.
            return value if math.isfinite(value) else str(value)
        case str():
            return text(value)
        case date() | Decimal():
            return text(str(value))
        case Mapping() if depth < DEEPEST:
            told = {
                text(str(key)): clean(one, name=str(key), depth=depth + 1)
                for key, one in islice(value.items(), MOST_ITEMS)
            }
            return told if len(value) <= MOST_ITEMS else told | {"...": f"{len(value) - MOST_ITEMS} more"}
        case list() | tuple() | set() | frozenset() if depth < DEEPEST:
            listed = [clean(one, depth=depth + 1) for one in islice(value, MOST_ITEMS)]
            return listed if len(value) <= MOST_ITEMS else [*listed, f"... {len(value) - MOST_ITEMS} more"]
        case _:
            return text(repr(value))


def text(said: str) -> str:
    """The text with no secret, on one line, and not too long."""
    # What is cut off beforehand is far behind what is shown, and the patterns never meet a text without end.
    told = escaped(hidden(said[: 2 * LONGEST]))
    return (
        told if len(told) <= LONGEST and len(said) <= 2 * LONGEST else f"{told[:LONGEST]}... ({len(said)} characters)"
    )


def lines(said: str) -> str:
    """A traceback keeps its lines, indented: it holds the texts of foreign errors. Of a long one the middle goes."""
    half = LONGEST_TRACEBACK // 2
    if len(said) > 2 * LONGEST_TRACEBACK:
        said = f"{said[:LONGEST_TRACEBACK]}\n...\n{said[-LONGEST_TRACEBACK:]}"
    told = "\n    ".join(escaped(line) for line in hidden(said).split("\n"))
    if len(told) <= LONGEST_TRACEBACK:
        return told
    return f"{told[:half]}\n    ... ({len(told) - 2 * half} characters)\n    {told[-half:]}"


def hidden(said: str) -> str:
    """The text without what looks like a secret."""
    for pattern, instead in _PATTERNS:
        said = pattern.sub(instead, said)
    return said


def escaped(said: str) -> str:
    """The text with every character that does not print written out: line ends, ANSI escapes, marks of direction."""
    if said.isprintable():
        return said
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in said)
