"""A connector removed, whatever it is doing: its slice leaves, then its rows go in portions.

The store keeps all that it has: nothing is called. A removal that breaks off leaves the connector switched off, and is
finished by asking again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Engine

from models.vocabulary import TurnState
from worker.ledger import connectors, removal, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.settings import Settings

REASON = "it is being removed"
ROWS = 5000
"""Rows that one transaction deletes: short enough for whoever else works on the tables."""
LOOK_SECONDS = 0.2


def remove(
    engine: Engine,
    settings: Settings,
    tenant_id: int,
    connector_id: int,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Switch the connector off, wait for its slice, and delete it with all that hangs on it.

    A slice under way hears of it at its next beat, brings in what is in the air and leaves; one that has not left when
    its lease would be over (its worker is gone, or its call hangs) can write nothing any more.
    """
    with as_tenant(engine, tenant_id) as session:
        connectors.disable(session, connector_id, REASON)
    waited = 0.0
    while waited < settings.lease_seconds and _runs(engine, connector_id):
        sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    with as_scheduler(engine) as session:
        removal.fence_off(session, connector_id)
    gone = 1
    while gone:
        with as_tenant(engine, tenant_id) as session:
            gone = removal.some(session, connector_id, limit=ROWS)
    with as_tenant(engine, tenant_id) as session:
        removal.connector(session, connector_id)


def _runs(engine: Engine, connector_id: int) -> bool:
    with as_scheduler(engine) as session:
        return turns.state(session, connector_id) is TurnState.RUNNING
