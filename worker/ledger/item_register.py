"""Item statuses as people look for them, page by page, in the order of kind, id and storefront.

A status is written when an item is touched. *Unchanged* is derived, as in
the books of a run: present at the source, shown on the storefront, without a
status of the last run that looked at everything, and without standing trouble.
Only where something is to be told of it (what it goes without), it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary import ItemKind, Outcome
from worker.ledger.item_search import BEFORE_ALL, Filter, Place, found
from worker.ledger.register import storefront_names
from worker.ledger.session import Session
from worker.ledger.statement import text


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
    storefront: int | None = None,
    run: int | None = None,
    search: str | None = None,
    after: Place | None = None,
    limit: int = 100,
) -> list[Item]:
    """The items that are like that, in the order of kind, id and storefront.

    Without an outcome, code or run they are all that are known: those with their last status, and those that never
    needed one as *unchanged*.

    `search` finds a part of a name, SKU, reference or source id in any case, or an id of the store.
    """
    wanted = Filter(kind, outcome, code, storefront, run, search)
    places = found(session, connector_id, wanted, after=after or BEFORE_ALL, limit=limit)
    return _told(session, connector_id, wanted, places, shown or {})


def _told(
    session: Session, connector_id: int, wanted: Filter, places: list[Place], shown: Mapping[ItemKind, Shown]
) -> list[Item]:
    """These places with their statuses, and with what the mirror calls the items."""
    if not places:
        return []
    parameters: dict[str, Any] = {
        "connector": connector_id,
        "kinds": [one[0] for one in places],
        "ids": [one[1] for one in places],
        "storefronts": [one[2] for one in places],
    }
    for kind in ItemKind:
        parameters[f"{kind}_name"] = shown.get(kind, Shown()).name
        parameters[f"{kind}_sku"] = shown.get(kind, Shown()).sku
    rows = session.execute(text(_TOLD), parameters)
    names = storefront_names(session, connector_id)
    derived = wanted.is_derived
    return [
        Item(
            row.kind,
            row.source_id,
            row.storefront_id,
            names.get(row.storefront_id, str(row.storefront_id)),
            row.reference,
            row.name,
            Outcome.UNCHANGED.value if derived else row.outcome or Outcome.UNCHANGED.value,
            None if derived and row.outcome != Outcome.UNCHANGED else row.code,
            None if derived and row.outcome != Outcome.UNCHANGED else row.message,
            None if derived else row.answer,
            row.run_id,
            row.at,
        )
        for row in rows
    ]


_TOLD = """
    SELECT p.kind, p.source_id, p.storefront_id, s.outcome, s.code, s.message, s.answer, s.run_id, s.at,
      i.cells ->> CASE p.kind WHEN 'category' THEN CAST(:category_name AS text)
        WHEN 'product' THEN CAST(:product_name AS text) ELSE CAST(:variant_name AS text) END AS name,
      coalesce(i.cells ->> CASE p.kind WHEN 'category' THEN CAST(:category_sku AS text)
        WHEN 'product' THEN CAST(:product_sku AS text) ELSE CAST(:variant_sku AS text) END,
        i.cells ->> 'REF') AS reference
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[]), CAST(:storefronts AS bigint[]))
      WITH ORDINALITY AS p (kind, source_id, storefront_id, place)
    LEFT JOIN LATERAL (SELECT * FROM item_status s WHERE s.connector_id = (SELECT :connector) AND s.kind = p.kind
      AND s.source_id = p.source_id AND s.storefront_id = p.storefront_id LIMIT 1) s ON true
    LEFT JOIN LATERAL (SELECT cells FROM source_item i WHERE i.connector_id = (SELECT :connector) AND i.kind = p.kind
      AND i.source_id = p.source_id LIMIT 1) i ON true
    ORDER BY p.place
"""
