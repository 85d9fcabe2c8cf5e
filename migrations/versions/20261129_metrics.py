"""Metrics may count, across tenants, runs under way by state and connectors switched off by reason.

Why: an alert needs both, and whoever serves metrics is no tenant. One function counts, and tells states and known codes;
the words of a reason are a tenant's. Its owner needs a policy to read, since row-level security is forced (decision
0014). The index that keeps the count from reading all runs that ever were comes with
20261130_under_way. Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261129_metrics"
down_revision = "20261129_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("connector", "run"):
        op.execute(f"CREATE POLICY of_counting ON {table} FOR SELECT TO owner USING (true)")
    op.execute(
        """
        CREATE FUNCTION service_counts(codes text[]) RETURNS TABLE (what text, which text, number bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
          SELECT 'run', r.state, count(*) FROM public.run r WHERE r.ended_at IS NULL GROUP BY 2
          UNION ALL
          SELECT 'off', CASE WHEN split_part(c.disabled_reason, ':', 1) = ANY (codes)
            THEN split_part(c.disabled_reason, ':', 1) ELSE 'by_hand' END, count(*)
          FROM public.connector c WHERE NOT c.enabled GROUP BY 2
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION service_counts FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION service_counts TO scheduler")


def downgrade() -> None:
    op.execute("DROP FUNCTION service_counts")
    for table in ("connector", "run"):
        op.execute(f"DROP POLICY of_counting ON {table}")
