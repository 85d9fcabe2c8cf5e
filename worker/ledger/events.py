"""What is told to a tenant's endpoints, written in the transaction that makes it true.

Where no endpoint of the tenant wants to hear of it, nothing is written. Neither is a check that found nothing: it is in
no register, and no event. Payloads hold names, figures and sentences, never a secret.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.vocabulary import EventType
from worker.catalog import causes
from worker.ledger import register
from worker.ledger.session import Session
from worker.ledger.statement import text

MOST_ERRORS = 10
"""Sentences that the event of a run's end holds; the register has all of them."""


def run_ended(session: Session, run_id: int) -> None:
    """A run of the register has ended."""
    if not _is_wanted(session, EventType.RUN_ENDED):
        return
    entry = register.run(session, run_id)
    if entry is None:
        return
    errors = [one for one in register.messages(session, run_id) if one.level == "error"]
    run = {
        "id": entry.id,
        "state": entry.state.value,
        "trigger": entry.trigger,
        "headline": register.headline(entry),
        "requested_at": _written(entry.requested_at),
        "started_at": _written(entry.started_at),
        "ended_at": _written(entry.ended_at),
        "counters": entry.counters,
        "errors": [
            {"code": one.code, "message": one.text, "do": causes.remedy(one.code)} for one in errors[-MOST_ERRORS:]
        ],
    }
    _tell(session, EventType.RUN_ENDED, {"connector": _connector(session, entry.connector_id), "run": run})


def needs_action(session: Session, connector_id: int, *, code: str, message: str, run_id: int | None = None) -> None:
    """Nothing goes on until somebody has acted: why, and what to do."""
    if not _is_wanted(session, EventType.NEEDS_ACTION):
        return
    data = {
        "connector": _connector(session, connector_id),
        "run": None if run_id is None else {"id": run_id},
        "reason": {"code": code, "message": message, "do": causes.remedy(code)},
    }
    _tell(session, EventType.NEEDS_ACTION, data)


def ping(session: Session, webhook_id: int) -> int | None:
    """A test event for this endpoint alone, whatever types it wants; the delivery's id, None where it is switched off.

    None as well where the session's tenant has no such endpoint.
    """
    return _tell(session, EventType.PING, {"webhook": {"id": webhook_id}}, only=webhook_id)


def _is_wanted(session: Session, kind: EventType) -> bool:
    wanted = text("SELECT EXISTS (SELECT FROM webhook WHERE enabled AND (events IS NULL OR :kind = ANY(events)))")
    return bool(session.scalar(wanted, {"kind": kind.value}))


def _connector(session: Session, connector_id: int) -> dict[str, Any]:
    name = session.scalar(text("SELECT name FROM connector WHERE id = :id"), {"id": connector_id})
    return {"id": connector_id, "name": name}


def _tell(session: Session, kind: EventType, data: Mapping[str, Any], *, only: int | None = None) -> int | None:
    payload = {"type": kind.value, "timestamp": _written(datetime.now(UTC)), "data": data}
    rows = session.scalars(
        text("""
        INSERT INTO webhook_delivery (tenant_id, webhook_id, event_id, type, payload, next_at)
        SELECT tenant_id, id, :event, :kind, :payload, now() FROM webhook WHERE enabled
          AND CASE WHEN CAST(:only AS bigint) IS NULL THEN events IS NULL OR :kind = ANY(events) ELSE id = :only END
        ORDER BY id RETURNING id
        """),
        {
            "event": f"evt_{secrets.token_hex(16)}",
            "kind": kind.value,
            "payload": json.dumps(payload, separators=(",", ":")),
            "only": only,
        },
    ).all()
    return rows[0] if rows else None


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
