"""When autovacuum comes to large tables and to queues, and room for what changes in place.

Why: by default a table is vacuumed after a fifth of it is dead: of 600 million rows that is 100 million (Postgres
18 waits for no more), and by then the table has grown by as much. Queues are emptied all the time, and are to be cleaned by a number of rows, not by a share of
what they held at their largest (decision 0018). Takes no lock that anybody waits for.
Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261130_autovacuum"
down_revision = "20261129_calls"
branch_labels = None
depends_on = None

LARGE = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.02"}
QUEUE = {"autovacuum_vacuum_scale_factor": "0.01", "autovacuum_vacuum_threshold": "10000"}
SETTINGS = {
    "source_item": LARGE,
    "item_text": LARGE,
    "store_item": LARGE,
    "item_status": LARGE,
    "item_history": LARGE,
    "relation": {**LARGE, "fillfactor": "90"},
    "pending_change": QUEUE,
    "source_staged": QUEUE,
    "run": {"fillfactor": "80"},
}


def upgrade() -> None:
    for table, settings in SETTINGS.items():
        told = ", ".join(f"{name} = {value}" for name, value in settings.items())
        op.execute(f"ALTER TABLE {table} SET ({told})")


def downgrade() -> None:
    for table, settings in SETTINGS.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
