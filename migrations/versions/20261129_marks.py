"""What stands in texts beside letters and digits is searched by a function of its own.

Why: a search for `&` or `_` alone has no trigram, so all texts of a connector were read: 204 ms at a million. The index
comes with 20261130_marks. Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261129_marks"
down_revision = "20261129_revision"
branch_labels = None
depends_on = None

MARKS = "string_to_array(regexp_replace({of}, '[[:alnum:][:space:]]+', '', 'g'), NULL)"


def upgrade() -> None:
    # By the marks alone: a pattern without trigrams must not lead into the other index.
    op.execute(
        f"""
        CREATE FUNCTION marked_items(connector bigint, of_kind text, term text, after bigint, most integer)
        RETURNS SETOF bigint
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
          SELECT t.source_id FROM public.item_text t
          WHERE (t.kind || t.connector_id::text) = of_kind || connector::text
            AND t.tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)
            AND {MARKS.format(of="t.find_key")} @> {MARKS.format(of="term")}
            AND strpos(t.find_key, term) > 0 AND t.source_id + 0 > after
          ORDER BY t.source_id LIMIT most
        $$
        """  # noqa: S608 constants
    )
    op.execute("REVOKE ALL ON FUNCTION marked_items FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION marked_items TO service")


def downgrade() -> None:
    op.execute("DROP FUNCTION marked_items")
