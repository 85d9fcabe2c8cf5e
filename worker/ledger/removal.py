"""A connector's rows taken away, a portion at a time, the credentials first and the connector last."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

BELONGINGS = (
    "credential",
    "pending_change",
    "announced",
    "source_staged",
    "source_page",
    "source_item",
    "store_page",
    "store_item",
    "item_status",
    "relation",
    "slice_log",
    "run",
    "storefront",
    "mirror",
)
"""What hangs on a connector, in the order in which it goes; its turn goes with the connector itself."""


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


def connector(session: Session, connector_id: int) -> str | None:
    """Delete the connector with its turn, so that who comes later finds neither; the hash of its store.

    The turn's lock comes first, as in every transaction of a slice: nobody waits in a circle.
    """
    lock = text("SELECT store_hash FROM turn WHERE connector_id = :id FOR UPDATE")
    store_hash: str | None = session.scalar(lock, {"id": connector_id})
    session.execute(text("DELETE FROM connector WHERE id = :id"), {"id": connector_id})
    return store_hash


def store(session: Session, store_hash: str) -> None:
    """Forget a store that no connector feeds any more; as scheduler."""
    session.execute(
        text(
            "DELETE FROM store_turn s WHERE s.store_hash = :store"
            " AND NOT EXISTS (SELECT FROM turn t WHERE t.store_hash = s.store_hash)"
        ),
        {"store": store_hash},
    )
