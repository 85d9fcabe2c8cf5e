"""Where the items stand that are gone at the source.

Why: what is gone and was never in the store is deleted in portions at a run's end; without this index each run would
look through all items of its connector for them. Built beside the work that goes on.
Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261130_gone"
down_revision = "20261130_autovacuum"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for every transaction that is older, and keeps nobody waiting.
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        # One that broke off has left an index that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_source_item_gone")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_source_item_gone"
            " ON source_item (connector_id, kind, source_id) WHERE gone"
        )
        # As env.py has set them: they hold again for the migration that follows.
        op.execute("SET lock_timeout = '2s'")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_source_item_gone")
