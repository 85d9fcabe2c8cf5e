"""The hash of what was sent, group by group."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from worker.catalog import json_text

# Made once: to make one costs as much as to write a small value. What was sent is known by these texts for years: they
# are written as they were on the first day, whatever writes faster.
_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def of(value: Any) -> str:
    """The fingerprint of a JSON value; the order of keys does not matter, that of lists does."""
    return blake2b(_SORTED.encode(value).encode(), digest_size=8).hexdigest()


def of_groups(groups: Mapping[str, Any]) -> dict[str, str]:
    """Group -> fingerprint of its value."""
    return {str(group): of(value) for group, value in groups.items()}


def of_row(columns: Iterable[str], row: Iterable[Any]) -> str:
    """The hash of a raw source row under its columns, by which an unchanged row is known unread."""
    return of_rows(columns)(list(row))


def of_rows(columns: Iterable[str]) -> Callable[[list[Any]], str]:
    """The same for many rows under the same columns, which are written once."""
    begun = blake2b(b"[" + json_text.in_order(list(columns)) + b",", digest_size=12)

    def of_one(row: list[Any]) -> str:
        whole = begun.copy()
        whole.update(json_text.in_order(row) + b"]")
        return whole.hexdigest()

    return of_one


def of_written(written: bytes, *under: Any) -> str:
    """The hash of a value as its JSON came, by which it is known unread; of what it is read under, too."""
    return blake2b(json_text.in_order(under) + written, digest_size=12).hexdigest()
