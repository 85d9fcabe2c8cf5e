"""What Postgres is to assume of the tables of items before it has analysed them.

Why: a connector's first run fills the tables faster than they are analysed, and a row's tenant says nothing that its
connector has not said already; without being told, Postgres took a connector's rows for one row (decision 0010).
Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261125_statistics"
down_revision = "20261125_store_facts"
branch_labels = None
depends_on = None

TABLES = (
    "item_status",
    "pending_change",
    "relation",
    "source_item",
    "source_page",
    "source_staged",
    "store_item",
    "store_page",
)
ASSUMED = {
    "tenant_id": 1,
    "connector_id": 1,
    "kind": 3,
    "run_id": 1,
    "source_id": -0.5,
    "store_id": -0.5,
    "name_key": -0.5,
    "sku_key": -0.5,
    "parent_id": -0.1,
}
"""Column -> how many values it has until the first ANALYZE, below 0 as a share of the rows; else 200 is assumed."""
MOSTLY_NULL = {"refused": 10}
"""Idem, of a column that few rows have; else 5 in 1,000 are assumed to be null."""


def upgrade() -> None:
    for table in TABLES:
        # The policy's tenant and the query's connector are one condition, not two that each leave a part.
        op.execute(f"CREATE STATISTICS st_{table}_tenant (dependencies) ON tenant_id, connector_id FROM {table}")
        for column, distinct in (ASSUMED | MOSTLY_NULL).items():
            nulls = 0.95 if column in MOSTLY_NULL else 0
            op.execute(
                "SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', relname::text,"
                " 'attname', attname::text, 'inherited', false, 'avg_width', 8,"
                f" 'null_frac', {nulls}::real, 'n_distinct', {distinct}::real) {_never_analysed(table, column)}"
            )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP STATISTICS st_{table}_tenant")
        for column in ASSUMED | MOSTLY_NULL:
            op.execute(
                "SELECT pg_clear_attribute_stats('public', relname::text, attname::text, false)"
                f" {_never_analysed(table, column)}"
            )


def _never_analysed(table: str, column: str) -> str:
    """The column, where there is one; what an ANALYZE has found stands."""
    return (
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        f" WHERE c.oid = 'public.{table}'::regclass AND c.reltuples < 0 AND a.attname = '{column}'"
    )
