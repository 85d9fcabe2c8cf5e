"""What a log line may hold: no secret, and no character that could forge a line (CWE-117, CWE-532)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

HIDDEN = "***"
DEEPEST = 8
"""Values nested deeper than this are written as one text."""
LONGEST = 8_000
"""Characters of a text that are written: collectors cut lines at 16 KiB, and what they cut is no JSON any more."""
SECRET_NAME = re.compile(
    r"token|secret|passw|authorization|cookie|credential|signature|key256|api[-_]?key|private[-_]?key", re.IGNORECASE
)
"""A value under such a name is a secret, whatever it looks like."""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # redis://:pw@host, postgresql://user:pw@host; the last @ before the path belongs to the host
    (re.compile(r"(?<=://)[^/\s\"'<>?#]*@"), f"{HIDDEN}@"),
    # a query value opens pages, signs a call or is a page's token
    (re.compile(r"([?&][\w.\[\]%-]+=)[^&\s\"'<>#]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"((?:x-auth-(?:token|client)|authorization|cookie|token|secret|password|passwd|api[_-]?key)"
            r"[\"']?\s*[:=]\s*b?[\"']?)(?!\s)[^\s\"',;&})\]]+",
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
            return {text(str(key)): clean(one, name=str(key), depth=depth + 1) for key, one in value.items()}
        case list() | tuple() | set() | frozenset() if depth < DEEPEST:
            return [clean(one, depth=depth + 1) for one in value]
        case _:
            return text(repr(value))


def text(said: str) -> str:
    """The text with no secret, on one line, and not too long."""
    told = hidden(said)
    return escaped(told if len(told) <= LONGEST else f"{told[:LONGEST]}... ({len(told)} characters)")


def lines(said: str) -> str:
    """A traceback keeps its lines, indented: it holds the texts of foreign errors."""
    return "\n    ".join(escaped(line) for line in hidden(said).split("\n"))


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
