"""Items as people look for them: found by a text, counted, with history and what was last sent.

Why: the pages list and search a million item statuses. A search through row-level security reads every row, since its
operators are not leakproof, so one function that fixes tenant and connector itself looks into the index (decision 0014).
Counts move with the statuses, by triggers, whoever writes them. What an item came to is kept across runs, and so is
what was last sent of it. Goes before the code (expand).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261127_items"
down_revision = "20261127_door"
branch_labels = None
depends_on = None

ASSUMED = {"tenant_id": 1, "connector_id": 1, "kind": 3, "run_id": 1, "source_id": -0.5}
"""Column -> how many values it has until the first ANALYZE (decision 0010)."""
OF_ITEMS = ("item_text", "item_history")
INDEXES = {
    "ix_item_status_outcome": ["connector_id", "outcome", "kind", "source_id"],
    "ix_item_status_run_id": ["connector_id", "run_id"],
}
"""Those that get the whole order of a listing behind what they ask for -> what they had."""
TAIL = ["kind", "source_id", "storefront_id"]
MINE = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public")
    op.add_column("mirror", sa.Column("store_read_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "relation",
        sa.Column("sent", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("relation", sa.Column("anew", sa.Boolean(), server_default="false", nullable=False))
    op.create_index("ix_relation_anew", "relation", ["connector_id"], postgresql_where=sa.text("anew"))
    for name, columns in INDEXES.items():
        op.drop_index(name, table_name="item_status")
        op.create_index(name, "item_status", list(dict.fromkeys([*columns, *TAIL])))
    op.create_index(
        "ix_item_status_code",
        "item_status",
        ["connector_id", "code", *TAIL],
        postgresql_where=sa.text("code IS NOT NULL"),
    )
    _text()
    _count()
    _history()
    for table in OF_ITEMS:
        op.execute(f"CREATE STATISTICS st_{table}_tenant (dependencies) ON tenant_id, connector_id FROM {table}")
        for column, distinct in ASSUMED.items():
            op.execute(
                "SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', relname::text,"  # noqa: S608 constants
                " 'attname', attname::text, 'inherited', false, 'avg_width', 8, 'null_frac', 0::real,"
                f" 'n_distinct', {distinct}::real) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                f" WHERE c.oid = 'public.{table}'::regclass AND c.reltuples < 0 AND a.attname = '{column}'"
            )


def _of_a_tenant(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_tenant ON {table} FOR ALL TO service USING ({MINE}) WITH CHECK ({MINE})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service")


def _key(table: str, *columns: sa.Column[Any]) -> list[sa.schema.SchemaItem]:
    """The columns of a table that hangs on a connector, with its two keys."""
    return [
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f(f"fk_{table}_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "connector_id", *(one.name for one in columns if one.info.get("key")), name=op.f(f"pk_{table}")
        ),
    ]


def _column(name: str, kind: Any, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, info={"key": key})


def _text() -> None:
    op.create_table(
        "item_text",
        *_key(
            "item_text",
            _column("kind", sa.Text(), key=True),
            _column("source_id", sa.BigInteger(), key=True),
            _column("find_key", sa.Text()),
        ),
    )
    # A field begins behind a line's end, so that nothing is found across two of them, and a blank, as a word does.
    op.execute(
        """
        CREATE FUNCTION find_key(name text, sku text, reference text, source_id bigint) RETURNS text
        LANGUAGE sql IMMUTABLE AS $$
          SELECT ' ' || coalesce(name || E'\\n ', '') || coalesce(sku || E'\\n ', '')
            || CASE WHEN lower(reference) = sku THEN '' ELSE coalesce(lower(reference) || E'\\n ', '') END || source_id
        $$
        """
    )
    # The owner fills what forced row-level security hides from it; nobody else comes in between.
    op.execute("ALTER TABLE source_item NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO item_text (connector_id, tenant_id, kind, source_id, find_key) SELECT connector_id, tenant_id,"
        " kind, source_id, find_key(name_key, sku_key, cells ->> 'REF', source_id) FROM source_item"
    )
    op.execute("ALTER TABLE source_item FORCE ROW LEVEL SECURITY")
    _of_a_tenant("item_text")
    # Kind and connector as one: no other index fits, however few rows Postgres takes an average connector to have
    # (decision 0014).
    op.create_index(
        "ix_item_text_find",
        "item_text",
        [sa.text("(kind || connector_id::text)"), "find_key"],
        postgresql_using="gin",
        postgresql_ops={"find_key": "gin_trgm_ops"},
    )
    op.execute(
        """
        CREATE FUNCTION keep_texts() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO item_text (connector_id, tenant_id, kind, source_id, find_key)
          SELECT connector_id, tenant_id, kind, source_id, find_key(name_key, sku_key, cells ->> 'REF', source_id)
          FROM told
          ON CONFLICT (connector_id, kind, source_id) DO UPDATE SET find_key = excluded.find_key;
          RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_text() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO item_text (connector_id, tenant_id, kind, source_id, find_key)
          VALUES (NEW.connector_id, NEW.tenant_id, NEW.kind, NEW.source_id,
                  find_key(NEW.name_key, NEW.sku_key, NEW.cells ->> 'REF', NEW.source_id))
          ON CONFLICT (connector_id, kind, source_id) DO UPDATE SET find_key = excluded.find_key;
          RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER texts_of_new AFTER INSERT ON source_item REFERENCING NEW TABLE AS told"
        " FOR EACH STATEMENT EXECUTE FUNCTION keep_texts()"
    )
    op.execute(
        "CREATE TRIGGER text_of_changed AFTER UPDATE OF name_key, sku_key, cells ON source_item FOR EACH ROW WHEN"
        " ((OLD.name_key, OLD.sku_key, OLD.cells ->> 'REF') IS DISTINCT FROM"
        "  (NEW.name_key, NEW.sku_key, NEW.cells ->> 'REF')) EXECUTE FUNCTION keep_text()"
    )
    # Row-level security is forced on the owner too; a policy with a condition would keep it from the index again.
    op.execute("CREATE POLICY of_finder ON item_text FOR SELECT TO owner USING (true)")
    op.execute(
        """
        CREATE FUNCTION found_items(connector bigint, of_kind text, pattern text, after bigint, most integer)
        RETURNS SETOF bigint
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
          SELECT t.source_id FROM public.item_text t
          WHERE (t.kind || t.connector_id::text) = of_kind || connector::text
            AND t.tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)
            AND t.find_key LIKE pattern AND t.source_id + 0 > after
          ORDER BY t.source_id LIMIT most
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION found_items FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION found_items TO service")


def _count() -> None:
    op.create_table(
        "item_count",
        *_key(
            "item_count",
            _column("run_id", sa.BigInteger(), key=True),
            _column("kind", sa.Text(), key=True),
            _column("storefront_id", sa.BigInteger(), key=True),
            _column("outcome", sa.Text(), key=True),
            _column("code", sa.Text(), key=True),
            _column("count", sa.BigInteger()),
        ),
        postgresql_with={"fillfactor": "70"},
    )
    into = "INSERT INTO item_count AS c (connector_id, tenant_id, run_id, kind, storefront_id, outcome, code, count)"
    place = "connector_id, tenant_id, run_id, kind, storefront_id, outcome, coalesce(code, '')"
    op.execute("ALTER TABLE item_status NO FORCE ROW LEVEL SECURITY")
    op.execute(f"{into} SELECT {place}, count(*) FROM item_status GROUP BY {place}")  # noqa: S608 constants
    op.execute("ALTER TABLE item_status FORCE ROW LEVEL SECURITY")
    _of_a_tenant("item_count")
    moves = {
        "insert": ("count(*)", "told"),
        "delete": ("-count(*)", "untold"),
        "update": ("sum(by)", "(SELECT *, 1 AS by FROM told UNION ALL SELECT *, -1 FROM untold) moved"),
    }
    tables = {"insert": "NEW TABLE AS told", "delete": "OLD TABLE AS untold"}
    for what, (by, rows) in moves.items():
        op.execute(
            f"CREATE FUNCTION count_{what} () RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {into}"  # noqa: S608 constants
            f" SELECT {place}, {by} FROM {rows} GROUP BY {place} HAVING {by} <> 0"
            " ON CONFLICT (connector_id, run_id, kind, storefront_id, outcome, code)"
            " DO UPDATE SET count = c.count + excluded.count; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER count_{what} AFTER {what} ON item_status"
            f" REFERENCING {tables.get(what, ' '.join(tables.values()))}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION count_{what}()"
        )


def _history() -> None:
    op.create_table(
        "item_history",
        *_key(
            "item_history",
            _column("kind", sa.Text(), key=True),
            _column("source_id", sa.BigInteger(), key=True),
            _column("storefront_id", sa.BigInteger(), key=True),
            _column("run_id", sa.BigInteger(), key=True),
            _column("outcome", sa.Text()),
            _column("code", sa.Text(), null=True),
            _column("message", sa.Text(), null=True),
            sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        ),
    )
    op.create_index("ix_item_history_run_id", "item_history", ["connector_id", "run_id"])
    op.execute("ALTER TABLE item_status NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO item_history (connector_id, tenant_id, kind, source_id, storefront_id, run_id, outcome, code,"
        " message, at) SELECT connector_id, tenant_id, kind, source_id, storefront_id, run_id, outcome, code, message,"
        " at FROM item_status"
    )
    op.execute("ALTER TABLE item_status FORCE ROW LEVEL SECURITY")
    _of_a_tenant("item_history")


def downgrade() -> None:
    op.drop_table("item_history")
    for what in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER count_{what} ON item_status")
        op.execute(f"DROP FUNCTION count_{what}")
    op.drop_table("item_count")
    op.execute("DROP FUNCTION found_items")
    op.execute("DROP TRIGGER text_of_changed ON source_item")
    op.execute("DROP TRIGGER texts_of_new ON source_item")
    op.execute("DROP FUNCTION keep_text, keep_texts, find_key")
    op.drop_table("item_text")
    op.drop_index("ix_item_status_code", table_name="item_status", postgresql_where=sa.text("code IS NOT NULL"))
    for name, columns in INDEXES.items():
        op.drop_index(name, table_name="item_status")
        op.create_index(name, "item_status", columns)
    op.drop_index("ix_relation_anew", table_name="relation", postgresql_where=sa.text("anew"))
    op.drop_column("relation", "anew")
    op.drop_column("relation", "sent")
    op.drop_column("mirror", "store_read_at")
    op.execute("DROP EXTENSION btree_gin")
