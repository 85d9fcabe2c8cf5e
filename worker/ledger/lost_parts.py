"""Pictures and custom fields of ours that somebody removed from products in the store by hand."""

from __future__ import annotations

from worker.ledger.session import Session
from worker.ledger.statement import text


def forget(session: Session, connector_id: int) -> list[int]:
    """Forget the parts that the last whole read did not find, so that they are made again; source ids of the products.

    Their groups count as never sent. It is asked of a forced refresh alone (decision 0009).
    """
    lost = {*_pictures(session, connector_id), *_custom_fields(session, connector_id)}
    return sorted(lost)


def _pictures(session: Session, connector_id: int) -> list[int]:
    rows = session.scalars(
        text("""
        WITH kept AS (
          SELECT l.source_id, coalesce(jsonb_object_agg(p.key, p.value) FILTER (WHERE EXISTS (
              SELECT FROM jsonb_array_elements(s.fields -> 'images') i WHERE i -> 0 = p.value -> 0)), '{}') AS images
          FROM relation l
          JOIN store_item s ON s.connector_id = l.connector_id AND s.kind = l.kind AND s.store_id = l.store_id
          CROSS JOIN jsonb_each(l.parts -> 'images') p
          WHERE l.connector_id = (SELECT :id) AND l.kind = (SELECT 'product')
          GROUP BY l.source_id
        )
        UPDATE relation l SET parts = jsonb_set(l.parts, '{images}', k.images),
          fingerprints = l.fingerprints - 'images'
        FROM kept k WHERE l.connector_id = (SELECT :id) AND l.kind = (SELECT 'product') AND l.source_id = k.source_id
          AND l.parts -> 'images' <> k.images
        RETURNING l.source_id
        """),
        {"id": connector_id},
    )
    return list(rows)


def _custom_fields(session: Session, connector_id: int) -> list[int]:
    rows = session.scalars(
        text("""
        WITH kept AS (
          SELECT l.source_id, coalesce(jsonb_agg(p.value) FILTER (WHERE EXISTS (
              SELECT FROM jsonb_array_elements(s.fields -> 'custom_fields') f WHERE f -> 2 = p.value -> 2)), '[]')
              AS custom_fields, count(*) AS ours
          FROM relation l
          JOIN store_item s ON s.connector_id = l.connector_id AND s.kind = l.kind AND s.store_id = l.store_id
          CROSS JOIN jsonb_array_elements(l.parts -> 'custom_fields') p
          WHERE l.connector_id = (SELECT :id) AND l.kind = (SELECT 'product')
          GROUP BY l.source_id
        )
        UPDATE relation l SET parts = jsonb_set(l.parts, '{custom_fields}', k.custom_fields),
          fingerprints = l.fingerprints - 'custom_fields'
        FROM kept k WHERE l.connector_id = (SELECT :id) AND l.kind = (SELECT 'product') AND l.source_id = k.source_id
          AND jsonb_array_length(k.custom_fields) < k.ours
        RETURNING l.source_id
        """),
        {"id": connector_id},
    )
    return list(rows)
