"""The durable mirror of the source, and the pages of a read attempt.

A page's rows are staged; only when all pages of the attempt are there does
the mirror take them over, in portions, and the cursor moves with the last
(law 7). Rows whose raw hash is unchanged are not staged at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.vocabulary import ItemKind
from worker.catalog.columns import Columns, Row
from worker.ledger import bulk
from worker.ledger.bulk import rows_of, written
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class State:
    """How far the mirror has come."""

    last_update: int | None
    company_id: int | None
    columns: Columns | None
    all_due: bool
    refresh_wanted: bool


def state(session: Session, connector_id: int) -> State:
    """The mirror's state."""
    row = session.execute(
        text("SELECT last_update, company_id, columns, all_due, refresh_wanted FROM mirror WHERE connector_id = :id"),
        {"id": connector_id},
    ).one()
    columns = None if row.columns is None else Columns.from_json(row.columns)
    return State(row.last_update, row.company_id, columns, row.all_due, row.refresh_wanted)


def drop_attempt(session: Session, connector_id: int) -> None:
    """Forget the pages of a broken attempt; the mirror stands as it was."""
    session.execute(text("DELETE FROM source_staged WHERE connector_id = (SELECT :id)"), {"id": connector_id})
    session.execute(text("DELETE FROM source_page WHERE connector_id = (SELECT :id)"), {"id": connector_id})


_STAGED = {
    "kind": "text",
    "source_id": "bigint",
    "parent_id": "bigint",
    "cells": "jsonb",
    "raw_hash": "text",
    "gone": "boolean",
    "name_key": "text",
    "sku_key": "text",
}


Keys = Mapping[tuple[ItemKind, int], tuple[str | None, str | None]]
"""(kind, id) -> (name key, SKU key); None = the page does not carry the column."""


def different(session: Session, connector_id: int, rows: Iterable[Row], keys: Keys) -> list[Row]:
    """Those of the rows that the mirror does not hold as they are."""
    found: list[Row] = []
    for kind, of_kind in _by_kind(rows).items():
        known = _hashes(session, connector_id, kind, list(of_kind))
        for source_id, row in of_kind.items():
            raw_hash, held = known.get(source_id, _UNKNOWN)
            # Another column may be the name or the SKU by now: the row is the same, its keys are not.
            if raw_hash != row.raw_hash or row.may_be_a_part or _say_else(keys.get((kind, source_id)), held):
                found.append(row)
    return found


def _say_else(told: tuple[str | None, str | None] | None, held: tuple[str | None, str | None]) -> bool:
    """Whether one of the keys is told, and is another one."""
    if told is None or told == held:
        return False
    return any(one not in (None, other) for one, other in zip(told, held, strict=True))


def stage(
    session: Session,
    tenant_id: int,
    connector_id: int,
    page: int,
    rows: Sequence[Row],
    changed: Iterable[Row],
    keys: Keys,
) -> int:
    """Keep a page: the ids of all its rows, and those that are `different`; how many these are."""
    staged = 0
    for kind, of_kind in _by_kind(changed).items():
        known = _hashes(session, connector_id, kind, list(of_kind))
        if any(row.unchanged_cells and row.source_id not in known for row in of_kind.values()):
            # `U` for an item never mirrored: only a refresh tells its pictures (law 6).
            want_refresh(session, connector_id)
        wanted = [row for row in of_kind.values() if not (row.gone and row.source_id not in known)]
        wanted = _united(session, connector_id, kind, wanted)
        staged += len(wanted)
        _stage(session, tenant_id, connector_id, wanted, keys)
    for kind, of_kind in _by_kind(rows).items():
        session.execute(
            text(
                "INSERT INTO source_page (connector_id, page, kind, tenant_id, seen)"
                " VALUES (:connector, :page, :kind, :tenant, :seen)"
                " ON CONFLICT (connector_id, page, kind) DO UPDATE SET seen = excluded.seen"
            ),
            {
                "connector": connector_id,
                "page": page,
                "kind": kind.value,
                "tenant": tenant_id,
                "seen": [row.source_id for row in of_kind.values() if not row.gone],
            },
        )
    return staged


def _by_kind(rows: Iterable[Row]) -> dict[ItemKind, dict[int, Row]]:
    found: dict[ItemKind, dict[int, Row]] = {}
    for row in rows:
        found.setdefault(row.kind, {})[row.source_id] = row
    return found


def _united(session: Session, connector_id: int, kind: ItemKind, rows: Sequence[Row]) -> list[Row]:
    """The rows, united with what an earlier page of the attempt said of the same items; those that add something."""
    if not rows:
        return []
    staged = session.execute(
        text(
            "SELECT source_id, raw_hash, gone, cells FROM source_staged"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(row.source_id for row in rows)},
    )
    earlier = {one.source_id: Row(kind, one.source_id, one.gone, one.raw_hash, cells=one.cells) for one in staged}
    united = ((row, earlier.get(row.source_id)) for row in rows)
    both = [(row if before is None else before.united_with(row), before) for row, before in united]
    return [row for row, before in both if row is not before]


_UNKNOWN: tuple[str | None, tuple[str | None, str | None]] = (None, (None, None))


def _hashes(
    session: Session, connector_id: int, kind: ItemKind, ids: list[int]
) -> dict[int, tuple[str, tuple[str | None, str | None]]]:
    """Id -> hash of the raw row, name key and SKU key."""
    rows = session.execute(
        text(
            "SELECT source_id, CASE WHEN gone THEN 'gone' ELSE raw_hash END, name_key, sku_key FROM source_item"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(ids)},
    )
    return {source_id: (raw_hash, (name, sku)) for source_id, raw_hash, name, sku in rows}


