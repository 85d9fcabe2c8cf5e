"""What the source says: a durable mirror, and the pages of a read attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import LARGE, QUEUE, Base, Id, Json, Number, Word


class Mirror(Base):
    """The state of a connector's mirror: how far it has read, and in which shape rows come."""

    __tablename__ = "mirror"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
    )

    connector_id: Mapped[Id]
    tenant_id: Mapped[Number]
    company_id: Mapped[int | None] = mapped_column(BigInteger)
    last_update: Mapped[int | None] = mapped_column(BigInteger)
    """The source's cursor: `time` of the first page of the last whole answer, Unix seconds."""
    columns: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    all_due: Mapped[bool] = mapped_column(server_default="false")
    refresh_wanted: Mapped[bool] = mapped_column(server_default="false")
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cleaned_as: Mapped[str | None] = mapped_column(Text)
    """What cells were read by when the items were cleaned; empty: some otherwise than others."""
    store_read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the store was last read as a whole: what its items held then stands in `store_item`."""


class SourceItem(Base):
    """An item as the source last told it."""

    __tablename__ = "source_item"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_source_item_parent", "connector_id", "kind", "parent_id"),
        Index("ix_source_item_gone", "connector_id", "kind", "source_id", postgresql_where=text("gone")),
        Index("ix_source_item_due", "connector_id", "kind", "source_id", postgresql_where=text("due")),
        Index("ix_source_item_due_parent", "connector_id", "kind", "parent_id", postgresql_where=text("due")),
        Index("ix_source_item_name_key", "connector_id", "kind", "name_key"),
        Index("ix_source_item_sku_key", "connector_id", "sku_key"),
        {"postgresql_with": LARGE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    tenant_id: Mapped[Number]
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    cells: Mapped[Json]
    raw_hash: Mapped[Word]
    gone: Mapped[bool] = mapped_column(server_default="false")
    due: Mapped[bool] = mapped_column(server_default="true")
    name_key: Mapped[str | None] = mapped_column(Text)
    sku_key: Mapped[str | None] = mapped_column(Text)
    refused: Mapped[str | None] = mapped_column(Text)
    """The code for which cleaning or planning took the item out; null = fit to be sent."""


class FamilyStanding(Base):
    """A product that a look at everything left as it is with its variants: of which version, and under what.

    One row a family, written when it is found standing, so a later look passes it over (decision 0019).
    """

    __tablename__ = "family_standing"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
    )

    connector_id: Mapped[Id]
    family_id: Mapped[Id]
    """The product's source id."""
    tenant_id: Mapped[Number]
    version: Mapped[Word]
    reading: Mapped[Word]
    planning: Mapped[Word]


class ItemText(Base):
    """What an item is found by: name, SKU, reference and id in small letters, each on its own line behind a blank.

    Triggers on `source_item` keep it. It is narrow and seldom written, so that its trigrams are too (decision 0014).
    """

    __tablename__ = "item_text"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index(
            "ix_item_text_find",
            text("(kind || connector_id::text)"),
            "find_key",
            postgresql_using="gin",
            postgresql_ops={"find_key": "gin_trgm_ops"},
        ),
        Index(
            "ix_item_text_marks",
            text("(kind || connector_id::text)"),
            text("string_to_array(regexp_replace(find_key, '[[:alnum:][:space:]]+', '', 'g'), NULL)"),
            postgresql_using="gin",
        ),
        {"postgresql_with": LARGE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    tenant_id: Mapped[Number]
    find_key: Mapped[Word]


class SourcePage(Base):
    """The ids that one page of a read attempt brought, by kind."""

    __tablename__ = "source_page"
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


class SourceStaged(Base):
    """A row of a read attempt that differs from the mirror, until the attempt is whole."""

    __tablename__ = "source_staged"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        {"postgresql_with": QUEUE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    tenant_id: Mapped[Number]
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    cells: Mapped[Json]
    raw_hash: Mapped[Word]
    gone: Mapped[bool]
    name_key: Mapped[str | None] = mapped_column(Text)
    sku_key: Mapped[str | None] = mapped_column(Text)
