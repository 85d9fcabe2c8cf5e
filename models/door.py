"""Who comes in, what they changed, and what they were answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, NewId, Now, Number, Word


class ApiKey(Base):
    """A key to the HTTP API; its secret is kept as a hash. Operators' keys belong to no tenant."""

    __tablename__ = "api_key"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        CheckConstraint("(scope = 'operator') = (tenant_id IS NULL)", name="operators_have_no_tenant"),
        Index("ix_api_key_tenant_id", "tenant_id"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(BigInteger)
    name: Mapped[Word]
    scope: Mapped[Word]
    secret_hash: Mapped[Word]
    created_at: Mapped[Now]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Journal(Base):
    """Something that somebody did to a connector: when, who, what."""

    __tablename__ = "journal"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_journal_connector_id", "connector_id", text("id DESC")),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    connector_id: Mapped[Number]
    at: Mapped[Now]
    who: Mapped[Word]
    what: Mapped[Word]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))


class Answered(Base):
    """The answer to a request that carried an Idempotency-Key: the same request again gets it again."""

    __tablename__ = "answered"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        Index("ix_answered_tenant_id_at", "tenant_id", "at"),
    )

    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    asked: Mapped[Word]
    """Hash of what was asked: operation and body."""
    status: Mapped[int]
    answer: Mapped[Json]
    at: Mapped[Now]
