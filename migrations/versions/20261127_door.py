"""The door: API keys, a connector's journal, answers given only once, who asked for a run.

Why: people and programs come in by keys that are kept as hashes; the Activity Register shows configuration changes
between the runs, with who made them; a request repeated with its Idempotency-Key gets its first answer. A key is looked
up before it is known whose it is, so the role scheduler sees the keys (their hashes) of all tenants, and the operators'
own, which belong to no tenant. Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_door"
down_revision = "20261126_fairness"
branch_labels = None
depends_on = None

MINE = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)"


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(scope = 'operator') = (tenant_id IS NULL)", name=op.f("ck_api_key_operators_have_no_tenant")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_api_key_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index("ix_api_key_tenant_id", "api_key", ["tenant_id"])
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_journal_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_connector_id", "journal", ["connector_id", sa.text("id DESC")])
    op.create_table(
        "answered",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_answered_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_answered")),
    )
    op.create_index("ix_answered_tenant_id_at", "answered", ["tenant_id", "at"])
    op.add_column("run", sa.Column("requested_by", sa.Text(), nullable=True))
    for table in ("api_key", "journal", "answered"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_tenant ON {table} FOR ALL TO service USING ({MINE}) WITH CHECK ({MINE})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service")
    op.execute("GRANT USAGE ON SEQUENCE journal_id_seq TO service")
    op.execute("CREATE POLICY of_scheduler ON api_key FOR ALL TO scheduler USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_key TO scheduler")


def downgrade() -> None:
    op.drop_column("run", "requested_by")
    op.drop_table("answered")
    op.drop_table("journal")
    op.drop_table("api_key")
