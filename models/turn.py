"""Whose turn it is: ids, states, tags and deadlines, no content.

These narrow tables alone are seen across tenants, by the role *scheduler*
(design §5). Names of tenants and connectors stand here as labels, since
Flower, logs and the operator's command line call them by name.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Float, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Number, When, Word


class Scheduler(Base):
    """One row: the virtual time; its row lock is the scheduler's mutex."""

    __tablename__ = "scheduler"
    __table_args__ = (CheckConstraint("one = 1", name="one_row"),)

    one: Mapped[int] = mapped_column(primary_key=True, server_default="1")
    virtual_time: Mapped[float] = mapped_column(Float(53), server_default="0")


class TenantTurn(Base):
    """How much of the workers a tenant has had, by weight."""

    __tablename__ = "tenant_turn"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        UniqueConstraint("name"),
        CheckConstraint("weight > 0", name="weight_positive"),
    )

    tenant_id: Mapped[Id]
    name: Mapped[Word]
    weight: Mapped[float] = mapped_column(Float(53), server_default="1")
    virtual_finish: Mapped[float] = mapped_column(Float(53), server_default="0")
    max_slots: Mapped[int | None]


class StoreTurn(Base):
    """A store as a shared resource: not before when it may be called again, since it failed so often in a row."""

    __tablename__ = "store_turn"

    store_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    not_before: Mapped[When] = mapped_column(server_default=text("'-infinity'"))
    failures: Mapped[int] = mapped_column(server_default="0")


class WorkerProcess(Base):
    """A worker process: from when until when it was there, and how many slices it holds at once."""

    __tablename__ = "worker_process"
    __table_args__ = (CheckConstraint("slots > 0", name="slots_positive"),)

    worker: Mapped[str] = mapped_column(Text, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    seen_at: Mapped[When]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it began to drain; null while it is there, and for ever where it was killed."""
    slots: Mapped[int]
    drain_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When an operator told it to drain; its pacemaker reads it."""


class Turn(Base):
    """The turn of one connector: parked, ready, dispatched, running or broken."""

    __tablename__ = "turn"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "connector_id"], ["connector.tenant_id", "connector.id"], ondelete="CASCADE"
        ),
        CheckConstraint("state in ('parked', 'ready', 'dispatched', 'running', 'broken')", name="state"),
        # Equal tags pass in the order in which they became ready.
        Index("ix_turn_ready", "tag", "ready_at", "connector_id", postgresql_where=text("state = 'ready'")),
        Index("ix_turn_parked", "not_before", postgresql_where=text("state = 'parked'")),
        Index("ix_turn_in_flight", "deadline", postgresql_where=text("state in ('dispatched', 'running')")),
        # One slice at a time for a store, whatever the code does (design §5).
        Index(
            "uq_turn_one_slice_a_store",
            "store_hash",
            unique=True,
            postgresql_where=text("state in ('dispatched', 'running')"),
        ),
        # The state columns churn: leave room on the page, and clean up early.
        {
            "postgresql_with": {
                "fillfactor": "70",
                "autovacuum_vacuum_scale_factor": "0",
                "autovacuum_vacuum_threshold": "500",
            }
        },
    )

    connector_id: Mapped[Id]
    tenant_id: Mapped[Number]
    name: Mapped[Word]
    store_hash: Mapped[Word]
    state: Mapped[str] = mapped_column(Text, server_default="parked")
    not_before: Mapped[When] = mapped_column(server_default=text("'infinity'"))
    tag: Mapped[float | None] = mapped_column(Float(53))
    ready_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    epoch: Mapped[Number] = mapped_column(server_default="0")
    deadline: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(server_default="0")
    again: Mapped[bool] = mapped_column(server_default="false")
    stop_asked: Mapped[bool] = mapped_column(server_default="false")
    worker: Mapped[str | None] = mapped_column(Text)
    source_failures: Mapped[int] = mapped_column(server_default="0")
    source_not_before: Mapped[When] = mapped_column(server_default=text("'-infinity'"))
