"""Who did what to a connector, and when: what stands between the runs in the Activity Register."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary import Deed
from worker.ledger.session import Session
from worker.ledger.statement import text

THE_SERVICE = "the service"
"""Who did what nobody asked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did."""

    id: int
    at: datetime
    who: str
    what: Deed
    details: Mapping[str, Any]
    """By what was done: `changed` (field -> [before, after]), `fields` of credentials, `run`, `reason`; `was` (the
    state of a turn), `rests_ended`."""


def write(session: Session, tenant_id: int, connector_id: int, *, who: str, what: Deed, **details: Any) -> None:
    """Write down what somebody did, in the transaction that does it."""
    session.execute(
        text(
            "INSERT INTO journal (tenant_id, connector_id, who, what, details)"
            " VALUES (:tenant, :connector, :who, :what, CAST(:details AS jsonb))"
        ),
        {
            "tenant": tenant_id,
            "connector": connector_id,
            "who": who,
            "what": what.value,
            "details": json.dumps(details),
        },
    )


def entries(
    session: Session,
    connector_id: int,
    *,
    limit: int = 100,
    before: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """What was done, the newest first; `before`: only entries older than this one.

    `since`: none older than this moment, `until`: only those older than this one.
    """
    rows = session.execute(
        text(
            "SELECT id, at, who, what, details FROM journal WHERE connector_id = :id"
            " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
            " AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)"
            " AND (CAST(:until AS timestamptz) IS NULL OR at < :until)"
            " ORDER BY id DESC LIMIT :limit"
        ),
        {"id": connector_id, "limit": limit, "before": before, "since": since, "until": until},
    )
    return [Entry(row.id, row.at, row.who, Deed(row.what), row.details) for row in rows]
