"""Which categories belong to which storefront, and how deep.

A link exports its root and all descendants, the root as top node; no root =
the full category tree (the original's §5, rule 1). A category whose parent is
not exported stands at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Covered:
    """One storefront's part of the tree: category -> (parent there or None, level from 1)."""

    storefront_id: int
    places: Mapping[int, tuple[int | None, int]]
    in_circle: frozenset[int] = frozenset()

    def __contains__(self, source_id: object) -> bool:
        return source_id in self.places


def cover(parents: Mapping[int, int | None], storefront_id: int, root: int | None) -> Covered:
    """The part of the tree below `root` (None: all of it); nothing where the root is not there."""
    children: dict[int | None, list[int]] = {}
    for source_id, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(source_id)
    tops = [root] if root is not None else sorted(children.get(None, ()))
    places: dict[int, tuple[int | None, int]] = {}
    level: list[tuple[int, int | None]] = [(top, None) for top in tops if top in parents]
    depth = 1
    while level:
        places.update({source_id: (parent, depth) for source_id, parent in level})
        level = [
            (child, source_id)
            for source_id, _ in level
            for child in sorted(children.get(source_id, ()))
            if child not in places
        ]
        depth += 1
    # What hangs in a circle is reached from no top; only the full tree can tell.
    lost = frozenset(parents) - frozenset(places) if root is None else frozenset[int]()
    return Covered(storefront_id, places, lost)


def only(tree: Covered, shows: Callable[[int], bool]) -> Covered:
    """The part of a tree that is to be shown; what stands under a category that is not there is not there either."""
    places: dict[int, tuple[int | None, int]] = {}
    for source_id, (parent, level) in tree.places.items():
        if (parent is None or parent in places) and shows(source_id):
            places[source_id] = (parent, level)
    return Covered(tree.storefront_id, places, tree.in_circle)


def occupied(parents: Mapping[int, int | None], with_products: Iterable[int]) -> frozenset[int]:
    """The categories in which, or below which, a product stands."""
    found: set[int] = set()
    for one in with_products:
        at: int | None = one
        while at is not None and at in parents and at not in found:
            found.add(at)
            at = parents[at]
    return frozenset(found)


def storefronts_of(category_ids: Iterable[int], covered: Iterable[Covered]) -> tuple[tuple[int, int], ...]:
    """(storefront, category) for every place in which something in these categories shows."""
    ids = tuple(category_ids)
    return tuple((tree.storefront_id, category_id) for tree in covered for category_id in ids if category_id in tree)
