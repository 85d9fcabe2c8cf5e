"""What has changed between two profiles, field by field, as the Activity Register tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field, as `switches.overwrite_stock` -> [before, after]; None where it was not, or is no more, said."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return {
        field: [old.get(field), new.get(field)]
        for field in dict.fromkeys((*old, *new))
        if old.get(field) != new.get(field)
    }


def _flat(profile: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """The fields with their paths; a list is one value."""
    for name, value in profile.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
