"""The endpoints to which a tenant's events are posted, and the deliveries to see and to send again.

All of it in the tenant's own session. That an address may be called is for the caller to ask (rules/addresses).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary import EventType
from worker.ledger.session import Session
from worker.ledger.statement import text
from worker.ledger.vault import Vault

OF_NO_CONNECTOR = 0
"""A webhook's secret is bound to its tenant and its webhook."""
SECRET_BYTES = 32
OVERLAP_SECONDS = 24 * 3600.0
"""How long the old secret signs beside the new one, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint, without its secret."""

    id: int
    url: str
    events: tuple[EventType, ...] | None
    """The types of event that it is told; None = all."""
    enabled: bool
    disabled_reason: str | None
    created_at: datetime
    old_secret_until: datetime | None
    """Until then the secret before the last rotation signs too."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint, and what came of it."""

    id: int
    webhook_id: int
    event_id: str
    """What the header webhook-id says."""
    type: EventType
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int
    next_at: datetime | None
    """When it is tried again; None = it is delivered, or given up."""
    tried_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    """What the endpoint answered last; None = nothing yet, or nothing at all."""
    last_error: str | None
    gave_up: bool


_WEBHOOK = "id, url, events, enabled, disabled_reason, created_at, CASE WHEN old_until > now() THEN old_until END"
_DELIVERY = (
    "id, webhook_id, event_id, type, payload, created_at, attempts, next_at, tried_at, delivered_at, last_status,"
    " last_error, gave_up"
)


def add(
    session: Session, vault: Vault, tenant_id: int, *, url: str, events: Sequence[EventType] | None = None
) -> tuple[Webhook, str]:
    """A new endpoint, and its secret (`whsec_...`), which is told this once; `events` None = all types."""
    webhook_id = int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('webhook', 'id'))")))
    secret = _new_secret()
    key_id, sealed = seal(vault, tenant_id, webhook_id, secret)
    row = session.execute(
        text(
            "INSERT INTO webhook (id, tenant_id, url, events, key_id, sealed)"  # noqa: S608 constant
            f" VALUES (:id, :tenant, :url, :events, :key_id, :sealed) RETURNING {_WEBHOOK}"
        ),
        {
            "id": webhook_id,
            "tenant": tenant_id,
            "url": url,
            "events": _values(events),
            "key_id": key_id,
            "sealed": sealed,
        },
    ).one()
    return _webhook(row), secret


def listed(session: Session) -> list[Webhook]:
    """The endpoints of the session's tenant, the oldest first."""
    return [_webhook(row) for row in session.execute(text(f"SELECT {_WEBHOOK} FROM webhook ORDER BY id"))]  # noqa: S608


def load(session: Session, webhook_id: int) -> Webhook | None:
    """The endpoint; None where the session's tenant has no such one."""
    row = session.execute(text(f"SELECT {_WEBHOOK} FROM webhook WHERE id = :id"), {"id": webhook_id}).one_or_none()  # noqa: S608
    return None if row is None else _webhook(row)


def change(
    session: Session, webhook_id: int, *, url: str, events: Sequence[EventType] | None, enabled: bool
) -> Webhook | None:
    """The endpoint as it is from now on; None where there is no such one.

    What is open goes to the new address. What is open while it is switched off is given up, and can be sent again.
    """
    changed = session.execute(
        text(
            "UPDATE webhook SET url = :url, events = :events, enabled = :enabled, disabled_reason ="  # noqa: S608 constant
            " CASE WHEN NOT :enabled THEN coalesce(disabled_reason, 'switched off') END"
            f" WHERE id = :id RETURNING {_WEBHOOK}"
        ),
        {"id": webhook_id, "url": url, "events": _values(events), "enabled": enabled},
    ).one_or_none()
    if changed is None:
        return None
    if not enabled:
        give_up_all(session, webhook_id)
    return _webhook(changed)


def switch_off(session: Session, webhook_id: int, reason: str, *, url: str) -> None:
    """Nothing more is sent there until somebody switches it on; a webhook with another address by now stays on."""
    off = session.execute(
        text(
            "UPDATE webhook SET enabled = false, disabled_reason = :reason"
            " WHERE id = :id AND url = :url AND enabled RETURNING id"
        ),
        {"id": webhook_id, "url": url, "reason": reason},
    )
    if off.first() is not None:
        give_up_all(session, webhook_id)


