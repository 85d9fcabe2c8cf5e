"""A customer of the SaaS."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base import Base, NewId, Now, Word


class Tenant(Base):
    """One customer; everything else of theirs carries the id as `tenant_id`."""

    __tablename__ = "tenant"

    id: Mapped[NewId]
    name: Mapped[Word]
    created_at: Mapped[Now]
