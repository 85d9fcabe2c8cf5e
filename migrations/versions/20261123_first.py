"""The first schema: all tables, row-level security forced on each tenant's (law 12).

Why: from the first table on, the database itself refuses to show a row to another tenant.
Goes before the code (expand).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_first"
down_revision = None
branch_labels = None
depends_on = None

TENANTS_TABLES = (
    "connector",
    "credential",
    "item_status",
    "mirror",
    "pending_change",
    "relation",
    "run",
    "slice_log",
    "source_item",
    "source_page",
    "source_staged",
    "store_item",
    "store_page",
    "storefront",
    "run_counter",
    "run_message",
)
"""Tables whose rows belong to the tenant in `tenant_id`."""

TURN_TABLES = ("turn", "tenant_turn")
"""Of a tenant too, but seen across tenants by the role scheduler: ids, states, tags, deadlines."""


def upgrade() -> None:  # noqa: PLR0915 one statement a table
    op.create_table(
        "scheduler",
        sa.Column("one", sa.Integer(), server_default="1", nullable=False),
        sa.Column("virtual_time", sa.Float(precision=53), server_default="0", nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_scheduler_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_scheduler")),
    )
    op.create_table(
        "store_turn",
        sa.Column("store_hash", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("'-infinity'"), nullable=False),
        sa.PrimaryKeyConstraint("store_hash", name=op.f("pk_store_turn")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "connector",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_hash", sa.Text(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("last_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_connector_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_connector_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_connector_tenant_id_name")),
    )
    op.create_table(
        "tenant_turn",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(precision=53), server_default="1", nullable=False),
        sa.Column("virtual_finish", sa.Float(precision=53), server_default="0", nullable=False),
        sa.Column("max_slots", sa.Integer(), nullable=True),
        sa.CheckConstraint("weight > 0", name=op.f("ck_tenant_turn_weight_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tenant_turn_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_turn")),
        sa.UniqueConstraint("name", name=op.f("uq_tenant_turn_name")),
    )
    op.create_table(
        "credential",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_credential_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "field", name=op.f("pk_credential")),
    )
    op.create_table(
        "item_status",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_item_status_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "kind", "source_id", "storefront_id", name=op.f("pk_item_status")),
    )
    op.create_index(
        "ix_item_status_outcome", "item_status", ["connector_id", "outcome", "kind", "source_id"], unique=False
    )
    op.create_index("ix_item_status_run_id", "item_status", ["connector_id", "run_id"], unique=False)
    op.create_table(
        "mirror",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("last_update", sa.BigInteger(), nullable=True),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("all_due", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("refresh_wanted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_mirror_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_mirror")),
    )
    op.create_table(
        "pending_change",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_pending_change_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_change")),
        sa.UniqueConstraint(
            "connector_id",
            "kind",
            "source_id",
            "storefront_id",
            "action",
            name=op.f("uq_pending_change_connector_id_kind_source_id_storefront_id_action"),
        ),
    )
    op.create_index("ix_pending_change_order", "pending_change", ["connector_id", "wave", "id"], unique=False)
    op.create_index(
        "ix_pending_change_sent",
        "pending_change",
        ["connector_id", "state"],
        unique=False,
        postgresql_where=sa.text("state <> 'pending'"),
    )
    op.create_table(
        "relation",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_hash", sa.Text(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_store_id", sa.BigInteger(), nullable=True),
        sa.Column("created_here", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "fingerprints", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_relation_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "kind", "source_id", "storefront_id", name=op.f("pk_relation")),
        sa.UniqueConstraint("store_hash", "kind", "store_id", name=op.f("uq_relation_store_hash_kind_store_id")),
    )
    op.create_index("ix_relation_store", "relation", ["connector_id", "kind", "store_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("refresh", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slices", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bugs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("source_calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_run_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_run_tenant_id_id")),
    )
    op.create_index("ix_run_register", "run", ["connector_id", sa.literal_column("id desc")], unique=False)
    op.create_index(
        "uq_run_one_queued", "run", ["connector_id"], unique=True, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_table(
        "slice_log",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("calls", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settled", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_slice_log_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "epoch", name=op.f("pk_slice_log")),
    )
    op.create_index("ix_slice_log_run_id", "slice_log", ["run_id"], unique=False)
    op.create_table(
        "source_item",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw_hash", sa.Text(), nullable=False),
        sa.Column("gone", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("due", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("sku_key", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_source_item_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "kind", "source_id", name=op.f("pk_source_item")),
    )
    op.create_index(
        "ix_source_item_due",
        "source_item",
        ["connector_id", "kind", "source_id"],
        unique=False,
        postgresql_where=sa.text("due"),
    )
    op.create_index(
        "ix_source_item_due_parent",
        "source_item",
        ["connector_id", "kind", "parent_id"],
        unique=False,
        postgresql_where=sa.text("due"),
    )
    op.create_index("ix_source_item_name_key", "source_item", ["connector_id", "kind", "name_key"], unique=False)
    op.create_index("ix_source_item_parent", "source_item", ["connector_id", "kind", "parent_id"], unique=False)
    op.create_index("ix_source_item_sku_key", "source_item", ["connector_id", "sku_key"], unique=False)
    op.create_table(
        "source_page",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("seen", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_source_page_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "page", "kind", name=op.f("pk_source_page")),
    )
    op.create_table(
        "source_staged",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw_hash", sa.Text(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("sku_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_source_staged_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "kind", "source_id", name=op.f("pk_source_staged")),
    )
    op.create_table(
        "store_item",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("tree_id", sa.BigInteger(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("sku_key", sa.Text(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_store_item_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "kind", "store_id", name=op.f("pk_store_item")),
    )
    op.create_index("ix_store_item_name_key", "store_item", ["connector_id", "kind", "name_key"], unique=False)
    op.create_index("ix_store_item_parent", "store_item", ["connector_id", "kind", "parent_id"], unique=False)
    op.create_index("ix_store_item_sku_key", "store_item", ["connector_id", "kind", "sku_key"], unique=False)
    op.create_table(
        "store_page",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("seen", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_store_page_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "page", "kind", name=op.f("pk_store_page")),
    )
    op.create_table(
        "storefront",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tree_id", sa.BigInteger(), nullable=False),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_storefront_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", "storefront_id", name=op.f("pk_storefront")),
    )
    op.create_table(
        "turn",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("store_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="parked", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("tag", sa.Float(precision=53), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("again", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("stop_asked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('parked', 'ready', 'dispatched', 'running', 'broken')", name=op.f("ck_turn_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connector.tenant_id", "connector.id"],
            name=op.f("fk_turn_tenant_id_connector_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_turn")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "500",
        },
    )
    op.create_index(
        "ix_turn_in_flight",
        "turn",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("state in ('dispatched', 'running')"),
    )
    op.create_index(
        "ix_turn_parked", "turn", ["not_before"], unique=False, postgresql_where=sa.text("state = 'parked'")
    )
    op.create_index("ix_turn_ready", "turn", ["tag"], unique=False, postgresql_where=sa.text("state = 'ready'"))
    op.create_index(
        "uq_turn_one_slice_a_store",
        "turn",
        ["store_hash"],
        unique=True,
        postgresql_where=sa.text("state in ('dispatched', 'running')"),
    )
    op.create_table(
        "run_counter",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("storefront_id", sa.BigInteger(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["run.tenant_id", "run.id"],
            name=op.f("fk_run_counter_tenant_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "kind", "storefront_id", "figure", name=op.f("pk_run_counter")),
    )
    op.create_table(
        "run_message",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["run.tenant_id", "run.id"],
            name=op.f("fk_run_message_tenant_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_message")),
    )
    op.create_index("ix_run_message_run_id", "run_message", ["run_id"], unique=False)
    for table in (*TENANTS_TABLES, "tenant", *TURN_TABLES):
        key = "id" if table == "tenant" else "tenant_id"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # The sub-select is evaluated once a statement, not once a row. An unset tenant sees nothing.
        mine = f"{key} = (SELECT nullif(current_setting('app.tenant', true), '')::bigint)"
        op.execute(f"CREATE POLICY of_tenant ON {table} FOR ALL TO service USING ({mine}) WITH CHECK ({mine})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service")
    for table in TURN_TABLES:
        op.execute(f"CREATE POLICY of_scheduler ON {table} FOR ALL TO scheduler USING (true) WITH CHECK (true)")
    for table in (*TURN_TABLES, "store_turn", "scheduler"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO scheduler")
    # A new connector names its store; which stores there are is not for a tenant to read.
    op.execute("GRANT INSERT ON store_turn TO service")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO service")
    op.execute("INSERT INTO scheduler DEFAULT VALUES")


def downgrade() -> None:
    op.drop_index("ix_run_message_run_id", table_name="run_message")
    op.drop_table("run_message")
    op.drop_table("run_counter")
    op.drop_index(
        "uq_turn_one_slice_a_store", table_name="turn", postgresql_where=sa.text("state in ('dispatched', 'running')")
    )
    op.drop_index("ix_turn_ready", table_name="turn", postgresql_where=sa.text("state = 'ready'"))
    op.drop_index("ix_turn_parked", table_name="turn", postgresql_where=sa.text("state = 'parked'"))
    op.drop_index(
        "ix_turn_in_flight", table_name="turn", postgresql_where=sa.text("state in ('dispatched', 'running')")
    )
    op.drop_table("turn")
    op.drop_table("storefront")
    op.drop_table("store_page")
    op.drop_index("ix_store_item_sku_key", table_name="store_item")
    op.drop_index("ix_store_item_parent", table_name="store_item")
    op.drop_index("ix_store_item_name_key", table_name="store_item")
    op.drop_table("store_item")
    op.drop_table("source_staged")
    op.drop_table("source_page")
    op.drop_index("ix_source_item_sku_key", table_name="source_item")
    op.drop_index("ix_source_item_parent", table_name="source_item")
    op.drop_index("ix_source_item_name_key", table_name="source_item")
    op.drop_index("ix_source_item_due_parent", table_name="source_item", postgresql_where=sa.text("due"))
    op.drop_index("ix_source_item_due", table_name="source_item", postgresql_where=sa.text("due"))
    op.drop_table("source_item")
    op.drop_index("ix_slice_log_run_id", table_name="slice_log")
    op.drop_table("slice_log")
    op.drop_index("uq_run_one_queued", table_name="run", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index("ix_run_register", table_name="run")
    op.drop_table("run")
    op.drop_index("ix_relation_store", table_name="relation")
    op.drop_table("relation")
    op.drop_index("ix_pending_change_sent", table_name="pending_change", postgresql_where=sa.text("state <> 'pending'"))
    op.drop_index("ix_pending_change_order", table_name="pending_change")
    op.drop_table("pending_change")
    op.drop_table("mirror")
    op.drop_index("ix_item_status_run_id", table_name="item_status")
    op.drop_index("ix_item_status_outcome", table_name="item_status")
    op.drop_table("item_status")
    op.drop_table("credential")
    op.drop_table("tenant_turn")
    op.drop_table("connector")
    op.drop_table("tenant")
    op.drop_table("store_turn")
    op.drop_table("scheduler")
