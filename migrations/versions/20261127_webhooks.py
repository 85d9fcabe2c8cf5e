"""Webhooks: the endpoints of a tenant, and the deliveries on their way to them.

Why: a SaaS backend hears of a run's end, and of a connector that needs somebody, without asking. What is to be told is
written in the transaction that makes it true. Whoever sends looks across tenants for what is due: the role scheduler
sees ids and dates of open deliveries, by grants on these columns and a policy of its own, and no content.
Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_webhooks"
down_revision = "20261127_items"
branch_labels = None
depends_on = None

MINE = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)"
OPEN = "next_at IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("old_key_id", sa.Text(), nullable=True),
        sa.Column("old_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_webhook_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_webhook_tenant_id_id")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("gave_up", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "webhook_id"],
            ["webhook.tenant_id", "webhook.id"],
            name=op.f("fk_webhook_delivery_tenant_id_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        "ix_webhook_delivery_next_at", "webhook_delivery", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL")
    )
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id", sa.text("id DESC")])
    op.create_index("ix_webhook_delivery_tenant_id_created_at", "webhook_delivery", ["tenant_id", "created_at"])
    for table in ("webhook", "webhook_delivery"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_tenant ON {table} FOR ALL TO service USING ({MINE}) WITH CHECK ({MINE})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service")
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO service")
    op.execute(
        f"CREATE POLICY of_scheduler ON webhook_delivery FOR ALL TO scheduler USING ({OPEN}) WITH CHECK ({OPEN})"
    )
    # The lease is a later date: whoever has it found moves it on, so that nobody else sends it meanwhile.
    op.execute("GRANT SELECT (id, tenant_id, webhook_id, next_at), UPDATE (next_at) ON webhook_delivery TO scheduler")


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
