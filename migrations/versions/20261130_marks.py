"""The index of what stands in texts beside letters and digits.

Why: `marked_items` finds by it what is rare. Built beside the work that goes on. Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261130_marks"
down_revision = "20261130_gone"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for every transaction that is older, and keeps nobody waiting.
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        # One that broke off has left an index that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_item_text_marks")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_item_text_marks ON item_text USING gin"
            " ((kind || connector_id::text),"
            " (string_to_array(regexp_replace(find_key, '[[:alnum:][:space:]]+', '', 'g'), NULL)))"
        )
        # As env.py has set them: they hold again for the migration that follows.
        op.execute("SET lock_timeout = '2s'")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_item_text_marks")
