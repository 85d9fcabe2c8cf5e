"""A tree of categories under one root."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Any

from sandbox.generator.words import DEPARTMENTS, QUALITIES

FIRST_ID = 11
SHARE_HIDDEN = 0.03


@dataclass(frozen=True, slots=True)
class Category:
    """One node; `level` 0 is the root."""

    id: int
    parent: int
    level: int
    order: int
    name: str


def grow(count: int, random: Random) -> list[Category]:
    """That many categories, parents first; names are unique among siblings."""
    # At least n^(1/4) children a node: n categories always fit into four levels below the root.
    fewest = max(2, ceil(count**0.25))
    nodes = [Category(FIRST_ID, 0, 0, 1, "Catalogue")][:count]
    for parent in nodes:  # grows while it is walked: level by level
        missing = count - len(nodes)
        if missing <= 0:
            break
        names = _names(min(missing, random.randint(fewest, 2 * fewest)), parent.level, random)
        nodes += [
            Category(FIRST_ID + len(nodes) + position, parent.id, parent.level + 1, position + 1, name)
            for position, name in enumerate(names)
        ]
    return nodes


def leaves(categories: list[Category]) -> list[Category]:
    """The categories without children, in which products stand."""
    parents = {category.parent for category in categories}
    return [category for category in categories if category.id not in parents]


def values(categories: list[Category], random: Random) -> Iterator[tuple[int, dict[str, Any]]]:
    """Id and values by column of each category."""
    for category in categories:
        is_hidden = category.level > 0 and random.random() < SHARE_HIDDEN
        yield (
            category.id,
            {
                "ID_PARENT": category.parent,
                "REF": f"CAT-{category.id}",
                "section_name": category.name,
                "section_description": f"<p>{category.name} for every day.</p>" if random.random() < 0.3 else "",
                "section_order": category.order,
                "section_visible": 0 if is_hidden else 1,
                "section_url": f"{category.name.lower().replace(' ', '-')}-{category.id}",
                "section_image": [],
            },
        )


def _names(count: int, level: int, random: Random) -> list[str]:
    """Single words near the root, two words below."""
    if level < 2 and count <= len(DEPARTMENTS):
        return random.sample(DEPARTMENTS, count)
    pairs = random.sample(range(len(QUALITIES) * len(DEPARTMENTS)), count)
    return [f"{QUALITIES[pair % len(QUALITIES)]} {DEPARTMENTS[pair // len(QUALITIES)]}" for pair in pairs]
