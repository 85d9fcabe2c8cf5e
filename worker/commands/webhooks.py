"""Endpoints that are told what happens; their addresses are looked at before anything is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from models.vocabulary import EventType
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import events, webhooks
from worker.ledger.session import as_tenant
from worker.ledger.webhooks import Delivery, Webhook
from worker.rules import addresses

Found = TypeVar("Found")

MOST = 20
"""Endpoints of one tenant: each event is written once for each of them."""


def listed(desk: Desk, tenant_id: int) -> list[Webhook]:
    """The tenant's endpoints, the oldest first."""
    with as_tenant(desk.engine, tenant_id) as session:
        return webhooks.listed(session)


def add(desk: Desk, tenant_id: int, *, url: str, events: Sequence[EventType] | None) -> tuple[Webhook, str]:
    """A new endpoint and its secret, which is told this once; `events` None = all types."""
    _may_be_called(desk, url)
    with as_tenant(desk.engine, tenant_id) as session:
        if len(webhooks.listed(session)) >= MOST:
            raise Refusal(Why.TOO_MANY, f"there are {MOST} endpoints already; remove one first.")
        return webhooks.add(session, desk.vault, tenant_id, url=url, events=events)


def load(desk: Desk, tenant_id: int, webhook_id: int) -> Webhook:
    """The endpoint; Refusal where the tenant has no such one."""
    with as_tenant(desk.engine, tenant_id) as session:
        return _there(webhooks.load(session, webhook_id), webhook_id)


def change(
    desk: Desk, tenant_id: int, webhook_id: int, *, url: str, events: Sequence[EventType] | None, enabled: bool
) -> Webhook:
    """Another address, other types, or switched on or off; what is open while it is off is given up."""
    _may_be_called(desk, url)
    with as_tenant(desk.engine, tenant_id) as session:
        return _there(webhooks.change(session, webhook_id, url=url, events=events, enabled=enabled), webhook_id)


def remove(desk: Desk, tenant_id: int, webhook_id: int) -> None:
    """The endpoint is gone with its deliveries."""
    with as_tenant(desk.engine, tenant_id) as session:
        _there(webhooks.remove(session, webhook_id) or None, webhook_id)


def rotate_secret(desk: Desk, tenant_id: int, webhook_id: int, *, overlap: float) -> str:
    """A new secret, told this once; the old one signs beside it for `overlap` more seconds."""
    with as_tenant(desk.engine, tenant_id) as session:
        return _there(webhooks.rotate_secret(session, desk.vault, tenant_id, webhook_id, overlap=overlap), webhook_id)


def ping(desk: Desk, tenant_id: int, webhook_id: int) -> Delivery:
    """Send a test event; Refusal where the endpoint is switched off."""
    with as_tenant(desk.engine, tenant_id) as session:
        _there(webhooks.load(session, webhook_id), webhook_id)
        made = events.ping(session, webhook_id)
        sent = None if made is None else webhooks.delivery(session, made)
    return _switched_on(sent, webhook_id)


def resend(desk: Desk, tenant_id: int, webhook_id: int, delivery_id: int) -> Delivery:
    """Send a delivery again now, with all its tries before it; Refusal where the endpoint is switched off."""
    with as_tenant(desk.engine, tenant_id) as session:
        found = webhooks.delivery(session, delivery_id)
        if found is None or found.webhook_id != webhook_id:
            raise Refusal(Why.UNKNOWN, f"there is no delivery {delivery_id} of webhook {webhook_id}.")
        sent = webhooks.resend(session, delivery_id)
    return _switched_on(sent, webhook_id)


def deliveries(
    desk: Desk, tenant_id: int, webhook_id: int, *, limit: int, before: int | None, gave_up: bool | None
) -> list[Delivery]:
    """What went to an endpoint, the newest first."""
    with as_tenant(desk.engine, tenant_id) as session:
        _there(webhooks.load(session, webhook_id), webhook_id)
        return webhooks.deliveries(session, webhook_id, limit=limit, before=before, gave_up=gave_up)


def _may_be_called(desk: Desk, url: str) -> None:
    if wrong := addresses.fault(url, private=desk.settings.webhook_private):
        raise Refusal(Why.ADDRESS_REFUSED, f"{wrong}.")


def _there(found: Found | None, webhook_id: int) -> Found:
    if found is None:
        raise Refusal(Why.UNKNOWN, f"there is no webhook {webhook_id}.")
    return found


def _switched_on(sent: Delivery | None, webhook_id: int) -> Delivery:
    if sent is None:
        raise Refusal(Why.SWITCHED_OFF, f"the webhook {webhook_id} is switched off; enable it first.")
    return sent
