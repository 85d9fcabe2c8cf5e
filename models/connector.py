"""One configured pairing of a source and a store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, NewId, Now, Number, Word


class Connector(Base):
    """A Sales Layer source paired with a BigCommerce store, and its profile."""

    __tablename__ = "connector"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "name"),
        UniqueConstraint("tenant_id", "id"),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    name: Mapped[Word]
    store_hash: Mapped[Word]
    profile: Mapped[Json]
    enabled: Mapped[bool] = mapped_column(server_default="true")
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    last_checked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    store_facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    """What the store said of itself when it was last read, and what of it was passed on to the source."""
    next_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its schedule asks for the next run; null = it has no schedule, or has not been looked at since."""
    created_at: Mapped[Now]


class Credential(Base):
    """One secret of a connector, sealed with AES-GCM (law 13)."""

    __tablename__ = "credential"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
    )

    connector_id: Mapped[Id]
    field: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[Number]
    key_id: Mapped[Word]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Storefront(Base):
    """A channel of the store that the connector feeds, as it was last read there."""

    __tablename__ = "storefront"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
    )

    connector_id: Mapped[Id]
    storefront_id: Mapped[Id]
    tenant_id: Mapped[Number]
    name: Mapped[Word]
    tree_id: Mapped[int] = mapped_column(BigInteger)
    root_id: Mapped[int | None] = mapped_column(BigInteger)
