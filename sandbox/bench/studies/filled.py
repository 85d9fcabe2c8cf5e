"""A database with one very large connector beside those of other tenants, filled by statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.stage.database import migrate
from worker.catalog.columns import Column, Columns
from worker.catalog.profile import Profile
from worker.ledger import connectors, mirror
from worker.ledger.session import as_tenant
from worker.ledger.session import engine as engine_of

CATEGORIES, STOREFRONTS = 1_000, (1, 2)
VARIANTS_EACH = 5
RUNS = 500
OTHERS = 20
OTHERS_ITEMS = 5_000
COLUMNS = ("product_name", "product_sku", "REF", "product_price", "product_weight", "product_description")


@dataclass(frozen=True, slots=True)
class Filled:
    """The large connector, as the service sees it."""

    engine: Engine
    tenant_id: int
    id: int
    first_run: int
    last_run: int
    categories: int
    products: int
    variants: int

    @property
    def statuses(self) -> int:
        """How many item statuses it has."""
        return self.categories * len(STOREFRONTS) + self.products + self.variants


@contextmanager
def filled(statuses: int) -> Iterator[Filled]:
    """A server with so many item statuses of one connector, analysed as autovacuum does it."""
    with opened(statuses) as (made, _):
        yield made


@contextmanager
def opened(statuses: int) -> Iterator[tuple[Filled, Engine]]:
    """The same, and the owner's way in."""
    with EmbeddedPostgres(
        durable=False, in_memory=False, settings={"shared_buffers": "512MB", "max_wal_size": "4GB"}
    ) as server:
        server.create_database("pages")
        migrate(server.url("pages", "owner"))
        engine = engine_of(server.url("pages"))
        for number in range(OTHERS // 2):
            _tenant(engine, f"before{number}", OTHERS_ITEMS)
        made = _tenant(engine, "large", statuses)
        for number in range(OTHERS - OTHERS // 2):
            _tenant(engine, f"after{number}", OTHERS_ITEMS)
        owner = engine_of(server.url("pages", "owner"))
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM (ANALYZE)"))
        yield made, owner
        owner.dispose()
        engine.dispose()


def _tenant(engine: Engine, name: str, statuses: int) -> Filled:
    categories = max(2, CATEGORIES * statuses // 1_000_000)
    products = (statuses - categories * len(STOREFRONTS)) // (1 + VARIANTS_EACH)
    variants = statuses - categories * len(STOREFRONTS) - products
    with as_tenant(engine, 0) as session:
        tenant_id = connectors.next_tenant_id(session)
    with as_tenant(engine, tenant_id) as session:
        connectors.add_tenant(session, tenant_id, name=name, weight=1.0, max_slots=None)
        made = connectors.add(
            session, tenant_id, name="shop", store_hash=f"store-{name}", profile=Profile(), first_check_in=3600.0
        )
        columns = tuple(Column(name, name, "string") for name in COLUMNS)
        mirror.finish_attempt(
            session,
            made,
            last_update=1,
            company_id=7,
            columns=Columns(dict.fromkeys(ItemKind, columns), "en", ("en",)),
            refreshed=False,
            all_due=False,
        )
        connectors.keep_storefronts(
            session,
            tenant_id,
            made,
            [{"storefront_id": one, "name": f"Shop {one}", "tree_id": one, "root_id": None} for one in STOREFRONTS],
        )
        first = int(
            session.scalar(
                text("""
                INSERT INTO run (tenant_id, connector_id, state, trigger, requested_at, started_at, ended_at, slices,
                                 calls, source_calls)
                SELECT :tenant, :id, CASE n % 7 WHEN 0 THEN 'completed_with_errors' ELSE 'completed' END, 'check',
                  at, at, at + interval '5 minutes', 3, 1000, 20
                FROM (SELECT n, now() - (:runs - n) * interval '1 hour' AS at FROM generate_series(1, :runs) n) r
                RETURNING id
                """),
                {"tenant": tenant_id, "id": made, "runs": RUNS},
            )
            or 0
        )
        session.execute(
            text("""
            INSERT INTO run_counter (run_id, tenant_id, kind, storefront_id, figure, count)
            SELECT r.id, :tenant, k.kind, k.storefront, f.figure, 1000 FROM run r,
              (VALUES ('category', 1), ('category', 2), ('product', 0), ('variant', 0)) k (kind, storefront),
              unnest('{known,to_create,to_update,created,updated,disabled,failed,unchanged}'::text[]) f (figure)
            """),
            {"tenant": tenant_id},
        )
    given = {
        "tenant": tenant_id, "id": made, "store": f"store-{name}", "first": first, "last": first + RUNS - 1,
        "categories": categories, "products": products, "variants": variants, "each": VARIANTS_EACH,
    }  # fmt: skip
    for statement in _ROWS:
        with as_tenant(engine, tenant_id) as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text(_MADE), given)
            session.execute(text(statement), given)
    return Filled(engine, tenant_id, made, first, first + RUNS - 1, categories, products, variants)


# Names as of a clothes shop: `cotton` is in three of ten, the collection `gala` in the last third of ids alone, and
# `quagga` in seven; before each of these two stands a mark.
_MADE = """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT *, CASE kind WHEN 'category' THEN 'Category ' || source_id ELSE
        (CASE WHEN h % 10 < 3 THEN 'Cotton' WHEN h % 10 < 6 THEN 'Woollen' ELSE 'Linen' END)
        || ' ' || ('{Shirt,Dress,Scarf,Trousers,Jacket,Coat,Hat,Glove,Sock,Belt,Skirt,Vest}'::text[])[1 + h / 10 % 12]
        || CASE WHEN part > 0.67 THEN ' + Gala' WHEN h % 100000 = 7 THEN ' & Quagga' ELSE '' END
        || ' ' || ('{Anna,Bruno,Clara,David,Elena,Fabio,Greta,Hugo,Irene,Jonas}'::text[])[1 + h / 120 % 10] END AS name,
      upper(left(kind, 1)) || '-' || lpad((h % 1000)::text, 3, '0') || '-' || source_id AS sku
    FROM (
      SELECT kind, source_id, parent_id, abs(hashint8(source_id * 7919 + length(kind))) AS h, part FROM (
        SELECT 'category' AS kind, n AS source_id, n / 10 AS parent_id, 0.0 AS part
          FROM generate_series(1, CAST(:categories AS bigint)) n
        UNION ALL SELECT 'product', n, 0, n::float8 / :products FROM generate_series(1, CAST(:products AS bigint)) n
        UNION ALL SELECT 'variant', n, (n - 1) / :each + 1, n::float8 / :variants
          FROM generate_series(1, CAST(:variants AS bigint)) n) i) i
"""

_ROWS = (
    """
    INSERT INTO source_item (connector_id, tenant_id, kind, source_id, parent_id, cells, raw_hash, due, name_key,
                             sku_key)
    SELECT :id, :tenant, kind, source_id, parent_id, jsonb_build_object('product_name', name, 'product_sku', sku,
        'REF', sku, 'product_price', h % 500, 'product_weight', 1,
        'product_description', repeat('A text as they stand in a catalogue. ', 4)), md5(kind || source_id), false,
      lower(name), CASE kind WHEN 'category' THEN NULL ELSE lower(sku) END FROM made
    """,
    """
    INSERT INTO store_item (connector_id, tenant_id, kind, store_id, parent_id, tree_id, name_key, sku_key, fields,
                            hash)
    SELECT :id, :tenant, kind, source_id + 1000, 0, NULL, lower(name), lower(sku),
      jsonb_build_object('name', name, 'sku', sku), md5(kind || source_id) FROM made WHERE kind = 'product'
    """,
    """
    INSERT INTO relation (connector_id, tenant_id, store_hash, kind, source_id, storefront_id, store_id,
                          parent_store_id, created_here, fingerprints, parts, sent)
    SELECT :id, :tenant, :store, kind, source_id, s, source_id + 1000 + s * 10000000, parent_id + 1000, true,
      jsonb_build_object('text', md5(kind), 'price', md5(sku)), '{}', jsonb_build_object('name', name, 'sku', sku)
    FROM made, unnest(CASE kind WHEN 'category' THEN '{1,2}'::bigint[] ELSE '{0}' END) s
    """,
    """
    INSERT INTO item_status (connector_id, tenant_id, run_id, kind, source_id, storefront_id, outcome, code, message)
    SELECT :id, :tenant, CASE WHEN h % 1000 = 1 THEN CAST(:last AS bigint)
        ELSE :first + floor((:last - :first) * power(h % 10007 / 10007.0, 3))::bigint END, kind, source_id, s,
      outcome, CASE outcome WHEN 'failed' THEN
          CASE WHEN h % 97 = 0 THEN 'name_taken' ELSE 'refused_by_store' END
        WHEN 'rejected' THEN 'no_price' WHEN 'blocked' THEN 'product_failed'
        WHEN 'unchanged' THEN 'url_refused' END,
      CASE WHEN outcome IN ('failed', 'rejected', 'blocked') THEN 'The store refused it: 422 of product ' || source_id
      END
    FROM (SELECT *, CASE WHEN h % 200 < 120 THEN 'created' WHEN h % 200 < 188 THEN 'updated'
            WHEN h % 200 < 190 THEN 'disabled' WHEN h % 200 < 194 THEN 'failed' WHEN h % 200 < 198 THEN 'rejected'
            WHEN h % 200 < 199 THEN 'blocked' ELSE 'unchanged' END AS outcome FROM made) m,
      unnest(CASE kind WHEN 'category' THEN '{1,2}'::bigint[] ELSE '{0}' END) s
    """,
    """
    INSERT INTO item_history (connector_id, tenant_id, kind, source_id, storefront_id, run_id, outcome, code, message)
    SELECT connector_id, tenant_id, kind, source_id, storefront_id, run_id, outcome, code, message FROM item_status
    """,
)
