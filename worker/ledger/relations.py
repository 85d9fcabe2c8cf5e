"""Which store item is which source item, and what was last sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.items import Key
from worker.catalog.store import Relation
from worker.ledger import bulk
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text

_COLUMNS = {
    "kind": "text",
    "source_id": "bigint",
    "storefront_id": "bigint",
    "store_id": "bigint",
    "parent_store_id": "bigint",
    "created_here": "boolean",
    "enabled": "boolean",
    "fingerprints": "jsonb",
    "parts": "jsonb",
    "sent": "jsonb",
}


def remember(
    session: Session,
    tenant_id: int,
    connector_id: int,
    store_hash: str,
    relations: Sequence[Relation],
    sent: Mapping[Key, Mapping[str, Any]] | None = None,
) -> list[Key]:
    """Keep new relations, and replace those of the same key; the keys whose store item belongs to somebody else.

    The database keeps a store item to one source item of one connector, across tenants (law 10).

    `sent`: the values that have just been sent of these items, by field; what was sent of others before stands.
    """
    if not relations:
        return []
    # A store item that two of them claim goes to the first: one statement may not meet a row twice.
    claimed: dict[tuple[ItemKind, int], Relation] = {}
    for relation in relations:
        claimed.setdefault((relation.key.kind, relation.store_id), relation)
    table, parameters = rows_of(_COLUMNS, [_row(relation, sent or {}) for relation in claimed.values()])
    keys = {"connector": connector_id}
    # A relation that moves to another store item gives the old one up first.
    session.execute(
        text(
            f"DELETE FROM relation l USING {table} WHERE l.connector_id = (SELECT :connector) AND l.kind = r.kind"  # noqa: S608
            " AND l.source_id = r.source_id AND l.storefront_id = r.storefront_id AND l.store_id <> r.store_id"
        ),
        {**keys, **parameters},
    )
    kept = session.execute(
        text(
            f"INSERT INTO relation AS l (connector_id, tenant_id, store_hash, {', '.join(_COLUMNS)})"  # noqa: S608
            f" SELECT :connector, :tenant, :store, r.* FROM {table}"
            " WHERE NOT EXISTS (SELECT FROM relation o WHERE o.store_hash = (SELECT :store) AND o.kind = r.kind"
            "   AND o.store_id = r.store_id AND o.connector_id = (SELECT :connector) AND (o.source_id, o.storefront_id)"
            "   <> (r.source_id, r.storefront_id))"
            " ON CONFLICT (store_hash, kind, store_id) DO UPDATE SET parent_store_id = excluded.parent_store_id,"
            " enabled = excluded.enabled, fingerprints = excluded.fingerprints, parts = excluded.parts,"
            " sent = CASE excluded.sent WHEN '{}' THEN l.sent ELSE l.sent || excluded.sent END"
            " WHERE l.connector_id = (SELECT :connector) AND l.source_id = excluded.source_id"
            "   AND l.storefront_id = excluded.storefront_id"
            " RETURNING kind, source_id, storefront_id"
        ),
        {**keys, "tenant": tenant_id, "store": store_hash, **parameters},
    )
    mine = {Key(ItemKind(row[0]), row[1], row[2]) for row in kept}
    return [relation.key for relation in relations if relation.key not in mine]


def _row(relation: Relation, sent: Mapping[Key, Mapping[str, Any]]) -> tuple[Any, ...]:
    return (
        relation.key.kind.value,
        relation.key.source_id,
        relation.key.storefront_id,
        relation.store_id,
        relation.parent_store_id,
        relation.created_here,
        relation.enabled,
        dict(relation.fingerprints),
        dict(relation.parts),
        dict(sent.get(relation.key, {})),
    )


_SELECT = (
    "SELECT kind, source_id, storefront_id, store_id, parent_store_id, created_here, enabled, fingerprints, parts"
    " FROM relation WHERE connector_id = (SELECT :connector)"
)


def of_families(
    session: Session, connector_id: int, product_ids: Iterable[int], variant_ids: Iterable[int]
) -> dict[Key, Relation]:
    """The relations of these products and variants."""
    rows = session.execute(
        text(
            f"{_SELECT} AND ((kind = (SELECT 'product') AND source_id = ANY(CAST(:products AS bigint[])))"
            " OR (kind = (SELECT 'variant') AND source_id = ANY(CAST(:variants AS bigint[]))))"
        ),
        {"connector": connector_id, "products": bulk.ids(product_ids), "variants": bulk.ids(variant_ids)},
    )
    return _by_key(rows)


def of(session: Session, connector_id: int, keys: Iterable[Key]) -> dict[Key, Relation]:
    """The relations of these keys."""
    wanted = list(keys)
    if not wanted:
        return {}
    table, parameters = rows_of(
        {"kind": "text", "source_id": "bigint", "storefront_id": "bigint"},
        [(key.kind.value, key.source_id, key.storefront_id) for key in wanted],
    )
    rows = session.execute(
        text(
            "SELECT l.kind, l.source_id, l.storefront_id, l.store_id, l.parent_store_id, l.created_here, l.enabled,"  # noqa: S608
            f" l.fingerprints, l.parts FROM relation l JOIN {table} USING (kind, source_id, storefront_id)"
            " WHERE l.connector_id = (SELECT :connector)"
        ),
        {"connector": connector_id, **parameters},
    )
    return _by_key(rows)


def of_categories(session: Session, connector_id: int) -> dict[Key, Relation]:
    """The relations of all categories; a store takes 16,000 of them at most."""
    return _by_key(session.execute(text(f"{_SELECT} AND kind = 'category'"), {"connector": connector_id}))


def _by_key(rows: Iterable[Any]) -> dict[Key, Relation]:
    found = {}
    for row in rows:
        key = Key(ItemKind(row[0]), row[1], row[2])
        found[key] = Relation(key, row[3], row[4], row[5], row[6], row[7], row[8])
    return found


def of_gone_categories(session: Session, connector_id: int) -> dict[tuple[int, int, str], int]:
    """(storefront, parent in the store, name as it is compared there) -> the category that is gone at the source."""
    rows = session.execute(
        text("""
        SELECT l.storefront_id, s.parent_id, s.name_key, l.source_id
        FROM relation l JOIN source_item i USING (connector_id, kind, source_id)
        JOIN store_item s ON s.connector_id = l.connector_id AND s.kind = l.kind AND s.store_id = l.store_id
        WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'category') AND i.gone
          AND s.name_key IS NOT NULL
        """),
        {"connector": connector_id},
    )
    return {(row[0], row[1] or 0, row[2]): row[3] for row in rows}


def pass_on(session: Session, connector_id: int, heirs: Mapping[Key, int]) -> None:
    """Each of these items takes over the relation of the item of its kind and storefront with this source id."""
    if not heirs:
        return
    table, parameters = rows_of(
        {"kind": "text", "source_id": "bigint", "storefront_id": "bigint", "before": "bigint"},
        [(one.kind.value, one.source_id, one.storefront_id, before) for one, before in heirs.items()],
    )
    session.execute(
        text(
            f"UPDATE relation l SET source_id = r.source_id FROM {table}"  # noqa: S608
            " WHERE l.connector_id = (SELECT :connector) AND l.kind = r.kind AND l.source_id = r.before"
            " AND l.storefront_id = r.storefront_id"
        ),
        {"connector": connector_id, **parameters},
    )


def storefronts(session: Session, connector_id: int) -> frozenset[int]:
    """The storefronts where we have categories, linked or not."""
    rows = session.scalars(
        text(
            "SELECT DISTINCT storefront_id FROM relation"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'category')"
        ),
        {"connector": connector_id},
    )
    return frozenset(rows)


def enabled(session: Session, connector_id: int) -> dict[ItemKind, int]:
    """How many linked items of each kind the store shows, a category once for each storefront."""
    rows = session.execute(
        text("SELECT kind, count(*) FROM relation WHERE connector_id = (SELECT :id) AND enabled GROUP BY kind"),
        {"id": connector_id},
    )
    return {ItemKind(row[0]): row[1] for row in rows}


def holding(session: Session, connector_id: int, kind: ItemKind, keys: Iterable[str]) -> set[int]:
    """Store ids that items of ours are linked to under one of these names or SKUs, at the source or in the store."""
    return set(
        session.scalars(
            text("""
            SELECT l.store_id FROM relation l JOIN source_item i USING (connector_id, kind, source_id)
            WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT :kind)
              AND (i.name_key = ANY(:keys) OR i.sku_key = ANY(:keys))
            UNION
            SELECT l.store_id FROM relation l JOIN store_item s USING (connector_id, kind, store_id)
            WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT :kind)
              AND (s.name_key = ANY(:keys) OR s.sku_key = ANY(:keys))
            """),
            {"connector": connector_id, "kind": kind.value, "keys": list(keys)},
        )
    )


@dataclass(frozen=True, slots=True)
class Vanished:
    """A relation whose store item is not in the store any more."""

    key: Key
    store_id: int


def vanished(session: Session, connector_id: int) -> list[Vanished]:
    """The relations whose store item the last whole read did not find: removed there by hand.

    The categories of a storefront that is not linked any more were not read, and are not missed.
    """
    rows = session.execute(
        text(
            "SELECT l.kind, l.source_id, l.storefront_id, l.store_id FROM relation l"
            " WHERE l.connector_id = (SELECT :id) AND NOT EXISTS (SELECT FROM store_item s"
            "   WHERE s.connector_id = l.connector_id AND s.kind = l.kind AND s.store_id = l.store_id)"
            " AND (l.kind <> 'category' OR l.storefront_id IN"
            "   (SELECT f.storefront_id FROM storefront f WHERE f.connector_id = l.connector_id))"
        ),
        {"id": connector_id},
    )
    return [Vanished(Key(ItemKind(row[0]), row[1], row[2]), row[3]) for row in rows]


def forget(session: Session, connector_id: int, keys: Iterable[Key]) -> None:
    """Drop the relations of these keys; the products of lost categories have to be told their categories anew."""
    keys = list(keys)
    values = [(key.kind.value, key.source_id, key.storefront_id) for key in keys]
    if not values:
        return
    table, parameters = rows_of({"kind": "text", "source_id": "bigint", "storefront_id": "bigint"}, values)
    session.execute(
        text(
            f"DELETE FROM relation l USING {table} WHERE l.connector_id = (SELECT :connector) AND l.kind = r.kind"  # noqa: S608
            " AND l.source_id = r.source_id AND l.storefront_id = r.storefront_id"
        ),
        {"connector": connector_id, **parameters},
    )
    unsettle_products_in(session, connector_id, {key.source_id for key in keys if key.kind is ItemKind.CATEGORY})


def unsettle_products_in(session: Session, connector_id: int, category_ids: Iterable[int]) -> None:
    """Products in these source categories have to be told their categories anew, and are due for it."""
    ids = list(category_ids)
    if not ids:
        return
    session.execute(
        text("""
        WITH touched AS (
          UPDATE source_item i SET due = true
          WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product') AND NOT i.gone AND EXISTS (
            SELECT FROM jsonb_array_elements(i.cells -> 'ID_catalogue') c
            WHERE CAST(c AS bigint) = ANY(CAST(:ids AS bigint[])))
          RETURNING i.source_id
        )
        UPDATE relation l SET fingerprints = l.fingerprints - 'categories' FROM touched t
        WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'product') AND l.source_id = t.source_id
        """),
        {"connector": connector_id, "ids": bulk.ids(ids)},
    )
