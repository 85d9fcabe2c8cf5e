"""What fairness is reckoned from: when a slice's turn had become ready, and how many slots there are.

Why: how long tenants wait, how the slots are shared by weight and whether one stood idle while somebody was ready is
read from the log of slices, across tenants. So the role scheduler sees ids, times, the worker's name and the reason of
an ending in it (and ends what was lost), by grants on these columns alone. Equal tags pass in the order in which they
became ready, so the index of ready turns holds that order. Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_fairness"
down_revision = "20261126_rests"
branch_labels = None
depends_on = None

SEEN = "connector_id, epoch, tenant_id, worker, ready_at, started_at, ended_at, ended_why"
ENDS = "ended_at, ended_why"


def upgrade() -> None:
    op.create_table(
        "worker_process",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.CheckConstraint("slots > 0", name=op.f("ck_worker_process_slots_positive")),
        sa.PrimaryKeyConstraint("worker", "started_at", name=op.f("pk_worker_process")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON worker_process TO scheduler")
    op.add_column("slice_log", sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_slice_log_ended_at", "slice_log", ["ended_at"])
    op.execute("CREATE POLICY of_scheduler ON slice_log FOR ALL TO scheduler USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ({SEEN}), UPDATE ({ENDS}) ON slice_log TO scheduler")
    # Slices that died before their end was written down for them: nobody knows how long they held their slots.
    op.execute(
        "UPDATE slice_log l SET ended_at = started_at, ended_why = 'turn_lost' WHERE ended_at IS NULL AND NOT EXISTS ("
        "SELECT FROM turn u WHERE u.connector_id = l.connector_id AND u.epoch = l.epoch AND u.state = 'running')"
    )
    op.drop_index("ix_turn_ready", table_name="turn")
    op.create_index(
        "ix_turn_ready", "turn", ["tag", "ready_at", "connector_id"], postgresql_where=sa.text("state = 'ready'")
    )


def downgrade() -> None:
    op.drop_index("ix_turn_ready", table_name="turn")
    op.create_index("ix_turn_ready", "turn", ["tag"], postgresql_where=sa.text("state = 'ready'"))
    op.execute(f"REVOKE SELECT ({SEEN}), UPDATE ({ENDS}) ON slice_log FROM scheduler")  # noqa: S608 constants
    op.execute("DROP POLICY of_scheduler ON slice_log")
    op.drop_index("ix_slice_log_ended_at", table_name="slice_log")
    op.drop_column("slice_log", "ready_at")
    op.drop_table("worker_process")
