"""What the store says of itself, and how much a run may disable or blank after an approval.

Why: dates are read in the store's time zone, the list of storefronts is written into the source only when it has
changed, and a run that somebody has approved goes past the brake by as much as was approved.
Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_store_facts"
down_revision = "20261123_first"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "connector",
        sa.Column(
            "store_facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column("run", sa.Column("allowed", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("run", "allowed")
    op.drop_column("connector", "store_facts")
