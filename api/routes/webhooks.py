"""Webhooks: endpoints that are told what happens, and what went to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from api.callers import Reader, Writer
from api.here import Here
from api.paging import After, Limit, place, written
from api.problems import told
from api.shapes import webhooks as shapes
from worker.commands import webhooks as commands
from worker.ledger.webhooks import Delivery, Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=told(400, 401, 403, 413, 422, 429, 503))

WebhookId = Annotated[int, Path(ge=1, lt=2**63, description="The webhook's id", examples=[4])]
DeliveryId = Annotated[int, Path(ge=1, lt=2**63, description="The delivery's id", examples=[81])]


@router.get("", summary="List the webhooks")
def listed(here: Here, by: Reader) -> shapes.Webhooks:
    """Give the tenant's endpoints, the oldest first."""
    return shapes.Webhooks(webhooks=[_webhook(one) for one in commands.listed(here, by.tenant_id)])


@router.post("", status_code=201, summary="Add a webhook", responses=told(409))
def add(here: Here, by: Writer, given: shapes.NewWebhook, response: Response) -> shapes.ShownWebhook:
    """Add an endpoint that is told of run ends and of who must act. Its secret is told this once."""
    made, secret = commands.add(here, by.tenant_id, url=given.url, events=given.events)
    response.headers["Location"] = f"/v1/webhooks/{made.id}"
    return shapes.ShownWebhook(**_webhook(made).model_dump(), secret=secret)


@router.get("/{webhook_id}", summary="Read a webhook", responses=told(404))
def read(here: Here, by: Reader, webhook_id: WebhookId) -> shapes.Webhook:
    """Give one endpoint, without its secret."""
    return _webhook(commands.load(here, by.tenant_id, webhook_id))


@router.put("/{webhook_id}", summary="Change a webhook", responses=told(404))
def change(here: Here, by: Writer, webhook_id: WebhookId, given: shapes.WebhookChanges) -> shapes.Webhook:
    """Give it another address or other types, or switch it on or off."""
    return _webhook(
        commands.change(here, by.tenant_id, webhook_id, url=given.url, events=given.events, enabled=given.enabled)
    )


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook", responses=told(404))
def remove(here: Here, by: Writer, webhook_id: WebhookId) -> None:
    """Remove an endpoint with its deliveries; what is open is not sent any more."""
    commands.remove(here, by.tenant_id, webhook_id)


@router.post("/{webhook_id}/rotate-secret", summary="Rotate a webhook's secret", responses=told(404))
def rotate_secret(
    here: Here, by: Writer, webhook_id: WebhookId, given: Annotated[shapes.SecretRotation | None, Body()] = None
) -> shapes.Secret:
    """Make a new secret, told this once; the old one signs beside it for `overlap` more seconds."""
    overlap = (given or shapes.SecretRotation()).overlap
    return shapes.Secret(secret=commands.rotate_secret(here, by.tenant_id, webhook_id, overlap=overlap))


@router.post("/{webhook_id}/ping", status_code=202, summary="Send a test event", responses=told(404, 409))
def ping(here: Here, by: Writer, webhook_id: WebhookId) -> shapes.Delivery:
    """Send a `webhook.ping` there, whatever types it is told; the delivery can be looked at."""
    return _delivery(commands.ping(here, by.tenant_id, webhook_id))


@router.get("/{webhook_id}/deliveries", summary="List what went to a webhook", responses=told(404))
def deliveries(
    here: Here,
    by: Reader,
    webhook_id: WebhookId,
    gave_up: Annotated[bool | None, Query(description="Only those that were given up, or were not")] = None,
    limit: Limit = 50,
    after: After = None,
) -> shapes.DeliveryPage:
    """Give the deliveries of the last 30 days, the newest first, with what was answered."""
    begin = place(after, int)
    before = None if begin is None else int(begin[0])
    found = commands.deliveries(here, by.tenant_id, webhook_id, limit=limit + 1, before=before, gave_up=gave_up)
    page = found[:limit]
    return shapes.DeliveryPage(
        deliveries=[_delivery(one) for one in page], next=written(page[-1].id) if len(found) > limit else None
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    status_code=202,
    summary="Send a delivery again",
    responses=told(404, 409),
)
def resend(here: Here, by: Writer, webhook_id: WebhookId, delivery_id: DeliveryId) -> shapes.Delivery:
    """Send it again now, under the same id, with all its tries before it."""
    return _delivery(commands.resend(here, by.tenant_id, webhook_id, delivery_id))


def _webhook(one: Webhook) -> shapes.Webhook:
    return shapes.Webhook(
        id=one.id,
        url=one.url,
        events=None if one.events is None else list(one.events),
        enabled=one.enabled,
        disabled_reason=one.disabled_reason,
        created=one.created_at,
        old_secret_until=one.old_secret_until,
    )


def _delivery(one: Delivery) -> shapes.Delivery:
    return shapes.Delivery(
        id=one.id,
        event_id=one.event_id,
        type=one.type,
        payload=dict(one.payload),
        created=one.created_at,
        attempts=one.attempts,
        next=one.next_at,
        tried=one.tried_at,
        delivered=one.delivered_at,
        status=one.last_status,
        error=one.last_error,
        gave_up=one.gave_up,
    )
