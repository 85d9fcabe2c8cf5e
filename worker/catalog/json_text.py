"""JSON read and kept, by msgspec: the standard library took a tenth of a run's processor time for it.

Texts that msgspec refuses and the standard library takes (half a surrogate pair, a number beyond all bounds, NaN) are
read by the latter, so that both together read what one did. Bodies of calls, which are few, are written by the latter
too: it knows sets for no JSON.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

_KEPT = msgspec.json.Encoder(enc_hook=str)
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_WRITTEN = msgspec.json.Decoder(float_hook=str)


def kept(value: Any) -> str:
    """A value as it is kept: what JSON has no word for (a Decimal, a date) is told as a text."""
    return _KEPT.encode(value).decode()


def in_order(value: Any) -> bytes:
    """The same as bytes, as they are hashed; names stay in their order."""
    return _KEPT.encode(value)


def read(written: str | bytes) -> Any:
    """What was kept; ValueError where that is not JSON."""
    try:
        return msgspec.json.decode(written)
    except ValueError:
        return json.loads(written)


def read_exactly(written: str) -> Any:
    """The same with Decimals for numbers with a point."""
    try:
        return _EXACT.decode(written)
    except ValueError:
        return json.loads(written, parse_float=Decimal)


def read_as_written(written: str) -> Any:
    """The same with texts for numbers with a point, so that none loses a digit."""
    try:
        return _WRITTEN.decode(written)
    except ValueError:
        return json.loads(written, parse_float=str, parse_constant=str)
