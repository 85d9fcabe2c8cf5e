"""Answers that are given only once: what a request with an Idempotency-Key was answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.ledger.session import Session
from worker.ledger.statement import text

KEPT_HOURS = 24
PRUNED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `asked` is the hash of what had been asked."""

    asked: str
    status: int
    body: Mapping[str, Any]


def find(session: Session, key: str) -> Answer | None:
    """The answer that the session's tenant got for this key in the last day."""
    row = session.execute(
        text(
            "SELECT asked, status, answer FROM answered WHERE key = :key"
            " AND at > now() - make_interval(hours => :hours)"
        ),
        {"key": key, "hours": KEPT_HOURS},
    ).one_or_none()
    return None if row is None else Answer(*row)


def keep(session: Session, tenant_id: int, key: str, answer: Answer) -> bool:
    """Keep the answer in the transaction that it tells of; False: somebody else has answered this key, so undo it.

    Whoever asks the same at the same time waits here for the other's commit.
    """
    prune(session)
    kept = session.execute(
        text(
            "INSERT INTO answered (tenant_id, key, asked, status, answer)"
            " VALUES (:tenant, :key, :asked, :status, CAST(:answer AS jsonb))"
            # One that is too old to be given again gives way.
            " ON CONFLICT (tenant_id, key) DO UPDATE SET asked = excluded.asked, status = excluded.status,"
            " answer = excluded.answer, at = now() WHERE answered.at <= now() - make_interval(hours => :hours)"
            " RETURNING key"
        ),
        {
            "hours": KEPT_HOURS,
            "tenant": tenant_id,
            "key": key,
            "asked": answer.asked,
            "status": answer.status,
            "answer": json.dumps(answer.body),
        },
    )
    return kept.first() is not None


def prune(session: Session) -> int:
    """Delete a portion of the tenant's answers that are too old to be given again; how many."""
    gone = session.execute(
        text(
            "DELETE FROM answered WHERE (tenant_id, key) IN (SELECT tenant_id, key FROM answered"
            " WHERE at <= now() - make_interval(hours => :hours) LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING 1"
        ),
        {"hours": KEPT_HOURS, "most": PRUNED_AT_ONCE},
    )
    return len(gone.all())
