"""Items that the next run compares with the store anew, as it did when they were linked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.vocabulary import ItemKind
from worker.ledger import source_items


def compare(session: Session, connector_id: int, kind: ItemKind, ids: Sequence[int]) -> None:
    """These items are due, and what was last sent of them counts no more: the next run sends what the source says.

    Three things stand. The stock, for what has been sold since is no difference. The option values, for to send them
    again would be to make a variant anew. And the picture of a category or variant that the store still has one of:
    sent again, it would be fetched again; those of products are known one by one.
    """
    source_items.make_due(session, connector_id, kind, ids)
    session.execute(
        text("""
        UPDATE relation l SET
          fingerprints = coalesce((
            SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(l.fingerprints) f
            WHERE f.key IN ('stock', 'options') OR (f.key = 'images' AND l.kind <> 'product' AND EXISTS (
              SELECT FROM store_item s WHERE s.connector_id = l.connector_id AND s.kind = l.kind
                AND s.store_id = l.store_id AND s.fields -> 'images' <> '[]'))), '{}'),
          -- A metafield without a mark of what was sent is written again, a picture that was refused is tried again.
          parts = CASE WHEN l.parts -> 'metafields' IS NULL THEN l.parts ELSE jsonb_set(l.parts, '{metafields}', (
            SELECT coalesce(jsonb_agg(jsonb_set(m, '{3}', '""')), '[]')
            FROM jsonb_array_elements(l.parts -> 'metafields') m)) END - 'refused_images'
        WHERE l.connector_id = (SELECT :connector) AND l.kind = (SELECT :kind) AND l.source_id = ANY(:ids)
        """),
        {"connector": connector_id, "kind": kind.value, "ids": list(ids)},
    )
