"""Deliveries that are due: leased by a sender, read by it, and recorded.

A sender finds what is due across tenants as scheduler, which sees no content, and reads and records it in the tenant's
own session. The lease is a later date: a sender that dies is found by its date, and the delivery goes out once more.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from worker.ledger import webhooks
from worker.ledger.session import Session
from worker.ledger.statement import text
from worker.ledger.vault import KeyMissing, Vault

KEPT_DAYS = 30
"""Deliveries older than this are deleted; senders come by at every tenant, whether something is sent there or not."""
PRUNED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that this sender has leased."""

    tenant_id: int
    id: int
    webhook_id: int


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be posted, where, and what signs it."""

    delivery_id: int
    webhook_id: int
    url: str
    event_id: str
    type: str
    body: str
    attempts: int
    """Tries before this one; the fence of what is recorded of it."""
    secrets: tuple[str, ...] = field(repr=False)
    """The newest first, then the one before it while their rotation overlaps; those that a key of the ring opens."""


def lease(session: Session, *, seconds: float, busy: Collection[int] = (), full: Collection[int] = ()) -> Due | None:
    """The delivery that has been due longest, ours for so many seconds; None: nothing is due. As scheduler.

    `busy`: webhooks to which this sender has one under way, `full`: tenants of whom it has as many as it takes. They
    wait, so that a slow endpoint holds up no other, and a tenant with many of them no other tenant.
    """
    row = session.execute(
        text("""
        UPDATE webhook_delivery SET next_at = now() + make_interval(secs => :seconds) WHERE id = (
          SELECT id FROM webhook_delivery WHERE next_at <= now() AND webhook_id <> ALL(:busy)
            AND tenant_id <> ALL(:full)
          ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, id, webhook_id
        """),
        {"seconds": seconds, "busy": list(busy), "full": list(full)},
    ).one_or_none()
    return None if row is None else Due(*row)


def open_letter(session: Session, vault: Vault, due: Due) -> Letter | None:
    """What is to be posted; None where it is closed by now, or gone.

    To an endpoint that is switched off nothing goes: the delivery is given up.
    """
    row = session.execute(
        text("""
        SELECT d.event_id, d.type, d.payload, d.attempts, w.url, w.enabled, w.key_id, w.sealed,
          w.old_key_id, w.old_sealed, w.old_until > now() AS old_signs
        FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE d.id = :id AND d.next_at IS NOT NULL
        """),
        {"id": due.id},
    ).one_or_none()
    if row is None:
        return None
    if not row.enabled:
        webhooks.give_up_all(session, due.webhook_id)
        return None
    sealed = [(row.key_id, row.sealed)] + ([(row.old_key_id, row.old_sealed)] if row.old_signs else [])
    opened = []
    for one in sealed:
        with suppress(KeyMissing):  # what another key opens signs alone
            opened.append(webhooks.unseal(vault, due.tenant_id, due.webhook_id, *one))
    return Letter(due.id, due.webhook_id, row.url, row.event_id, row.type, row.payload, row.attempts, tuple(opened))


def delivered(session: Session, delivery_id: int, *, status: int) -> None:
    """The endpoint has it."""
    session.execute(
        text(
            "UPDATE webhook_delivery SET delivered_at = now(), tried_at = now(), next_at = NULL, gave_up = false,"
            " attempts = attempts + 1, last_status = :status, last_error = NULL"
            " WHERE id = :id AND delivered_at IS NULL"
        ),
        {"id": delivery_id, "status": status},
    )


def failed(
    session: Session, delivery_id: int, *, attempts: int, status: int | None, error: str, again_in: float | None
) -> None:
    """The try came to nothing: once more in so many seconds, None = it is given up.

    `attempts`: tries before this one. Where somebody else has tried meanwhile, theirs counts.
    """
    session.execute(
        text(
            "UPDATE webhook_delivery SET tried_at = now(), attempts = attempts + 1, last_status = :status,"
            " last_error = :error, gave_up = CAST(:again AS float8) IS NULL,"
            " next_at = now() + make_interval(secs => CAST(:again AS float8))"
            " WHERE id = :id AND attempts = :attempts AND next_at IS NOT NULL"
        ),
        {"id": delivery_id, "attempts": attempts, "status": status, "error": error, "again": again_in},
    )


def tenants(session: Session) -> list[int]:
    """Whoever may have deliveries; as scheduler, who does not see those that are closed."""
    return list(session.scalars(text("SELECT tenant_id FROM tenant_turn")))


def prune(session: Session) -> int:
    """Delete a portion of the tenant's deliveries that are too old; how many."""
    gone = session.execute(
        text(
            "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
            " WHERE created_at < now() - make_interval(days => :days) AND next_at IS NULL LIMIT :most"
            " FOR UPDATE SKIP LOCKED) RETURNING id"
        ),
        {"days": KEPT_DAYS, "most": PRUNED_AT_ONCE},
    )
    return len(gone.all())
