"""How many items a store takes in one call, where BigCommerce documents no maximum (API facts §2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from worker.bigcommerce.limits import (
    ASSIGNMENTS_PER_BATCH,
    CATEGORIES_PER_BATCH,
    CATEGORIES_PER_BATCH_WITH_URL,
    FEWEST_ASSIGNMENTS_PER_BATCH,
)

log = structlog.get_logger(__name__)

FEWEST = {"categories": CATEGORIES_PER_BATCH, "assignments": FEWEST_ASSIGNMENTS_PER_BATCH}
"""So many every store takes, as far as anybody has said."""


@dataclass(slots=True)
class Portions:
    """The sizes for one store; halved for good where it refuses so many at once.

    `learnt`: what this store was found to take at most, by name; `is_new`: since it was last kept.
    """

    categories: int = CATEGORIES_PER_BATCH_WITH_URL
    """Categories that all carry their URL."""
    assignments: int = ASSIGNMENTS_PER_BATCH
    """Pairs of a product and a storefront."""
    learnt: dict[str, int] = field(default_factory=dict)
    is_new: bool = False

    @classmethod
    def of(cls, *, categories: int, assignments: int, known: Mapping[str, int]) -> Portions:
        """As the service is set (items in a call), but no more than the store is known to take."""
        return cls(
            min(categories, known.get("categories", categories)),
            min(assignments, known.get("assignments", assignments)),
            dict(known),
        )

    def narrow(self, name: str, refused: int) -> None:
        """The store refused so many of this kind only because they were so many."""
        most = max(FEWEST[name], refused // 2)
        if most < getattr(self, name):
            setattr(self, name, most)
            self.learnt = {**self.learnt, name: most}
            self.is_new = True
            log.warning("the store takes fewer in a call", of=name, refused=refused, from_now_on=most)
