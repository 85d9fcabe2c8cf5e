"""Who is told what happened, and what is on its way to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, NewId, Now, Number, Word


class Webhook(Base):
    """An endpoint of a tenant: where its events are posted, and the secret that signs them, sealed (law 13)."""

    __tablename__ = "webhook"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "id"),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    url: Mapped[Word]
    events: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """The types of event that it is told; null = all."""
    enabled: Mapped[bool] = mapped_column(server_default="true")
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    key_id: Mapped[Word]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    old_key_id: Mapped[str | None] = mapped_column(Text)
    old_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The secret before the last rotation: it signs beside the new one for a while."""
    old_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[Now]


class WebhookDelivery(Base):
    """An event on its way to one endpoint, and what came of it.

    The role scheduler sees ids and dates of those that are open: a sender finds what is due without reading it.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "webhook_id"], ["webhook.tenant_id", "webhook.id"], ondelete="CASCADE"),
        Index("ix_webhook_delivery_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_webhook_delivery_webhook_id", "webhook_id", text("id DESC")),
        Index("ix_webhook_delivery_tenant_id_created_at", "tenant_id", "created_at"),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    webhook_id: Mapped[Number]
    event_id: Mapped[Word]
    """The same at each try, and for each endpoint that is told of the event."""
    type: Mapped[Word]
    payload: Mapped[Word]
    """The body as it is posted, letter for letter."""
    created_at: Mapped[Now]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it is due, or its lease is over; null = it is closed: delivered or given up."""
    tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_status: Mapped[int | None] = mapped_column(BigInteger)
    last_error: Mapped[str | None] = mapped_column(Text)
    gave_up: Mapped[bool] = mapped_column(server_default="false")
