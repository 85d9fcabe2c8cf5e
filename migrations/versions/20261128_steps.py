"""When a run came to each of its steps.

Why: the page of a run tells how long each step took and how many calls it made. The list grows where the step changes,
in the statement that keeps the cursor anyway. Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_steps"
down_revision = "20261127_schedules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "run",
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("run", "steps")