def give_up_all(session: Session, webhook_id: int) -> None:
    """What is open to this endpoint is given up; it can be sent again."""
    session.execute(
        text(
            "UPDATE webhook_delivery SET next_at = NULL, gave_up = true,"
            " last_error = coalesce(last_error, 'the endpoint is switched off')"
            " WHERE webhook_id = :id AND next_at IS NOT NULL"
        ),
        {"id": webhook_id},
    )


def remove(session: Session, webhook_id: int) -> bool:
    """The endpoint is gone with its deliveries, open ones too; False: there is no such one."""
    gone = session.execute(text("DELETE FROM webhook WHERE id = :id RETURNING id"), {"id": webhook_id})
    return gone.first() is not None


def rotate_secret(
    session: Session, vault: Vault, tenant_id: int, webhook_id: int, *, overlap: float = OVERLAP_SECONDS
) -> str | None:
    """A new secret, told this once; the old one signs beside it for `overlap` seconds. None: no such endpoint."""
    secret = _new_secret()
    key_id, sealed = seal(vault, tenant_id, webhook_id, secret)
    rotated = session.execute(
        text(
            "UPDATE webhook SET old_key_id = key_id, old_sealed = sealed, key_id = :key_id, sealed = :sealed,"
            " old_until = now() + make_interval(secs => :overlap) WHERE id = :id RETURNING id"
        ),
        {"id": webhook_id, "key_id": key_id, "sealed": sealed, "overlap": overlap},
    )
    return None if rotated.first() is None else secret


def deliveries(
    session: Session, webhook_id: int, *, limit: int = 100, before: int | None = None, gave_up: bool | None = None
) -> list[Delivery]:
    """What went to an endpoint, the newest first; `before`: only those older than this one; `gave_up`: only such."""
    rows = session.execute(
        text(
            f"SELECT {_DELIVERY} FROM webhook_delivery WHERE webhook_id = :id"  # noqa: S608 constant
            " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
            " AND (CAST(:gave_up AS boolean) IS NULL OR gave_up = :gave_up) ORDER BY id DESC LIMIT :limit"
        ),
        {"id": webhook_id, "before": before, "gave_up": gave_up, "limit": limit},
    )
    return [_delivery(row) for row in rows]


def delivery(session: Session, delivery_id: int) -> Delivery | None:
    """One delivery; None where the session's tenant has no such one."""
    row = session.execute(
        text(f"SELECT {_DELIVERY} FROM webhook_delivery WHERE id = :id"),  # noqa: S608 constant
        {"id": delivery_id},
    ).one_or_none()
    return None if row is None else _delivery(row)


def resend(session: Session, delivery_id: int) -> Delivery | None:
    """Send it again now, with all its tries before it; None: there is no such one, or its endpoint is switched off."""
    row = session.execute(
        text(
            "UPDATE webhook_delivery SET next_at = now(), attempts = 0, gave_up = false, delivered_at = NULL,"  # noqa: S608
            " last_status = NULL, last_error = NULL"
            " WHERE id = :id AND webhook_id IN (SELECT id FROM webhook WHERE enabled)"
            f" RETURNING {_DELIVERY}"
        ),
        {"id": delivery_id},
    ).one_or_none()
    return None if row is None else _delivery(row)


def seal(vault: Vault, tenant_id: int, webhook_id: int, secret: str) -> tuple[str, bytes]:
    """(key id, sealed bytes) of a webhook's secret."""
    return vault.seal(secret, tenant_id=tenant_id, connector_id=OF_NO_CONNECTOR, field=f"webhook/{webhook_id}")


def unseal(vault: Vault, tenant_id: int, webhook_id: int, key_id: str, sealed: bytes) -> str:
    """A webhook's secret in the clear: it goes into the signature and nowhere else. KeyMissing: no key opens it."""
    field = f"webhook/{webhook_id}"
    return vault.open(key_id, bytes(sealed), tenant_id=tenant_id, connector_id=OF_NO_CONNECTOR, field=field)


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(os.urandom(SECRET_BYTES)).decode()}"


def _values(events: Sequence[EventType] | None) -> list[str] | None:
    return None if events is None else [one.value for one in events]


def _webhook(row: Any) -> Webhook:
    events = None if row.events is None else tuple(EventType(one) for one in row.events)
    return Webhook(row.id, row.url, events, row.enabled, row.disabled_reason, row.created_at, row[6])


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.id,
        row.webhook_id,
        row.event_id,
        EventType(row.type),
        json.loads(row.payload),
        row.created_at,
        row.attempts,
        row.next_at,
        row.tried_at,
        row.delivered_at,
        row.last_status,
        row.last_error,
        row.gave_up,
    )
