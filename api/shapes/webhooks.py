"""Webhooks on the wire; a secret is told once, when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from models.vocabulary import EventType

_URL = "https://backend.example.com/hooks/catalogue"
_WEBHOOK: JsonDict = {
    "id": 4,
    "url": _URL,
    "events": ["run.ended"],
    "enabled": True,
    "disabled_reason": None,
    "created": "2026-11-25T14:00:00Z",
    "old_secret_until": None,
}

Url = Annotated[str, Field(min_length=1, max_length=2048, description="Where events are posted: https, and public")]
Events = Annotated[
    list[EventType] | None,
    Field(min_length=1, max_length=len(EventType), description="The types that it is told; null = all"),
]


class NewWebhook(BaseModel):
    """An endpoint to be told what happens."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"url": _URL, "events": ["run.ended"]}]})

    url: Url
    events: Events = None


class WebhookChanges(BaseModel):
    """The endpoint as it is to be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": _URL, "events": None, "enabled": True}]}
    )

    url: Url
    events: Events = None
    enabled: Annotated[bool, Field(strict=True, description="What is open while it is off is given up")] = True


class Webhook(BaseModel):
    """An endpoint, without its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WEBHOOK]})

    id: int
    url: str
    events: list[EventType] | None
    enabled: bool
    disabled_reason: str | None
    created: datetime
    old_secret_until: Annotated[
        datetime | None, Field(description="Until then the secret before the last rotation signs too")
    ]


class ShownWebhook(Webhook):
    """An endpoint that was just made, with its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WEBHOOK | {"secret": "whsec_..."}]})

    secret: Annotated[str, Field(description="Signs every event (docs/webhooks.md); it is told this once")]


class Webhooks(BaseModel):
    """The tenant's endpoints, the oldest first."""

    webhooks: list[Webhook]


class SecretRotation(BaseModel):
    """For how long the old secret signs beside the new one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap": 86400}]})

    overlap: Annotated[float, Field(ge=0, le=30 * 86_400, strict=True, description="Seconds")] = 86_400.0


class Secret(BaseModel):
    """A secret that was just made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"secret": "whsec_..."}]})

    secret: str


class Delivery(BaseModel):
    """An event on its way to an endpoint, and what came of it."""

    id: int
    event_id: Annotated[str, Field(description="What the header webhook-id says; the same at each try")]
    type: EventType
    payload: Annotated[dict[str, Any], Field(description="What is posted")]
    created: datetime
    attempts: int
    next: Annotated[datetime | None, Field(description="When it is tried again; null: delivered, or given up")]
    tried: datetime | None
    delivered: datetime | None
    status: Annotated[int | None, Field(description="What the endpoint answered last")]
    error: str | None
    gave_up: bool


class DeliveryPage(BaseModel):
    """Deliveries, the newest first."""

    deliveries: list[Delivery]
    next: str | None
