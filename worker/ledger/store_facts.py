"""What the store said of itself when it was last read, and what of it was passed on.

Facts are kept by name beside the connector; what a run does not learn anew stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from worker.ledger.bulk import written
from worker.ledger.session import Session
from worker.ledger.statement import text

STOREFRONTS = "storefronts"
"""[[id, name], ...] of every storefront of the store, linked or not."""
LIST_WRITTEN = "storefront_list"
"""The fingerprint of the list of storefronts that the source was last told."""
TIME_ZONE = "time_zone"
"""[name, seconds east of UTC] of the store's clock; known once a date was mapped."""
PORTIONS = "portions"
"""Name -> how many items the store was found to take in one call (bigcommerce/portions.py)."""
LEFT_ALONE = "left_alone"
"""Ids of the storefronts that had no valid category when the last run was planned."""


def known(session: Session, connector_id: int) -> dict[str, Any]:
    """All facts of the connector's store, by name."""
    return dict(session.scalar(text("SELECT store_facts FROM connector WHERE id = :id"), {"id": connector_id}) or {})


def learn(session: Session, connector_id: int, facts: Mapping[str, Any]) -> None:
    """Keep these facts; the others stay."""
    session.execute(
        text("UPDATE connector SET store_facts = store_facts || CAST(:facts AS jsonb) WHERE id = :id"),
        {"id": connector_id, "facts": written(dict(facts))},
    )


def time_zone(session: Session, connector_id: int) -> tzinfo:
    """The zone of the store's clock, as last read; UTC where it never was."""
    name, seconds = known(session, connector_id).get(TIME_ZONE) or ["", 0]
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return timezone(timedelta(seconds=seconds))


def storefronts(session: Session, connector_id: int) -> dict[int, str]:
    """Every storefront of the store, id -> name, as last read."""
    return {int(one): str(name) for one, name in known(session, connector_id).get(STOREFRONTS) or ()}
