"""Item statuses as an operator looks for them, page by page.

A status is written when an item is touched. *Unchanged* is derived, as in
the books of a run: present at the source, shown on the storefront, without a
status of the last run that looked at everything, and without standing trouble.
Only where something is to be told of it (what it goes without), it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.vocabulary import ItemKind, Outcome
from worker.catalog.values import key
from worker.ledger.register import storefront_names

Place = tuple[str, int, int]
"""(kind, source id, storefront id), in which order items are listed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The mirror's columns that hold an item's name and its SKU."""

    name: str | None = None
    sku: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its last outcome on one storefront."""

    kind: str
    source_id: int
    storefront_id: int
    storefront: str
    reference: str | None
    name: str | None
    outcome: str
    code: str | None
    message: str | None
    answer: str | None
    run_id: int | None
    at: datetime | None

    @property
    def place(self) -> Place:
        """Where it stands in the listing; the next page begins after the last one's."""
        return (self.kind, self.source_id, self.storefront_id)


def items(
    session: Session,
    connector_id: int,
    *,
    shown: Mapping[ItemKind, Shown] | None = None,
    kind: ItemKind | None = None,
    outcome: Outcome | None = None,
    code: str | None = None,
    search: str | None = None,
    after: Place | None = None,
    limit: int = 100,
) -> list[Item]:
    """The items that have a status, or those that are unchanged, in the order of kind, id and storefront.

    `search` finds a part of a name, SKU or reference, or a source id.
    """
    columns = shown or {}
    parameters: dict[str, object] = {
        "connector": connector_id,
        "kind": kind,
        "outcome": outcome,
        "code": code,
        "limit": limit,
        "search": key(search),
        "after_kind": after and after[0],
        "after_id": after and after[1],
        "after_storefront": after and after[2],
    }
    for one in ItemKind:
        parameters[f"{one}_name"] = columns.get(one, Shown()).name
        parameters[f"{one}_sku"] = columns.get(one, Shown()).sku
    found = _UNCHANGED if outcome is Outcome.UNCHANGED else _TOLD
    rows = session.execute(text(f"WITH {found} {_LISTED}"), parameters)
    names = storefront_names(session, connector_id)
    return [
        Item(
            row.kind,
            row.source_id,
            row.storefront_id,
            names.get(row.storefront_id, str(row.storefront_id)),
            row.reference,
            row.name,
            row.outcome,
            row.code,
            row.message,
            row.answer,
            row.run_id,
            row.at,
        )
        for row in rows
    ]


_TOLD = """
    found AS (
      SELECT kind, source_id, storefront_id, outcome, code, message, answer, run_id, at FROM item_status
      WHERE connector_id = (SELECT :connector) AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
    )
"""

# The last run that looked at everything: it closed its books, or found nothing changed. A storefront shows
# the root that it is linked to with all that hangs below it, or the full tree.
_UNCHANGED = """
    RECURSIVE last AS (
      SELECT max(id) AS id FROM run WHERE connector_id = :connector AND listed
        AND state IN ('completed', 'completed_with_errors', 'unchanged')
    ), below AS (
      SELECT s.storefront_id, c.source_id FROM storefront s
      JOIN source_item c ON c.connector_id = s.connector_id AND c.kind = 'category' AND NOT c.gone
        AND (s.root_id IS NULL OR c.source_id = s.root_id)
      WHERE s.connector_id = (SELECT :connector)
      UNION
      SELECT b.storefront_id, c.source_id FROM below b
      JOIN source_item c ON c.connector_id = (SELECT :connector) AND c.kind = 'category' AND c.parent_id = b.source_id
        AND NOT c.gone
    ), present AS (
      SELECT 'category' AS kind, source_id, storefront_id FROM below
      UNION ALL
      SELECT kind, source_id, 0 FROM source_item
      WHERE connector_id = (SELECT :connector) AND kind IN ('product', 'variant') AND NOT gone
    ), found AS (
      SELECT p.kind, p.source_id, p.storefront_id, CAST(:outcome AS text) AS outcome,
             CASE s.outcome WHEN :outcome THEN s.code END AS code,
             CASE s.outcome WHEN :outcome THEN s.message END AS message, CAST(NULL AS text) AS answer, s.run_id, s.at
      FROM present p CROSS JOIN last
      LEFT JOIN item_status s ON s.connector_id = (SELECT :connector) AND s.kind = p.kind AND s.source_id = p.source_id
        AND s.storefront_id = p.storefront_id
      WHERE last.id IS NOT NULL
        AND (s.run_id IS NULL OR s.outcome = :outcome
          OR (s.run_id <> last.id AND s.outcome NOT IN ('rejected', 'failed', 'blocked')))
    )
"""

_LISTED = """
    SELECT f.*,
      i.cells ->> CASE f.kind WHEN 'category' THEN CAST(:category_name AS text)
        WHEN 'product' THEN CAST(:product_name AS text) ELSE CAST(:variant_name AS text) END AS name,
      coalesce(i.cells ->> CASE f.kind WHEN 'category' THEN CAST(:category_sku AS text)
        WHEN 'product' THEN CAST(:product_sku AS text) ELSE CAST(:variant_sku AS text) END,
        i.cells ->> 'REF') AS reference
    FROM found f
    LEFT JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = f.kind AND i.source_id = f.source_id
    WHERE (CAST(:kind AS text) IS NULL OR f.kind = :kind) AND (CAST(:code AS text) IS NULL OR f.code = :code)
      AND (CAST(:after_kind AS text) IS NULL
        OR (f.kind, f.source_id, f.storefront_id)
          > (:after_kind, CAST(:after_id AS bigint), CAST(:after_storefront AS bigint)))
      AND (CAST(:search AS text) IS NULL OR position(:search IN coalesce(i.name_key, '')) > 0
        OR position(:search IN coalesce(i.sku_key, '')) > 0
        OR position(:search IN lower(coalesce(i.cells ->> 'REF', ''))) > 0 OR CAST(f.source_id AS text) = :search)
    ORDER BY f.kind, f.source_id, f.storefront_id LIMIT :limit
"""
