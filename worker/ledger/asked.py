"""A turn asked for, in the transaction that says why: the pacemaker finds it, come what may.

All of it in the tenant's own session, and before other rows of the connector: a slice locks its turn first too, so
nobody waits in a circle, and nothing of a run moves while the turn is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.ledger.session import Session
from worker.ledger.statement import text


def hold(session: Session, connector_id: int) -> None:
    """The connector's turn is the caller's until the commit: no slice saves, begins or ends in between."""
    session.execute(text("SELECT FROM turn WHERE connector_id = :id FOR UPDATE"), {"id": connector_id})


@dataclass(frozen=True, slots=True)
class TurnHeld:
    """The turn as it stands while the caller holds it."""

    state: str
    not_before: datetime | None
    """Until when it is parked; None = for no date."""
    worker: str | None
    lease_is_over: bool


def standing(session: Session, connector_id: int) -> TurnHeld | None:
    """How the connector's turn stands; None where the session's tenant has no such one."""
    row = session.execute(
        text(
            "SELECT state, CASE WHEN isfinite(not_before) THEN not_before END, worker,"
            " coalesce(deadline < now(), false) FROM turn WHERE connector_id = :id"
        ),
        {"id": connector_id},
    ).one_or_none()
    return None if row is None else TurnHeld(*row)


def give_up_message(session: Session, connector_id: int) -> None:
    """A dispatched turn is ready again, with its tag: the message that is out finds another state, or a later epoch."""
    session.execute(
        text("UPDATE turn SET state = 'ready', deadline = NULL WHERE connector_id = :id AND state = 'dispatched'"),
        {"id": connector_id},
    )


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
