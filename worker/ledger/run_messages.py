"""What runs of a connector said, one run after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Said:
    """Something that a person should know about a run of the register."""

    id: int
    run_id: int
    level: str
    code: str
    text: str
    at: datetime


def said(session: Session, connector_id: int, *, before: tuple[int, int] | None = None, limit: int) -> list[Said]:
    """The messages of the connector's runs, the newest run first; `before`: those behind this (run, message)."""
    rows = session.execute(
        text("""
        SELECT m.id, m.run_id, m.level, m.code, m.text, m.at FROM run r JOIN run_message m ON m.run_id = r.id
        WHERE r.connector_id = :connector AND r.listed
          AND (CAST(:run AS bigint) IS NULL OR (r.id, m.id) < (:run, :message))
        ORDER BY r.id DESC, m.id DESC LIMIT :limit
        """),
        {
            "connector": connector_id,
            "run": None if before is None else before[0],
            "message": None if before is None else before[1],
            "limit": limit,
        },
    )
    return [Said(*row) for row in rows]
