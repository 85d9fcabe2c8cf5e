"""Where the runs stand that are under way.

Why: metrics count them by state every few seconds, and would read all runs that ever were. Built beside the work that
goes on. Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261130_under_way"
down_revision = "20261130_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for every transaction that is older, and keeps nobody waiting.
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        # One that broke off has left an index that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_run_under_way")
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_run_under_way ON run (state) WHERE ended_at IS NULL")
        # As env.py has set them: they hold again for the migration that follows.
        op.execute("SET lock_timeout = '2s'")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_run_under_way")
