"""One synchronisation from reading to recording, and its books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, NewId, Now, Number, Word


class Run(Base):
    """A run: its state, where it stands in the sequence of steps, and what it cost."""

    __tablename__ = "run"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "id"),
        Index("ix_run_register", "connector_id", text("id desc")),
        # Metrics count what has not ended.
        Index("ix_run_under_way", "state", postgresql_where=text("ended_at IS NULL")),
        # A request while one runs becomes exactly one follow-up (law 6).
        Index("uq_run_one_queued", "connector_id", unique=True, postgresql_where=text("state = 'queued'")),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    connector_id: Mapped[Number]
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    trigger: Mapped[Word]
    requested_by: Mapped[str | None] = mapped_column(Text)
    """Who asked for it; null = nobody, it was due."""
    listed: Mapped[bool] = mapped_column(server_default="true")
    """False while a scheduled check has found no change yet: such a run is in no register."""
    refresh: Mapped[bool] = mapped_column(server_default="false")
    step: Mapped[str | None] = mapped_column(Text)
    cursor: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    steps: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """When it came to each step, and what it had cost until then."""
    profile: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    requested_at: Mapped[Now]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    slices: Mapped[int] = mapped_column(server_default="0")
    bugs: Mapped[int] = mapped_column(server_default="0")
    calls: Mapped[Number] = mapped_column(server_default="0")
    source_calls: Mapped[Number] = mapped_column(server_default="0")
    allowed: Mapped[int | None] = mapped_column(BigInteger)
    """How many items this run may disable or blank by somebody's approval; null = what the profile's brake allows."""


class RunCounter(Base):
    """One figure of a run, by kind and storefront: an outcome, or what was known or planned."""

    __tablename__ = "run_counter"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "run_id"], ["run.tenant_id", "run.id"], ondelete="CASCADE"),)

    run_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    storefront_id: Mapped[Id]
    figure: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[Number]
    count: Mapped[Number]


class RunMessage(Base):
    """Something a person should know about a run as a whole."""

    __tablename__ = "run_message"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["run.tenant_id", "run.id"], ondelete="CASCADE"),
        Index("ix_run_message_run_id", "run_id"),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    run_id: Mapped[Number]
    level: Mapped[Word]
    code: Mapped[Word]
    text: Mapped[Word]
    at: Mapped[Now]


class Announced(Base):
    """Items that the plan of a run has announced, a portion of one kind and storefront a row."""

    __tablename__ = "announced"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_announced_connector_id", "connector_id"),
    )

    id: Mapped[NewId]
    tenant_id: Mapped[Number]
    connector_id: Mapped[Number]
    run_id: Mapped[Number]
    kind: Mapped[Word]
    storefront_id: Mapped[Number]
    ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class SliceLog(Base):
    """One slice: who held a worker, for how long, and why it ended.

    The role scheduler sees ids, times, worker and reason across tenants: fairness is reckoned from them.
    """

    __tablename__ = "slice_log"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        Index("ix_slice_log_run_id", "run_id"),
        Index("ix_slice_log_ended_at", "ended_at"),
    )

    connector_id: Mapped[Id]
    epoch: Mapped[Id]
    tenant_id: Mapped[Number]
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    worker: Mapped[Word]
    ready_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When its turn had become ready; null in slices older than this column."""
    started_at: Mapped[Now]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(Text)
    step: Mapped[str | None] = mapped_column(Text)
    calls: Mapped[int] = mapped_column(server_default="0")
    settled: Mapped[int] = mapped_column(server_default="0")