def _stage(session: Session, tenant_id: int, connector_id: int, rows: Iterable[Row], keys: Keys) -> None:
    values = [
        (
            row.kind.value,
            row.source_id,
            _parent(row),
            dict(row.cells),
            "gone" if row.gone else row.raw_hash,
            row.gone,
            *keys.get((row.kind, row.source_id), (None, None)),
        )
        for row in rows
    ]
    if not values:
        return
    table, parameters = rows_of(_STAGED, values)
    # A row that a later page of the same attempt brings again wins; what is to be united is united already.
    session.execute(
        text(
            f"INSERT INTO source_staged (connector_id, tenant_id, {', '.join(_STAGED)})"  # noqa: S608 constant names
            f" SELECT :connector, :tenant, r.* FROM {table}"
            " ON CONFLICT (connector_id, kind, source_id) DO UPDATE SET parent_id = excluded.parent_id,"
            " cells = excluded.cells, raw_hash = excluded.raw_hash, gone = excluded.gone,"
            " name_key = excluded.name_key, sku_key = excluded.sku_key"
        ),
        {"connector": connector_id, "tenant": tenant_id, **parameters},
    )


_PARENT_COLUMN = {ItemKind.CATEGORY: "ID_PARENT", ItemKind.VARIANT: "ID_products"}


def _parent(row: Row) -> int | None:
    """The parent's id, 0 where there is none; None where the row does not say (the mirror's stands)."""
    if row.kind in _PARENT_COLUMN and _PARENT_COLUMN[row.kind] not in row.cells:
        return None
    return row.parent_id or 0


def take_over(session: Session, connector_id: int, *, portion: int) -> int:
    """Move a portion of the staged rows into the mirror, where they become due; how many were moved.

    Columns that a row does not carry keep the mirrored value (law 6). A *gone* row marks a known item.
    """
    return int(
        session.scalar(
            text("""
            WITH portion AS (
              DELETE FROM source_staged WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM source_staged WHERE connector_id = (SELECT :connector) LIMIT :portion))
              RETURNING *
            ), gone AS (
              UPDATE source_item i SET gone = true, due = true, raw_hash = 'gone', refused = NULL
              FROM portion p WHERE p.gone AND i.connector_id = p.connector_id AND i.kind = p.kind
                AND i.source_id = p.source_id AND NOT i.gone
            ), present AS (
              INSERT INTO source_item AS i (connector_id, kind, source_id, tenant_id, parent_id, cells, raw_hash,
                                            gone, due, name_key, sku_key)
              SELECT connector_id, kind, source_id, tenant_id, parent_id, cells, raw_hash,
                     false, true, name_key, sku_key
              FROM portion WHERE NOT gone
              ON CONFLICT (connector_id, kind, source_id) DO UPDATE SET
                parent_id = coalesce(excluded.parent_id, i.parent_id), cells = i.cells || excluded.cells,
                raw_hash = excluded.raw_hash, gone = false, due = true, refused = NULL,
                name_key = coalesce(excluded.name_key, i.name_key), sku_key = coalesce(excluded.sku_key, i.sku_key)
              -- A product that came in parts may have come together as it was.
              WHERE i.gone OR i.raw_hash <> excluded.raw_hash
                OR coalesce(excluded.name_key, i.name_key) IS DISTINCT FROM i.name_key
                OR coalesce(excluded.sku_key, i.sku_key) IS DISTINCT FROM i.sku_key
            )
            SELECT count(*) FROM portion
            """),
            {"connector": connector_id, "portion": portion},
        )
    )


def mark_missing(session: Session, connector_id: int) -> int:
    """After a whole refresh: what is known and was not seen is gone; how many."""
    return len(
        session.execute(
            text("""
            UPDATE source_item i SET gone = true, due = true, raw_hash = 'gone', refused = NULL
            FROM (
              SELECT kind, source_id FROM source_item WHERE connector_id = (SELECT :id) AND NOT gone
              EXCEPT SELECT kind, unnest(seen) FROM source_page WHERE connector_id = (SELECT :id)
            ) missing
            WHERE i.connector_id = (SELECT :id) AND i.kind = missing.kind AND i.source_id = missing.source_id
            RETURNING 1
            """),
            {"id": connector_id},
        ).all()
    )


def finish_attempt(
    session: Session,
    connector_id: int,
    *,
    last_update: int,
    company_id: int | None,
    columns: Columns,
    refreshed: bool,
    all_due: bool,
) -> None:
    """All pages are taken over: the cursor moves, the pages are forgotten."""
    session.execute(
        text(
            "UPDATE mirror SET last_update = :last, company_id = coalesce(:company, company_id),"
            " columns = CAST(:columns AS jsonb), read_at = now(), all_due = all_due OR :all_due,"
            " refresh_wanted = refresh_wanted AND NOT :refreshed WHERE connector_id = :id"
        ),
        {
            "id": connector_id,
            "last": last_update,
            "company": company_id,
            "columns": written(columns.to_json()),
            "all_due": all_due,
            "refreshed": refreshed,
        },
    )
    drop_attempt(session, connector_id)


def look_at_all(session: Session, connector_id: int) -> None:
    """Every item is planned anew, as in a forced refresh."""
    session.execute(text("UPDATE mirror SET all_due = true WHERE connector_id = :id"), {"id": connector_id})


def want_refresh(session: Session, connector_id: int) -> None:
    """The next reading asks for everything: what the cursor stands for is not what is asked now."""
    session.execute(text("UPDATE mirror SET refresh_wanted = true WHERE connector_id = :id"), {"id": connector_id})


def all_planned(session: Session, connector_id: int) -> None:
    """Every item was looked at: from here on, what is due says so itself."""
    session.execute(text("UPDATE mirror SET all_due = false WHERE connector_id = :id"), {"id": connector_id})
