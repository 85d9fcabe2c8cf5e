"""Which products are related, and who has to be told again."""

from __future__ import annotations

from collections.abc import Iterable

from worker.catalog.items import Key
from worker.catalog.values import key
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text


def linked(session: Session, connector_id: int, references: Iterable[str]) -> dict[str, int]:
    """Reference -> store id, for the products that are in the store: one of this SKU, else one of this source id."""
    table, parameters = rows_of({"reference": "text", "key": "text"}, [(one, key(one)) for one in references])
    rows = session.execute(
        text(f"""
        WITH asked AS (SELECT * FROM {table}), named AS (
          SELECT a.reference, i.source_id, 1 AS rank FROM asked a
            JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product')
              AND i.sku_key = a.key
            WHERE NOT i.gone
          UNION ALL
          SELECT a.reference, i.source_id, 2 FROM asked a
            JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product')
              AND i.source_id = CASE WHEN a.key ~ '^[0-9]{{1,18}}$' THEN CAST(a.key AS bigint) END
            WHERE NOT i.gone
        )
        SELECT DISTINCT ON (n.reference) n.reference, l.store_id FROM named n
          JOIN relation l ON l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'product')
            AND l.source_id = n.source_id
        ORDER BY n.reference, n.rank, n.source_id
        """),  # noqa: S608 constant names
        {"connector": connector_id, **parameters},
    )
    return {row[0]: row[1] for row in rows}


def healed(session: Session, connector_id: int, *, after: int, limit: int) -> list[int]:
    """The next products that were told without somebody who is linked now or about to be created, by id."""
    rows = session.scalars(
        text("""
        WITH lacking AS MATERIALIZED (
          SELECT l.source_id, m.key FROM relation l
            CROSS JOIN LATERAL jsonb_array_elements_text(l.parts -> 'related' -> 'missing') m (key)
          WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'product') AND l.source_id > :after
        ), lacked AS MATERIALIZED (SELECT DISTINCT key FROM lacking), named AS (
          SELECT k.key, i.source_id FROM lacked k
            JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product')
              AND i.sku_key = k.key
            WHERE NOT i.gone
          UNION ALL
          SELECT k.key, i.source_id FROM lacked k
            JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product')
              AND i.source_id = CASE WHEN k.key ~ '^[0-9]{1,18}$' THEN CAST(k.key AS bigint) END
            WHERE NOT i.gone
        ), come AS MATERIALIZED (
          SELECT DISTINCT n.key FROM named n
            JOIN relation o ON o.connector_id = (SELECT :connector) AND o.kind = (SELECT 'product')
              AND o.source_id = n.source_id
          UNION
          SELECT DISTINCT n.key FROM named n
            JOIN pending_change p ON p.connector_id = (SELECT :connector) AND p.kind = (SELECT 'product')
              AND p.source_id = n.source_id AND p.action = 'create'
        )
        SELECT DISTINCT l.source_id FROM lacking l JOIN come USING (key)
          JOIN source_item own ON own.connector_id = (SELECT :connector) AND own.kind = (SELECT 'product')
            AND own.source_id = l.source_id AND NOT own.gone AND own.refused IS NULL
        WHERE NOT EXISTS (SELECT FROM pending_change p WHERE p.connector_id = (SELECT :connector)
          AND p.kind = (SELECT 'product') AND p.source_id = l.source_id AND p.action = 'relate')
        ORDER BY 1 LIMIT :limit
        """),
        {"connector": connector_id, "after": after, "limit": limit},
    )
    return list(rows)


def unsettle(session: Session, connector_id: int, keys: Iterable[Key]) -> None:
    """These items are about to be forgotten: who is related to them has to be told anew, and is due for it."""
    values = [(one.kind.value, one.source_id) for one in keys]
    if not values:
        return
    table, parameters = rows_of({"kind": "text", "source_id": "bigint"}, values)
    session.execute(
        text(f"""
        WITH lost AS (
          SELECT DISTINCT l.store_id FROM relation l JOIN {table} USING (kind, source_id)
          WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'product')
        ), told AS (
          UPDATE relation l SET fingerprints = l.fingerprints - 'related'
          WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT 'product') AND EXISTS (
            SELECT FROM jsonb_array_elements(l.parts -> 'related' -> 'ids') o (id) JOIN lost
              ON lost.store_id = CAST(o.id AS bigint))
          RETURNING l.source_id
        )
        UPDATE source_item i SET due = true FROM told
        WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product') AND i.source_id = told.source_id
          AND NOT i.gone
        """),  # noqa: S608 constant names
        {"connector": connector_id, **parameters},
    )
