"""Which store item is this source item, and what was last sent to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import LARGE, QUEUE, Base, Id, Now, Number, Word


class Relation(Base):
    """A source item and its store item, per storefront, remembered."""

    __tablename__ = "relation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        # A store item is owned by one connector, across tenants (law 10).
        UniqueConstraint("store_hash", "kind", "store_id"),
        Index("ix_relation_store", "connector_id", "kind", "store_id"),
        Index("ix_relation_anew", "connector_id", postgresql_where=text("anew")),
        {"postgresql_with": {**LARGE, "fillfactor": "90"}},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    storefront_id: Mapped[Id]
    tenant_id: Mapped[Number]
    store_hash: Mapped[Word]
    store_id: Mapped[Number]
    parent_store_id: Mapped[int | None] = mapped_column(BigInteger)
    created_here: Mapped[bool]
    """Whether this connector made the store item (else it was found and linked)."""
    enabled: Mapped[bool] = mapped_column(server_default="true")
    fingerprints: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Field group -> fingerprint of what was last sent."""
    parts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Store ids of what hangs on the item and is ours: images, custom fields, options, storefronts."""
    sent: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Field -> the value that was last sent."""
    anew: Mapped[bool] = mapped_column(server_default="false")
    """Whether the next run is to compare it with the store, as at the first link: somebody has asked for it."""
    linked_at: Mapped[Now]


class PendingChange(Base):
    """A change of one item that is still to be sent."""

    __tablename__ = "pending_change"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("connector_id", "kind", "source_id", "storefront_id", "action"),
        Index("ix_pending_change_order", "connector_id", "wave", "id"),
        Index("ix_pending_change_sent", "connector_id", "state", postgresql_where=text("state <> 'pending'")),
        {"postgresql_with": QUEUE},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    tenant_id: Mapped[Number]
    connector_id: Mapped[Number]
    run_id: Mapped[Number]
    kind: Mapped[Word]
    source_id: Mapped[Number]
    storefront_id: Mapped[Number]
    action: Mapped[Word]
    wave: Mapped[int]
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
