"""Items by kind and outcome, as this process has booked them."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from models.vocabulary import ItemKind, Outcome

BOOKED = Counter("connector_items", "Outcomes of items that were booked", ["kind", "outcome"], registry=None)
METRICS = (BOOKED,)

for _kind in ItemKind:
    for _outcome in Outcome:
        BOOKED.labels(_kind.value, _outcome.value)


def booked(moved: Mapping[tuple[str, int, str], int]) -> None:
    """Counters of a run have moved: (kind, storefront, outcome) -> by how much. What went down was counted before."""
    for (kind, _, outcome), by in moved.items():
        if by > 0:
            BOOKED.labels(kind, outcome).inc(by)
