"""The catalogue of coded causes: what a code says in general, what to do about it, and who acts.

The sentence of a status or a message names the item, the field and the figures; its code leads here. The texts stand
in `causes.toml` and, for people, in docs/errors.md; a test compares the two.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is as it is, in one plain sentence."""

    code: str
    says: str
    do: str
    """What to do about it."""
    who: str
    """Who does it: merchant, connector, store, operator or nobody (see docs/errors.md)."""


def _read() -> Mapping[str, Cause]:
    told = tomllib.loads((files("worker.catalog") / "causes.toml").read_text("utf-8"))
    return MappingProxyType({code: Cause(code, **of) for code, of in told.items()})


CAUSES = _read()
"""Cause by code."""


def remedy(code: str | None) -> str | None:
    """What to do about a status or message of this code; None where there is none."""
    cause = CAUSES.get(code or "")
    return None if cause is None else cause.do
