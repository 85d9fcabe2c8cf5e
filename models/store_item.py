"""What the store holds, as it was last read."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import LARGE, Base, Id, Json, Number, Word


class StoreItem(Base):
    """A category, product or variant of the store."""

    __tablename__ = "store_item"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_store_item_parent", "connector_id", "kind", "parent_id"),
        Index("ix_store_item_name_key", "connector_id", "kind", "name_key"),
        Index("ix_store_item_sku_key", "connector_id", "kind", "sku_key"),
        {"postgresql_with": LARGE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    store_id: Mapped[Id]
    tenant_id: Mapped[Number]
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    """The product of a variant; the parent of a category (0 = root of its tree)."""
    tree_id: Mapped[int | None] = mapped_column(BigInteger)
    name_key: Mapped[str | None] = mapped_column(Text)
    sku_key: Mapped[str | None] = mapped_column(Text)
    fields: Mapped[Json]
    hash: Mapped[Word]
    read_as: Mapped[str | None] = mapped_column(Text)
    """The hash of the raw product that it and its variants were read from; null for all but products."""


class StorePage(Base):
    """The ids that one page of a read of the store brought, by kind."""

    __tablename__ = "store_page"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
    )

    connector_id: Mapped[Id]
    page: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[Number]
    seen: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
