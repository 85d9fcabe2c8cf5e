"""What a log line may hold: no secret, and no character that could forge a line (CWE-117, CWE-532)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from worker import named_values

HIDDEN = "***"
DEEPEST = 8
"""Values nested deeper than this are written as one text."""
LONGEST = 8_000
"""Characters of a text that are written: collectors cut lines at 16 KiB, and what they cut is no JSON any more."""
LONGEST_TRACEBACK = 12_000
MOST_ITEMS = 100
"""Of a list or a mapping."""
_ADDRESS = re.compile(r"(?<=://)[^\s\"'<>]*")
_LOGIN = re.compile(r"[^/?#@:]*:(?!\d+(?:[/?#]|$))")
_LOGIN_ALONE = re.compile(r"[^/?#]*@")
_QUERY_VALUE = re.compile(r"([?&][\w.\[\]%-]+=)([^&\s\"'<>#]+)")
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # our own API keys and the secrets of webhooks
    (re.compile(r"\b(slbc_|whsec_)[\w+/=-]{12,}"), rf"\1{HIDDEN}"),
    # an entry of CREDENTIAL_KEYS: a name, and 32 bytes in base64
    (re.compile(r"\b([\w-]{1,64}:)[A-Za-z0-9+/]{43}="), rf"\1{HIDDEN}"),
    # a private key, whole or cut off
    (re.compile(r"-----BEGIN [A-Z ]*+-----.*?(?:-----END[A-Z ]*+-----|\Z)", re.DOTALL), HIDDEN),
)
_FRAME = re.compile(r"^(  File \"[^\n]*\n(?:    [^\n]*\n?)*)", re.MULTILINE)
"""A place in a traceback, with its line of code; split by it, a text is a message, frames, a message and so on."""


def clean(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """The value as it may be written: JSON's own types, secrets hidden, control characters escaped."""
    if name and named_values.SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
        return HIDDEN
    match value:
        case (str() | bytes() as header, _) if named_values.is_secret(header):
            return [text(str(header)), HIDDEN]
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
                # Of {"name": "Cookie", "value": "x"} the name is another one.
                text(str(key)): clean(one, name=str(value.get("name") if key == "value" else key), depth=depth + 1)
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
    told = "\n    ".join(escaped(line) for line in _hidden_in_traceback(said).split("\n"))
    if len(told) <= LONGEST_TRACEBACK:
        return told
    return f"{told[:half]}\n    ... ({len(told) - 2 * half} characters)\n    {told[-half:]}"


def _hidden_in_traceback(said: str) -> str:
    """A line of code is read by itself: a bracket that it leaves open must not hide all that follows."""
    told = []
    for number, piece in enumerate(_FRAME.split(said)):
        told += ["\n".join(map(hidden, piece.split("\n"))) if number % 2 else hidden(piece)]
    return "".join(told)


def hidden(said: str) -> str:
    """The text without what looks like a secret; each search reads it a fixed number of times, however long it is."""
    said = _ADDRESS.sub(_without_login, said)
    said = named_values.hidden(said, HIDDEN)
    said = _QUERY_VALUE.sub(_without_value, said)
    for pattern, instead in _LOOKS:
        said = pattern.sub(instead, said)
    return said


def _without_login(found: re.Match[str]) -> str:
    """redis://:pw@host, postgresql://user:p/w@host; the last @ is the host's, but for a path behind host and port."""
    said = found[0]
    last, told, shown, at = said.rfind("@"), "", 0, 0
    while at <= last:
        name, alone = _LOGIN.match(said, at), _LOGIN_ALONE.match(said, at)
        if name is not None and name.end() <= last:
            return f"{told}{said[shown:at]}{HIDDEN}{said[last:]}"
        if alone is not None:
            told, shown = f"{told}{said[shown:at]}{HIDDEN}", alone.end() - 1
        further = said.find("://", at)
        at = further + 3 if further >= 0 else len(said)
    return told + said[shown:]


def _without_value(found: re.Match[str]) -> str:
    r"""A query value opens pages, signs a call or is a page's token; in \"?a=b\" the last backslash is the quote's."""
    return found[1] + HIDDEN + found[2][len(found[2].rstrip("\\")) :]


def escaped(said: str) -> str:
    """The text with every character that does not print written out: line ends, ANSI escapes, marks of direction."""
    if said.isprintable():
        return said
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in said)
