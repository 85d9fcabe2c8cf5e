"""A turn asked for, in the transaction that says why: the pacemaker finds it, come what may.

All of it in the tenant's own session, and before other rows of the connector: a slice locks its turn first too, so
nobody waits in a circle, and nothing of a run moves while the turn is held.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def hold(session: Session, connector_id: int) -> None:
    """The connector's turn is the caller's until the commit: no slice saves, begins or ends in between."""
    session.execute(text("SELECT FROM turn WHERE connector_id = :id FOR UPDATE"), {"id": connector_id})


def be_due(session: Session, connector_id: int) -> None:
    """The connector is due at once, or again when the slice under way ends; one that was broken is tried again."""
    session.execute(
        text("""
        UPDATE turn SET again = again OR state IN ('dispatched', 'running'),
          not_before = CASE WHEN state IN ('parked', 'broken') THEN least(not_before, now()) ELSE not_before END,
          attempts = CASE state WHEN 'broken' THEN 0 ELSE attempts END,
          state = CASE state WHEN 'broken' THEN 'parked' ELSE state END
        WHERE connector_id = :id
        """),
        {"id": connector_id},
    )
