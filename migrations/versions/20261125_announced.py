"""What the plan of a run has announced.

Why: books that do not close name the items that were planned and have no outcome. Rows live as long as their run.
Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_announced"
down_revision = "20261125_statistics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announced",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_announced_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announced")),
    )
    op.create_index("ix_announced_connector_id", "announced", ["connector_id"], unique=False)
    op.execute("ALTER TABLE announced ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE announced FORCE ROW LEVEL SECURITY")
    mine = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)"
    op.execute(f"CREATE POLICY of_tenant ON announced FOR ALL TO service USING ({mine}) WITH CHECK ({mine})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON announced TO service")
    op.execute("GRANT USAGE ON SEQUENCE announced_id_seq TO service")


def downgrade() -> None:
    op.drop_table("announced")
