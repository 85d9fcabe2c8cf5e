"""A connector's rows taken away, a portion at a time, the credentials first and the connector last."""

from __future__ import annotations

from worker.ledger.session import Session
from worker.ledger.statement import text

BELONGINGS = (
    "credential",
    "pending_change",
    "announced",
    "source_staged",
    "source_page",
    "family_standing",
    "source_item",
    "item_text",
    "store_page",
    "store_item",
    "item_status",
    "item_count",
    "item_history",
    "relation",
    "slice_log",
    "journal",
    "run",
    "storefront",
    "mirror",
)
"""What hangs on a connector, in the order in which it goes; its turn goes with the connector itself."""


def fence_off(session: Session, connector_id: int) -> None:
    """Take the connector's turn away from whoever holds it, for good: its slice can save nothing; as scheduler."""
    session.execute(
        text(
            "UPDATE turn SET state = 'parked', epoch = epoch + 1, tag = NULL, deadline = NULL, not_before = 'infinity'"
            " WHERE connector_id = :id"
        ),
        {"id": connector_id},
    )


def some(session: Session, connector_id: int, *, limit: int) -> int:
    """Delete so many rows at most of what hangs on the connector; how many, 0 = nothing is left."""
    for table in BELONGINGS:
        gone = session.execute(
            text(
                f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table}"  # noqa: S608 names from above
                " WHERE connector_id = (SELECT :id) LIMIT :limit) RETURNING 1"
            ),
            {"id": connector_id, "limit": limit},
        ).all()
        if gone:
            return len(gone)
    return 0


def connector(session: Session, connector_id: int) -> None:
    """Delete the connector with its turn, so that who comes later finds neither.

    The store's own row stays: somebody may be adding another connector of it just now, whose calls it governs.

    The turn's lock comes first, as in every transaction of a slice: nobody waits in a circle.
    """
    session.execute(text("SELECT FROM turn WHERE connector_id = :id FOR UPDATE"), {"id": connector_id})
    session.execute(text("DELETE FROM connector WHERE id = :id"), {"id": connector_id})
