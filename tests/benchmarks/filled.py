"""A database with two connectors of 20,000 products and 100,000 variants each, in three states of its statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.stage.database import migrate
from worker.catalog import changes
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.session import engine as engine_of

PRODUCTS = 20_000
VARIANTS_EACH = 5
VARIANTS = PRODUCTS * VARIANTS_EACH
CATEGORIES = 500
STOREFRONT = 1
FREE = 10
"""Every tenth product and every tenth variant is in the store, and nothing is linked to it yet."""
STORE_ID_OF = {ItemKind.CATEGORY: 1_000_000, ItemKind.PRODUCT: 2_000_000, ItemKind.VARIANT: 3_000_000}
"""Where the store ids of a kind begin, counted from `FAR`."""
FAR = 20_000_000
LIFTED = "SET LOCAL statement_timeout = 0"
BOOKS = ("source_item", "item_text", "item_count", "item_history",
         "source_staged", "source_page", "store_item", "store_page", "relation", "item_status",
         "pending_change", "announced")  # fmt: skip


class Known(StrEnum):
    """What Postgres knows of the tables when the queries are asked."""

    NOTHING = "nothing"
    OTHERS = "others"
    """The tables were analysed before the connector's rows came: what is known is of another tenant's."""
    EARLY = "early"
    """The tables were analysed when the first tenant's categories were in, and nothing else."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled connector with the run that it is in."""

    engine: Engine
    tenant_id: int
    id: int
    run_id: int
    store_hash: str


@contextmanager
def databases() -> Iterator[dict[Known, Filled]]:
    """The same rows three times; nothing is analysed but by us."""
    with EmbeddedPostgres(
        durable=False, in_memory=False, settings={"autovacuum": "off", "max_wal_size": "4GB"}
    ) as server:
        server.create_database("migrated")
        migrate(server.url("migrated", "owner"))
        for known in (Known.NOTHING, Known.OTHERS):
            server.clone("migrated", known)
            engine = engine_of(server.url(known))
            _fill(engine, 1)
            if known is Known.OTHERS:
                _analyse(server, known)
            _fill(engine, 2)
            engine.dispose()
        server.clone("migrated", Known.EARLY)
        engine = engine_of(server.url(Known.EARLY))
        _fill(engine, 2, between=lambda: _analyse(server, Known.EARLY))
        engine.dispose()
        server.clone(Known.NOTHING, Known.ALL)
        _analyse(server, Known.ALL)
        opened = {known: engine_of(server.url(known), pool=1) for known in Known}
        yield {known: _found(engine) for known, engine in opened.items()}
        for engine in opened.values():
            engine.dispose()


def _analyse(server: EmbeddedPostgres, database: str) -> None:
    owner = engine_of(server.url(database, "owner"))
    with owner.begin() as connection:
        connection.execute(text(LIFTED))
        connection.execute(text(f"ANALYZE {', '.join(BOOKS)}"))
    owner.dispose()


def _found(engine: Engine) -> Filled:
    """The second connector: the first one's rows were there before."""
    with as_scheduler(engine) as session:
        tenant_id, connector, store = session.execute(
            text("SELECT tenant_id, connector_id, store_hash FROM turn ORDER BY connector_id DESC LIMIT 1")
        ).one()
    with as_tenant(engine, tenant_id) as session:
        run_id = int(session.scalar(text("SELECT max(id) FROM run")) or 0)
    return Filled(engine, tenant_id, connector, run_id, store)


def _fill(engine: Engine, number: int, *, between: Callable[[], None] = lambda: None) -> None:
    """Fill a tenant's connector; `between` is done when its categories are in."""
    with as_tenant(engine, 0) as session:
        tenant_id = connectors.next_tenant_id(session)
    with as_tenant(engine, tenant_id) as session:
        connectors.add_tenant(session, tenant_id, name=f"tenant{number}", weight=1.0, max_slots=None)
        made = connectors.add(
            session, tenant_id, name="shop", store_hash=f"store{number}", profile=Profile(), first_check_in=3600.0
        )
        run_id = session.scalar(
            text("INSERT INTO run (tenant_id, connector_id, state, trigger) VALUES (:tenant, :id, 'preparing', 'check')"
                 " RETURNING id"),
            {"tenant": tenant_id, "id": made},
        )  # fmt: skip
    given = {
        "tenant": tenant_id, "id": made, "run": run_id, "store": f"store{number}", "far": FAR,
        "categories": CATEGORIES, "products": PRODUCTS, "variants": VARIANTS, "each": VARIANTS_EACH, "free": FREE,
        "storefront": STOREFRONT,
        "product_change": _payload(ItemKind.PRODUCT), "variant_change": _payload(ItemKind.VARIANT),
    }  # fmt: skip
    _insert(engine, tenant_id, given, "kind = 'category'")
    between()
    _insert(engine, tenant_id, given, "kind <> 'category'")


def _insert(engine: Engine, tenant_id: int, given: Mapping[str, object], which: str) -> None:
    with as_tenant(engine, tenant_id) as session:
        session.execute(text(LIFTED))
        session.execute(text(f"{_ITEMS} WHERE {which}"), given)
        for statement in _ROWS:
            session.execute(text(statement), given)


