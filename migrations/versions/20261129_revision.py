"""The service may read which revision its schema has.

Why: `connector doctor` says whether the schema fits the code; the table of Alembic is the owner's. Goes before the code
(expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261129_revision"
down_revision = "20261128_steps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT ON alembic_version TO service")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON alembic_version FROM service")
