"""The items behind a run's plan while they are pending: what an approval is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.vocabulary import Action, ItemKind
from worker.ledger.item_register import Shown
from worker.ledger.register import storefront_names
from worker.ledger.session import Session
from worker.ledger.statement import text

Place = tuple[int, int, int]
"""Where an item stands in the listing: the product with which it is created (0 = by itself), its id, its storefront."""
BEFORE_ALL: Place = (0, 0, -1)


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """An item of which a change is pending."""

    kind: str
    source_id: int
    storefront_id: int
    storefront: str
    name: str | None
    reference: str | None
    groups: tuple[str, ...]
    """The groups of fields that the change sends; none where it sends no field."""
    place: Place


def items(
    session: Session,
    connector_id: int,
    run_id: int,
    kind: ItemKind,
    action: Action,
    *,
    storefront: int | None = None,
    shown: Mapping[ItemKind, Shown] | None = None,
    after: Place = BEFORE_ALL,
    limit: int = 100,
) -> list[PlannedItem]:
    """The items of this kind to which the run is still to do this, a product's new variants after those by themselves.

    It is empty once all is sent: what came of the items is their status then.
    """
    columns = (shown or {}).get(kind, Shown())
    inline = _INLINE if kind is ItemKind.VARIANT and action is Action.CREATE else ""
    rows = session.execute(
        text(_ITEMS.format(inline=inline)),
        {
            "connector": connector_id,
            "run": run_id,
            "kind": kind.value,
            "action": action.value,
            "storefront": storefront,
            "family": after[0],
            "id": after[1],
            "at": after[2],
            "name": columns.name,
            "sku": columns.sku,
            "limit": limit,
        },
    )
    names = storefront_names(session, connector_id)
    return [
        PlannedItem(
            kind.value,
            row.source_id,
            row.storefront_id,
            names.get(row.storefront_id, str(row.storefront_id)),
            row.name,
            row.reference,
            tuple(row.groups) if action in (Action.CREATE, Action.UPDATE) else (),
            (row.family, row.source_id, row.storefront_id),
        )
        for row in rows
    ]


# A product is created with its variants in it: they have no change of their own.
_INLINE = """
    UNION ALL (
      SELECT p.source_id, CAST(v ->> 'source_id' AS bigint), CAST(0 AS bigint) FROM pending_change p
      CROSS JOIN LATERAL jsonb_array_elements(p.payload -> 'variants') v
      WHERE p.connector_id = (SELECT :connector) AND p.run_id = (SELECT :run) AND p.kind = (SELECT 'product')
        AND p.action = 'create' AND p.source_id >= :family
        AND (p.source_id, CAST(v ->> 'source_id' AS bigint), CAST(0 AS bigint)) > (:family, :id, :at)
        AND (CAST(:storefront AS bigint) IS NULL OR :storefront = 0)
      ORDER BY 1, 2 LIMIT :limit)
"""
_ITEMS = """
    WITH planned AS MATERIALIZED (
      SELECT * FROM (
        (SELECT CAST(0 AS bigint) AS family, p.source_id, p.storefront_id FROM pending_change p
         WHERE p.connector_id = (SELECT :connector) AND p.run_id = (SELECT :run) AND p.kind = (SELECT :kind)
           AND p.action = :action AND :family = 0 AND (p.source_id, p.storefront_id) > (:id, :at)
           AND (CAST(:storefront AS bigint) IS NULL OR p.storefront_id = :storefront)
         ORDER BY p.source_id, p.storefront_id LIMIT :limit)
        {inline}
      ) c ORDER BY family, source_id, storefront_id LIMIT :limit
    )
    SELECT c.*, ARRAY(SELECT jsonb_object_keys(p.payload -> 'fingerprints') ORDER BY 1) AS groups,
      i.cells ->> CAST(:name AS text) AS name,
      coalesce(i.cells ->> CAST(:sku AS text), i.cells ->> 'REF') AS reference
    FROM planned c
    LEFT JOIN LATERAL (SELECT payload FROM pending_change p WHERE p.connector_id = (SELECT :connector)
      AND p.kind = (SELECT :kind) AND p.source_id = c.source_id AND p.storefront_id = c.storefront_id
      AND p.action = :action LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT cells FROM source_item i WHERE i.connector_id = (SELECT :connector)
      AND i.kind = (SELECT :kind) AND i.source_id = c.source_id LIMIT 1) i ON true
    ORDER BY c.family, c.source_id, c.storefront_id
"""