def _payload(kind: ItemKind) -> str:
    return changes.to_json(changes.Disable(kind, 0))


_ITEMS = """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT *, source_id + :far + CASE kind WHEN 'category' THEN 1000000
      WHEN 'product' THEN 2000000 ELSE 3000000 END AS store_id, parent_id + :far + CASE kind WHEN 'variant' THEN 2000000
      ELSE 1000000 END AS parent_store_id, kind <> 'category' AND source_id % :free = 0 AS free FROM (
      SELECT 'category' AS kind, n AS source_id, n / 10 AS parent_id, CAST(:storefront AS bigint) AS storefront_id
        FROM generate_series(1, :categories) n
      UNION ALL SELECT 'product', n, 0, 0 FROM generate_series(1, :products) n
      UNION ALL SELECT 'variant', n, (n - 1) / :each + 1, 0 FROM generate_series(1, :variants) n) i
"""

_ROWS = (
    """
    INSERT INTO source_item (connector_id, tenant_id, kind, source_id, parent_id, cells, raw_hash, due, name_key,
                             sku_key)
    SELECT :id, :tenant, kind, source_id, parent_id, jsonb_build_object('NAME', kind || ' called ' || source_id,
        'TEXT', repeat('A text as they stand in a catalogue. ', 10),
        'ID_catalogue', jsonb_build_array(source_id % :categories + 1)), md5(kind || source_id), true,
      CASE kind WHEN 'variant' THEN NULL ELSE kind || ' called ' || source_id END,
      CASE kind WHEN 'category' THEN NULL ELSE left(kind, 1) || '-' || source_id END FROM made
    """,
    """
    INSERT INTO source_page (connector_id, tenant_id, page, kind, seen)
    SELECT :id, :tenant, source_id / 1000, kind, array_agg(source_id) FROM made WHERE source_id % 100 <> 7
    GROUP BY source_id / 1000, kind
    """,
    """
    INSERT INTO source_staged (connector_id, tenant_id, kind, source_id, parent_id, cells, raw_hash, gone)
    SELECT :id, :tenant, kind, source_id, parent_id, jsonb_build_object('TEXT', 'Another one'), md5(kind), false
    FROM made
    """,
    """
    INSERT INTO store_item (connector_id, tenant_id, kind, store_id, parent_id, tree_id, name_key, sku_key, fields,
                            hash)
    SELECT :id, :tenant, kind, store_id, parent_store_id, CASE kind WHEN 'category' THEN 1 END,
      CASE kind WHEN 'variant' THEN NULL ELSE kind || ' called ' || source_id END,
      CASE kind WHEN 'category' THEN NULL ELSE left(kind, 1) || '-' || source_id END,
      jsonb_build_object('name', kind || ' called ' || source_id,
        'description', repeat('A text as they stand in a store. ', 10)), md5(kind || source_id) FROM made
    """,
    """
    INSERT INTO store_page (connector_id, tenant_id, page, kind, seen)
    SELECT :id, :tenant, source_id / 250, kind, array_agg(store_id) FROM made WHERE source_id % 100 <> 7
    GROUP BY source_id / 250, kind
    """,
    """
    INSERT INTO relation (connector_id, tenant_id, store_hash, kind, source_id, storefront_id, store_id,
                          parent_store_id, created_here, fingerprints, parts)
    SELECT :id, :tenant, :store, kind, source_id, storefront_id, store_id, parent_store_id, true,
      jsonb_build_object('text', md5(kind), 'categories', md5('c'), 'related', md5('r')),
      CASE WHEN kind <> 'product' THEN '{}' ELSE jsonb_build_object('related', jsonb_build_object(
        'ids', jsonb_build_array(store_id + 1), 'missing', CASE WHEN source_id % 50 <> 0 THEN '[]'
          ELSE jsonb_build_array('p-' || source_id + 1) END)) END
    FROM made WHERE NOT free
    """,
    """
    INSERT INTO item_status (connector_id, tenant_id, run_id, kind, source_id, storefront_id, outcome, code, message)
    SELECT :id, :tenant, CASE WHEN source_id % 20 = 0 THEN 0 ELSE CAST(:run AS bigint) END, kind, source_id,
      storefront_id, CASE WHEN source_id % 20 = 0 THEN 'failed' ELSE 'created' END,
      CASE WHEN source_id % 20 = 0 THEN 'refused_by_store' END, CASE WHEN source_id % 20 = 0 THEN 'No.' END
    FROM made
    """,
    """
    INSERT INTO pending_change (connector_id, tenant_id, run_id, kind, source_id, storefront_id, action, wave, payload)
    SELECT :id, :tenant, :run, kind, source_id, 0, 'disable', CASE kind WHEN 'product' THEN 100 ELSE 200 END,
      jsonb_set(CASE kind WHEN 'product' THEN CAST(:product_change AS jsonb) ELSE CAST(:variant_change AS jsonb) END,
        '{source_id}', to_jsonb(source_id))
    FROM made WHERE kind <> 'category' ORDER BY kind, source_id
    """,
    """
    INSERT INTO announced (connector_id, tenant_id, run_id, kind, storefront_id, ids)
    SELECT :id, :tenant, :run, kind, 0, array_agg(source_id) FROM made WHERE kind <> 'category'
    GROUP BY kind, source_id / 200
    """,
)
