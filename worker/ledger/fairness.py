"""How evenly something was shared."""

from __future__ import annotations

from collections.abc import Iterable


def jain(shares: Iterable[float]) -> float:
    """Jain's index of the shares: 1 where all are equal, 1/n where one of n has everything; 1 where nobody has any."""
    given = list(shares)
    squares = sum(share * share for share in given)
    return sum(given) ** 2 / (len(given) * squares) if squares else 1.0
