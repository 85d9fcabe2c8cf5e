"""The last outcome of an item, per storefront; how many there are of each; and those of earlier runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import LARGE, Base, Id, Now, Number, Word


class ItemStatus(Base):
    """What came of an item when it was last touched; *unchanged* is derived and never written."""

    __tablename__ = "item_status"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        # Each ends with the order in which items are listed, so that a page begins where the last one ended.
        Index("ix_item_status_outcome", "connector_id", "outcome", "kind", "source_id", "storefront_id"),
        Index("ix_item_status_run_id", "connector_id", "run_id", "kind", "source_id", "storefront_id"),
        Index(
            "ix_item_status_code",
            "connector_id",
            "code",
            "kind",
            "source_id",
            "storefront_id",
            postgresql_where=text("code IS NOT NULL"),
        ),
        {"postgresql_with": LARGE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    storefront_id: Mapped[Id]
    tenant_id: Mapped[Number]
    run_id: Mapped[Number]
    outcome: Mapped[Word]
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """All that is wrong with the item: code, field, text; and what was done without."""
    answer: Mapped[str | None] = mapped_column(Text)
    """The store's own words, trimmed."""
    at: Mapped[Now]


class ItemCount(Base):
    """How many item statuses there are of one run, kind, storefront, outcome and code ('' = none).

    Triggers on `item_status` move it with every write; a count that has come down to nought goes with the run's end.
    """

    __tablename__ = "item_count"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    connector_id: Mapped[Id]
    run_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    storefront_id: Mapped[Id]
    outcome: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[Number]
    count: Mapped[Number]


class ItemHistory(Base):
    """What an item came to in a run that touched it; it lives as long as the run."""

    __tablename__ = "item_history"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_item_history_run_id", "connector_id", "run_id"),
        {"postgresql_with": LARGE},
    )

    connector_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[Id]
    storefront_id: Mapped[Id]
    run_id: Mapped[Id]
    tenant_id: Mapped[Number]
    outcome: Mapped[Word]
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    at: Mapped[Now]
    calls: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """The changes by which it was sent in the run, each with its calls (`catalog/calls.py`)."""
