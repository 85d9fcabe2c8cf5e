"""What the plan of a run has announced: each such item has an outcome of the run at its end.

A run that was planned by a version without this table has announced nothing, and is checked by its counters alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.vocabulary import ItemKind
from worker.catalog import changes
from worker.catalog.changes import Change, CreateProduct
from worker.catalog.items import Key
from worker.ledger.session import Session
from worker.ledger.statement import text


def keep(session: Session, tenant_id: int, connector_id: int, run_id: int, planned: Iterable[Change]) -> None:
    """Announce the items of a portion of changes, inline variants included."""
    ids: dict[tuple[ItemKind, int], set[int]] = {}
    for change in planned:
        at = changes.key(change)
        ids.setdefault((at.kind, at.storefront_id), set()).add(at.source_id)
        if isinstance(change, CreateProduct):
            ids.setdefault((ItemKind.VARIANT, 0), set()).update(one.source_id for one in change.variants)
    for (kind, storefront_id), some in ids.items():
        session.execute(
            text(
                "INSERT INTO announced (tenant_id, connector_id, run_id, kind, storefront_id, ids)"
                " VALUES (:tenant, :connector, :run, :kind, :storefront, :ids)"
            ),
            {
                "tenant": tenant_id,
                "connector": connector_id,
                "run": run_id,
                "kind": kind.value,
                "storefront": storefront_id,
                "ids": sorted(some),
            },
        )


def clear(session: Session, connector_id: int) -> None:
    """Nothing is announced: a run plans from the beginning, or has closed its books."""
    session.execute(text("DELETE FROM announced WHERE connector_id = (SELECT :id)"), {"id": connector_id})


def unaccounted(session: Session, connector_id: int, run_id: int) -> list[Key]:
    """The items that were announced and have no outcome of this run."""
    rows = session.execute(
        text("""
        SELECT kind, unnest(ids), storefront_id FROM announced
        WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run)
        EXCEPT
        SELECT kind, source_id, storefront_id FROM item_status
        WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run)
        ORDER BY 1, 2, 3
        """),
        {"connector": connector_id, "run": run_id},
    )
    return [Key(ItemKind(row[0]), row[1], row[2]) for row in rows]
