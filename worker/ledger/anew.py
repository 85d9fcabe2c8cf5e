"""Items that the next run compares with the store anew, as it did when they were linked."""

from __future__ import annotations

from collections.abc import Sequence

from models.vocabulary import ItemKind
from worker.catalog.items import Key
from worker.catalog.store import Relation
from worker.ledger import source_items
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text


def mark(session: Session, connector_id: int, kind: ItemKind, ids: Sequence[int]) -> None:
    """These items are due, and are compared once the store has been read."""
    source_items.make_due(session, connector_id, kind, ids)
    session.execute(
        text(
            "UPDATE relation SET anew = true WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(:ids)"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": list(ids)},
    )


def marked(session: Session, connector_id: int) -> list[Relation]:
    """The relations of the items that are to be compared."""
    rows = session.execute(
        text(
            "SELECT kind, source_id, storefront_id, store_id, parent_store_id, created_here, enabled, fingerprints,"
            " parts FROM relation WHERE connector_id = (SELECT :connector) AND anew"
            " ORDER BY kind, source_id, storefront_id"
        ),
        {"connector": connector_id},
    )
    return [Relation(Key(ItemKind(row[0]), row[1], row[2]), *row[3:]) for row in rows]


def compared(session: Session, connector_id: int, relations: Sequence[Relation]) -> None:
    """These are compared: what they hold now counts as sent, and the items are due for the rest."""
    table, parameters = rows_of(
        {"kind": "text", "source_id": "bigint", "storefront_id": "bigint", "fingerprints": "jsonb", "parts": "jsonb"},
        [
            (one.key.kind.value, one.key.source_id, one.key.storefront_id, dict(one.fingerprints), dict(one.parts))
            for one in relations
        ],
    )
    session.execute(
        text(
            "UPDATE relation l SET anew = false, fingerprints = r.fingerprints, parts = r.parts"  # noqa: S608 constants
            f" FROM {table} WHERE l.connector_id = (SELECT :connector) AND l.kind = r.kind"
            " AND l.source_id = r.source_id AND l.storefront_id = r.storefront_id"
        ),
        {"connector": connector_id, **parameters},
    )
    for kind in ItemKind:
        ids = {one.key.source_id for one in relations if one.key.kind is kind}
        if ids:
            source_items.make_due(session, connector_id, kind, ids)
