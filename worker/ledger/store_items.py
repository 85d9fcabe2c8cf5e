"""What the store holds, as it was last read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.store import Candidate, StoreRow
from worker.ledger import bulk
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text

_COLUMNS = {
    "store_id": "bigint",
    "parent_id": "bigint",
    "tree_id": "bigint",
    "name_key": "text",
    "sku_key": "text",
    "fields": "jsonb",
    "hash": "text",
    "read_as": "text",
}


def as_read(session: Session, connector_id: int, product_ids: Sequence[int]) -> dict[int, str]:
    """Product -> the hash of the raw row that it was last read from, of those that were."""
    rows = session.execute(
        text(
            "SELECT store_id, read_as FROM store_item WHERE connector_id = (SELECT :connector)"
            " AND kind = (SELECT 'product') AND store_id = ANY(CAST(:ids AS bigint[])) AND read_as IS NOT NULL"
        ),
        {"connector": connector_id, "ids": bulk.ids(product_ids)},
    )
    return {row[0]: row[1] for row in rows}


def keep(
    session: Session,
    tenant_id: int,
    connector_id: int,
    page: int,
    rows: Sequence[StoreRow],
    as_they_were: Mapping[ItemKind, Sequence[int]] | None = None,
) -> None:
    """Keep a page of the store; rows that are as they were are not written again.

    `as_they_were`: ids that the page also holds, whose rows are known to be what they were without being read.
    """
    for kind in ItemKind:
        of_kind = {row.store_id: row for row in rows if row.kind is kind}
        seen = list(dict.fromkeys([*of_kind, *(as_they_were or {}).get(kind, ())]))
        if not seen:
            continue
        known = {
            row[0]: (row[1], row[2])
            for row in session.execute(
                text(
                    "SELECT store_id, hash, read_as FROM store_item WHERE connector_id = (SELECT :connector)"
                    " AND kind = (SELECT :kind) AND store_id = ANY(CAST(:ids AS bigint[]))"
                ),
                {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(of_kind)},
            )
        }
        changed = [row for row in of_kind.values() if known.get(row.store_id) != (row.hash, row.read_as)]
        _write(session, tenant_id, connector_id, kind, changed)
        session.execute(
            text(
                "INSERT INTO store_page (connector_id, page, kind, tenant_id, seen)"
                " VALUES (:connector, :page, :kind, :tenant, :seen)"
                " ON CONFLICT (connector_id, page, kind) DO UPDATE SET seen = excluded.seen"
            ),
            {"connector": connector_id, "page": page, "kind": kind.value, "tenant": tenant_id, "seen": seen},
        )


def _write(session: Session, tenant_id: int, connector_id: int, kind: ItemKind, rows: Iterable[StoreRow]) -> None:
    values = [
        (r.store_id, r.parent_id, r.tree_id, r.name_key, r.sku_key, dict(r.fields), r.hash, r.read_as) for r in rows
    ]
    if not values:
        return
    table, parameters = rows_of(_COLUMNS, values)
    replaced = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "store_id")
    session.execute(
        text(
            f"INSERT INTO store_item (connector_id, kind, tenant_id, {', '.join(_COLUMNS)})"  # noqa: S608 constants
            f" SELECT :connector, :kind, :tenant, r.* FROM {table}"
            f" ON CONFLICT (connector_id, kind, store_id) DO UPDATE SET {replaced}"
        ),
        {"connector": connector_id, "kind": kind.value, "tenant": tenant_id, **parameters},
    )


def begin_read(session: Session, connector_id: int) -> None:
    """A new read begins: no page of it is there yet."""
    session.execute(text("DELETE FROM store_page WHERE connector_id = (SELECT :id)"), {"id": connector_id})


def finish_read(session: Session, connector_id: int) -> int:
    """All pages are there: what was not seen is no longer in the store; how many went."""
    gone = session.execute(
        text("""
        DELETE FROM store_item i USING (
          SELECT kind, store_id FROM store_item WHERE connector_id = (SELECT :id)
          EXCEPT SELECT kind, unnest(seen) FROM store_page WHERE connector_id = (SELECT :id)
        ) missing
        WHERE i.connector_id = (SELECT :id) AND i.kind = missing.kind AND i.store_id = missing.store_id
        RETURNING 1
        """),
        {"id": connector_id},
    ).all()
    begin_read(session, connector_id)
    session.execute(text("UPDATE mirror SET store_read_at = now() WHERE connector_id = :id"), {"id": connector_id})
    return len(gone)


def load(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> dict[int, StoreRow]:
    """Store id -> what the store holds, of these ids."""
    rows = session.execute(
        text(
            "SELECT kind, store_id, parent_id, tree_id, name_key, sku_key, fields, hash FROM store_item"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND store_id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(ids)},
    )
    return {row.store_id: StoreRow(ItemKind(row[0]), *row[1:]) for row in rows}


def urls(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> dict[int, str]:
    """Store id -> path, of these ids, where the store's item has one."""
    rows = session.execute(
        text(
            "SELECT store_id, fields ->> 'url' FROM store_item"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND store_id = ANY(CAST(:ids AS bigint[]))"
            " AND fields ->> 'url' IS NOT NULL"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(ids)},
    )
    return {row[0]: row[1] for row in rows}


