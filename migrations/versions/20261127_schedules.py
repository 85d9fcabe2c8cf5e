"""Schedules: a tenant's time zone, and the date of a connector's next scheduled run.

Why: a connector may run at an interval or by a cron expression, read in its tenant's time zone. The date is kept, so
that one which passes while a run goes on is neither lost nor run twice. Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261127_schedules"
down_revision = "20261127_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False))
    op.add_column("connector", sa.Column("next_date", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("connector", "next_date")
    op.drop_column("tenant", "time_zone")
