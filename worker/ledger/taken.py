"""What a slice takes up: its connector, and the run to go on with, in one question to Postgres."""

from __future__ import annotations

from worker.ledger import connectors, runs
from worker.ledger.connectors import Connector
from worker.ledger.runs import Run
from worker.ledger.session import Session
from worker.ledger.statement import text

_TAKEN = text(
    f"SELECT r.*, {connectors.COLUMNS} FROM connector c LEFT JOIN LATERAL ({runs.CURRENT}) r ON true"  # noqa: S608 constants
    " WHERE c.id = :id"
)
_OF_RUN = runs.COLUMNS.count(",") + 1


def up(session: Session, connector_id: int) -> tuple[Connector | None, Run | None]:
    """The connector, where the session's tenant has it, and its run (`runs.current`).

    ProfileUnusable: what is stored is no profile.
    """
    row = session.execute(_TAKEN, {"id": connector_id, "ended": runs.ENDED_STATES}).one_or_none()
    if row is None:
        return None, None
    connector = connectors.of_row(row[_OF_RUN:])
    return connector, None if row[0] is None else runs.of_row(row[:_OF_RUN])
