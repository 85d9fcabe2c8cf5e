"""The category that a catalogue's second storefront is linked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.vocabulary import ItemKind
from sandbox.processes.trouble import CannotPlay
from worker.catalog.profile import Profile
from worker.errors import WorkerError
from worker.rules import coverage, mapping, reading
from worker.saleslayer import decode

FULL_TREE = 0


@dataclass(frozen=True, slots=True)
class Category:
    """A category by name, in the order of the catalogue; `level` begins at 1."""

    id: int
    name: str
    level: int
    parent: int | None


def categories(catalogue: Mapping[str, Any]) -> list[Category]:
    """The categories of a catalogue, named as the product reads them."""
    try:
        page = decode.page({**catalogue, "action": "refresh", "time": 1})
        mapped = mapping.settle(Profile(), page.columns)[0][ItemKind.CATEGORY]
        rows = [row for row in page.rows if row.kind is ItemKind.CATEGORY]
        read = [reading.read(row.kind, row.source_id, row.parent_id, row.cells, mapped).item for row in rows]
        names = {one.source_id: str(one.fields.get("name")) for one in read}
    except (WorkerError, ValueError, TypeError, AttributeError, KeyError) as trouble:
        raise CannotPlay(f"the catalogue cannot be read: {trouble}") from trouble
    places = coverage.cover({row.source_id: row.parent_id for row in rows}, FULL_TREE, None).places
    return [
        Category(row.source_id, names[row.source_id], level, parent)
        for row in rows
        for parent, level in [places.get(row.source_id, (None, 1))]
    ]


def root(catalogue: Mapping[str, Any], name: str | None) -> Category | None:
    """The category of this name, the shallowest and then the lowest id; no name = the first child of the top one.

    None where the catalogue has no category at all.
    """
    known = categories(catalogue)
    if name is not None:
        wanted = name.strip().casefold()
        found = [one for one in known if one.name.strip().casefold() == wanted]
        if not found:
            names = ", ".join(dict.fromkeys(one.name for one in known))
            raise CannotPlay(f"the catalogue has no category {name!r}; ROOT is one of: {names or 'none, it has none'}")
        return min(found, key=lambda one: (one.level, one.id))
    top = next((one for one in known if one.level == 1), None)
    return next((one for one in known if top is not None and one.parent == top.id), top)
