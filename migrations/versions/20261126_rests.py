"""How often in a row a store or a source has failed, and until when a source is left in peace.

Why: a neighbour that is unwell was called again by every slice that came along. Its failures are counted where all
workers see them, and it rests for longer each time (decision 0011). Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_rests"
down_revision = "20261125_announced"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store_turn", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("turn", sa.Column("source_failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "turn",
        sa.Column(
            "source_not_before", sa.DateTime(timezone=True), server_default=sa.text("'-infinity'"), nullable=False
        ),
    )


def downgrade() -> None:
    op.drop_column("turn", "source_not_before")
    op.drop_column("turn", "source_failures")
    op.drop_column("store_turn", "failures")
