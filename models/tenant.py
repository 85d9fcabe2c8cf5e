"""A customer of the SaaS."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, NewId, Now, Word


class Tenant(Base):
    """One customer; everything else of theirs carries the id as `tenant_id`."""

    __tablename__ = "tenant"

    id: Mapped[NewId]
    name: Mapped[Word]
    time_zone: Mapped[str] = mapped_column(Text, server_default="UTC")
    """IANA name; in it the cron expressions of its connectors are read."""
    created_at: Mapped[Now]
