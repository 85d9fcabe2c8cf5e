"""What a run has written: how much of the store is ours by now, and a sample to read back."""

from __future__ import annotations

from models.vocabulary import ItemKind, Outcome
from worker.catalog.items import Key
from worker.ledger.session import Session
from worker.ledger.statement import text

_WRITTEN = [Outcome.CREATED.value, Outcome.UPDATED.value, Outcome.DISABLED.value]


def products(session: Session, connector_id: int, run_id: int, *, limit: int) -> list[int]:
    """Products that the run has written, or variants of theirs; drawn, and the same for one run however often asked."""
    rows = session.scalars(
        text("""
        SELECT product FROM (
          SELECT s.source_id AS product FROM item_status s WHERE s.connector_id = (SELECT :connector)
            AND s.run_id = (SELECT :run) AND s.kind = (SELECT 'product') AND s.outcome = ANY(:written)
          UNION
          SELECT i.parent_id FROM item_status s JOIN source_item i USING (connector_id, kind, source_id)
          WHERE s.connector_id = (SELECT :connector) AND s.run_id = (SELECT :run) AND s.kind = (SELECT 'variant')
            AND s.outcome = ANY(:written)
        ) w WHERE product IN (SELECT l.source_id FROM relation l WHERE l.connector_id = (SELECT :connector)
          AND l.kind = (SELECT 'product'))
        ORDER BY hashint8extended(product, :run), product LIMIT :limit
        """),
        {"connector": connector_id, "run": run_id, "written": _WRITTEN, "limit": limit},
    )
    return list(rows)


def fresh_categories(session: Session, connector_id: int, run_id: int, *, seconds: float) -> set[Key]:
    """Categories that the run has written in the last so many seconds."""
    rows = session.execute(
        text("""
        SELECT source_id, storefront_id FROM item_status
        WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run) AND kind = (SELECT 'category')
          AND at > now() - make_interval(secs => :seconds)
        """),
        {"connector": connector_id, "run": run_id, "seconds": seconds},
    )
    return {Key(ItemKind.CATEGORY, row[0], row[1]) for row in rows}


def categories(session: Session, connector_id: int, run_id: int, *, limit: int) -> list[Key]:
    """Categories that the run has written, drawn likewise."""
    rows = session.execute(
        text("""
        SELECT source_id, storefront_id FROM item_status
        WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run) AND kind = (SELECT 'category')
          AND outcome = ANY(:written)
        ORDER BY hashint8extended(source_id, :run), source_id, storefront_id LIMIT :limit
        """),
        {"connector": connector_id, "run": run_id, "written": _WRITTEN, "limit": limit},
    )
    return [Key(ItemKind.CATEGORY, row[0], row[1]) for row in rows]


def variants_of(session: Session, connector_id: int, product_ids: list[int]) -> list[Key]:
    """The variants that the source has of these products."""
    rows = session.scalars(
        text(
            "SELECT source_id FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant')"
            " AND parent_id = ANY(:ids)"
        ),
        {"connector": connector_id, "ids": product_ids},
    )
    return [Key(ItemKind.VARIANT, source_id) for source_id in rows]


def linked_variants(session: Session, connector_id: int) -> int:
    """The variants that the store must have for our items, as its summary counts: a product without any counts one."""
    return int(
        session.scalar(
            text("""
            SELECT coalesce(sum(greatest(1, v.count)), 0) FROM relation p LEFT JOIN (
              SELECT parent_store_id, count(*) AS count FROM relation
              WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant') GROUP BY 1
            ) v ON v.parent_store_id = p.store_id
            WHERE p.connector_id = (SELECT :connector) AND p.kind = (SELECT 'product')
            """),
            {"connector": connector_id},
        )
        or 0
    )
