"""By which calls an item was sent in a run; and that a worker process is told to drain.

Why: `connector explain` says what was asked of the store for an item, and what it answered; that stands beside what the
item came to in the run, in the same bulk save, and goes when the run goes. `connector drain` leaves its word with the
process, where its pacemaker reads it, so that it is heard without Redis too. Both columns are added without a rewrite.
Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261129_calls"
down_revision = "20261129_metrics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "item_history",
        sa.Column("calls", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("worker_process", sa.Column("drain_asked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("worker_process", "drain_asked_at")
    op.drop_column("item_history", "calls")