def variants_of(session: Session, connector_id: int, product_store_id: int) -> list[StoreRow]:
    """All variants of a product that the store holds, others' included."""
    rows = session.execute(
        text(
            "SELECT kind, store_id, parent_id, tree_id, name_key, sku_key, fields, hash FROM store_item"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant') AND parent_id = :product"
        ),
        {"connector": connector_id, "product": product_store_id},
    )
    return [StoreRow(ItemKind(row[0]), *row[1:]) for row in rows]


def count(session: Session, connector_id: int, kind: ItemKind) -> int:
    """How many items of this kind the store holds, of categories those of the linked trees."""
    found = session.scalar(
        text("SELECT count(*) FROM store_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"),
        {"connector": connector_id, "kind": kind.value},
    )
    return int(found or 0)


def any_of(session: Session, connector_id: int, kind: ItemKind) -> bool:
    """Whether the store holds anything of this kind that no relation names yet."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM store_item s WHERE s.connector_id = (SELECT :connector)"  # noqa: S608 constant
                f" AND s.kind = (SELECT :kind) AND {_FREE})"
            ),
            {"connector": connector_id, "kind": kind.value},
        )
    )


_FREE = """NOT EXISTS (SELECT FROM relation o WHERE o.connector_id = s.connector_id AND o.kind = s.kind
           AND o.store_id = s.store_id)"""


def product_candidates(session: Session, connector_id: int, *, after: int, limit: int) -> dict[int, list[Candidate]]:
    """Unlinked products (by id, after `after`) -> free store products with their SKU or name."""
    rows = session.execute(
        text(f"""
        WITH unlinked AS (
          SELECT i.source_id, i.name_key, i.sku_key FROM source_item i
          WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product') AND NOT i.gone
            AND i.refused IS NULL AND i.source_id > :after AND NOT EXISTS (
              SELECT FROM relation l WHERE l.connector_id = i.connector_id AND l.kind = (SELECT 'product')
                AND l.source_id = i.source_id)
          ORDER BY i.source_id LIMIT :limit
        )
        SELECT u.source_id, s.store_id, s.sku_key = u.sku_key AS same_sku, s.name_key = u.name_key AS same_name,
               s.fields ->> 'name' AS name, s.fields ->> 'sku' AS sku
        FROM unlinked u LEFT JOIN LATERAL (
          SELECT * FROM store_item s WHERE s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'product')
            AND s.sku_key = u.sku_key AND u.sku_key <> '' AND {_FREE}
          UNION
          SELECT * FROM store_item s WHERE s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'product')
            AND s.name_key = u.name_key AND u.name_key <> '' AND {_FREE}
        ) s ON true ORDER BY u.source_id
        """),  # noqa: S608 constant
        {"connector": connector_id, "after": after, "limit": limit},
    )
    return _grouped(rows)


def variant_candidates(session: Session, connector_id: int, *, after: int, limit: int) -> dict[int, list[Candidate]]:
    """Unlinked variants (by id, after `after`) of linked products -> free store variants with their SKU there."""
    rows = session.execute(
        text(f"""
        WITH unlinked AS (
          SELECT i.source_id, i.sku_key, p.store_id AS product FROM source_item i
          LEFT JOIN relation p ON p.connector_id = i.connector_id AND p.kind = (SELECT 'product')
            AND p.source_id = i.parent_id
          WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'variant') AND NOT i.gone
            AND i.refused IS NULL AND i.source_id > :after AND NOT EXISTS (
              SELECT FROM relation l WHERE l.connector_id = i.connector_id AND l.kind = (SELECT 'variant')
                AND l.source_id = i.source_id)
          ORDER BY i.source_id LIMIT :limit
        )
        SELECT u.source_id, s.store_id, true AS same_sku, false AS same_name, '' AS name, s.fields ->> 'sku' AS sku
        FROM unlinked u LEFT JOIN store_item s ON s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'variant')
          AND s.parent_id = u.product AND s.sku_key = u.sku_key AND {_FREE} ORDER BY u.source_id
        """),  # noqa: S608 constant
        {"connector": connector_id, "after": after, "limit": limit},
    )
    return _grouped(rows)


def category_candidates(
    session: Session, connector_id: int, *, tree_id: int, wanted: Sequence[tuple[int, int, str]]
) -> dict[int, list[Candidate]]:
    """Source categories, given as (id, parent in the store, name key) -> free categories of that name there."""
    if not wanted:
        return {}
    table, parameters = rows_of({"source_id": "bigint", "parent": "bigint", "name_key": "text"}, wanted)
    rows = session.execute(
        text(f"""
        SELECT r.source_id, s.store_id, false AS same_sku, true AS same_name, s.fields ->> 'name' AS name, '' AS sku
        FROM {table} LEFT JOIN store_item s ON s.connector_id = (SELECT :connector) AND s.kind = 'category'
          AND s.tree_id = :tree AND s.parent_id = r.parent AND s.name_key = r.name_key AND {_FREE}
        """),  # noqa: S608 constant
        {"connector": connector_id, "tree": tree_id, **parameters},
    )
    return _grouped(rows)


def _grouped(rows: Iterable[Any]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for row in rows:
        candidates = found.setdefault(row.source_id, [])
        if row.store_id is not None:
            candidates.append(
                Candidate(row.store_id, bool(row.same_sku), bool(row.same_name), row.name or "", row.sku or "")
            )
    return found
