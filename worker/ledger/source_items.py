"""The items of the mirror: what is due, what is fit, who holds a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from models.vocabulary import ItemKind
from worker.ledger import bulk
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An item as it stands in the mirror."""

    kind: ItemKind
    source_id: int
    parent_id: int
    cells: Mapping[str, Any]
    gone: bool
    due: bool
    refused: str | None


def has_due(session: Session, connector_id: int) -> bool:
    """Whether any item waits for an outcome, or to be compared with the store anew."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM source_item WHERE connector_id = (SELECT :id) AND due)"
                " OR EXISTS (SELECT FROM relation WHERE connector_id = (SELECT :id) AND anew)"
                " OR (SELECT all_due FROM mirror WHERE connector_id = :id)"
            ),
            {"id": connector_id},
        )
    )


def family_ids(session: Session, connector_id: int, *, after: int, limit: int, all_due: bool) -> list[int]:
    """The next products that are due, or have a variant that is; variants without product included."""
    due = "" if all_due else "AND due"
    rows = session.scalars(
        text(f"""
        SELECT id FROM (
          (SELECT source_id AS id FROM source_item
           WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'product') {due}
             AND source_id > :after ORDER BY source_id LIMIT :limit)
          UNION
          (SELECT DISTINCT parent_id FROM source_item
           WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant') {due}
             AND parent_id > :after ORDER BY parent_id LIMIT :limit)
        ) f ORDER BY id LIMIT :limit
        """),  # noqa: S608 constant
        {"connector": connector_id, "after": after, "limit": limit},
    )
    return list(rows)


_ROW = "kind, source_id, parent_id, cells, gone, due, refused"


def families(session: Session, connector_id: int, ids: Sequence[int]) -> dict[int, list[SourceRow]]:
    """Product id -> its row, if there is one, and those of its variants."""
    rows = session.execute(
        text(
            f"SELECT {_ROW} FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'product')"  # noqa: S608
            f" AND source_id = ANY(CAST(:ids AS bigint[])) UNION ALL SELECT {_ROW} FROM source_item"
            " WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant')"
            " AND parent_id = ANY(CAST(:ids AS bigint[]))"
            " ORDER BY 1, 2"
        ),
        {"connector": connector_id, "ids": bulk.ids(ids)},
    )
    found: dict[int, list[SourceRow]] = {family: [] for family in ids}
    for row in rows:
        source = _source_row(row)
        found[source.source_id if source.kind is ItemKind.PRODUCT else source.parent_id].append(source)
    return found


def as_many_as_fit(session: Session, connector_id: int, ids: Sequence[int], *, rows: int) -> list[int]:
    """The first of these products that have so many rows with their variants; one at least, if there is one."""
    if len(ids) <= 1:
        return list(ids)
    counted = session.execute(
        text(
            "SELECT parent_id, count(*) FROM source_item WHERE connector_id = (SELECT :connector)"
            " AND kind = (SELECT 'variant') AND parent_id = ANY(CAST(:ids AS bigint[])) GROUP BY 1"
        ),
        {"connector": connector_id, "ids": bulk.ids(ids)},
    )
    variants: dict[int, int] = {row[0]: row[1] for row in counted}
    together = accumulate(1 + variants.get(one, 0) for one in ids)
    return [one for place, (one, sum_) in enumerate(zip(ids, together, strict=True)) if place == 0 or sum_ <= rows]


def rows(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> list[SourceRow]:
    """The rows of these items."""
    found = session.execute(
        text(
            f"SELECT {_ROW} FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"  # noqa: S608
            " AND source_id = ANY(CAST(:ids AS bigint[])) ORDER BY source_id"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(ids)},
    )
    return [_source_row(row) for row in found]


def categories(session: Session, connector_id: int) -> list[SourceRow]:
    """All categories, present and gone; a store takes 16,000 of them at most."""
    rows = session.execute(
        text(
            f"SELECT {_ROW} FROM source_item WHERE connector_id = (SELECT :id) AND kind = 'category'"  # noqa: S608
            " ORDER BY source_id"
        ),
        {"id": connector_id},
    )
    return [_source_row(row) for row in rows]


def _source_row(row: Any) -> SourceRow:
    return SourceRow(ItemKind(row[0]), row[1], row[2] or 0, row[3], row[4], row[5], row[6])


def refuse(session: Session, connector_id: int, kind: ItemKind, verdicts: Mapping[int, str | None]) -> None:
    """Note for which code these items are taken out of the run; None = they are fit."""
    if not verdicts:
        return
    table, parameters = rows_of({"source_id": "bigint", "refused": "text"}, verdicts.items())
    session.execute(
        text(
            f"UPDATE source_item i SET refused = r.refused FROM {table} WHERE i.connector_id = (SELECT :connector)"  # noqa: S608
            " AND i.kind = (SELECT :kind) AND i.source_id = r.source_id AND i.refused IS DISTINCT FROM r.refused"
        ),
        {"connector": connector_id, "kind": kind.value, **parameters},
    )


def settle_sent(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> None:
    """These items were sent: they are due no more, unless something else of theirs is still pending."""
    if not (wanted := list(ids)):
        return
    session.execute(
        text("""
        UPDATE source_item i SET due = false WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT :kind)
          AND i.source_id = ANY(CAST(:ids AS bigint[])) AND i.due AND NOT EXISTS (
            SELECT FROM pending_change p WHERE p.connector_id = i.connector_id AND p.kind = i.kind
              AND p.source_id = i.source_id)
        """),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(wanted)},
    )


def settle(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> None:
    """These items have their outcome: they are due no more."""
    if not (wanted := list(ids)):
        return
    session.execute(
        text(
            "UPDATE source_item SET due = false WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(CAST(:ids AS bigint[])) AND due"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(wanted)},
    )


def retry(
    session: Session, connector_id: int, code: str | None = None, *, item: tuple[ItemKind, int] | None = None
) -> int:
    """Make the items wait again that have failed, with this code or any, or this one of them; how many there are."""
    found = session.execute(
        text("""
        UPDATE source_item i SET due = true FROM (
          SELECT DISTINCT kind, source_id FROM item_status
          WHERE connector_id = (SELECT :connector) AND outcome = 'failed'
            AND (CAST(:code AS text) IS NULL OR code = :code)
            AND (CAST(:kind AS text) IS NULL OR kind = :kind AND source_id = :id)) s
        WHERE i.connector_id = (SELECT :connector) AND i.kind = s.kind AND i.source_id = s.source_id RETURNING 1
        """),
        {
            "connector": connector_id,
            "code": code,
            "kind": None if item is None else item[0].value,
            "id": None if item is None else item[1],
        },
    )
    return len(found.all())


def make_due(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> None:
    """These items wait for an outcome again."""
    if not (wanted := list(ids)):
        return
    session.execute(
        text(
            "UPDATE source_item SET due = true WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(CAST(:ids AS bigint[])) AND NOT due"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": bulk.ids(wanted)},
    )


@dataclass(frozen=True, slots=True)
class Repeated:
    """An item whose name or SKU another one holds."""

    kind: ItemKind
    source_id: int
    key: str
    holder_kind: ItemKind
    holder_id: int
    holder_is_gone: bool = False
    """The holder is gone at the source, but stands hidden in the store under this name or SKU."""


def repeated_names(session: Session, connector_id: int) -> list[Repeated]:
    """Products that share a name with a holder: the one linked under it, else the lowest id (law 11)."""
    return _repeated(session, connector_id, "name", ("product",))


def repeated_skus(session: Session, connector_id: int) -> list[Repeated]:
    """Products and variants that share a SKU with a holder: linked ones first, then products, then the lowest id."""
    return _repeated(session, connector_id, "sku", ("product", "variant"))


def _repeated(session: Session, connector_id: int, what: str, kinds: tuple[str, ...]) -> list[Repeated]:
    column, code = f"{what}_key", f"{what}_taken"
    rows = session.execute(
        text(f"""
        SELECT kind, source_id, key, holder_kind, holder, holder_is_gone FROM (
          SELECT i.kind, i.source_id, i.gone, i.{column} AS key, first_value(i.kind) OVER w AS holder_kind,
                 first_value(i.source_id) OVER w AS holder, first_value(i.gone) OVER w AS holder_is_gone
          FROM source_item i
          LEFT JOIN relation l ON l.connector_id = i.connector_id AND l.kind = i.kind AND l.source_id = i.source_id
          LEFT JOIN store_item s ON s.connector_id = i.connector_id AND s.kind = i.kind AND s.store_id = l.store_id
            AND s.{column} = i.{column}
          WHERE i.connector_id = (SELECT :id) AND i.kind = ANY(:kinds) AND i.{column} IN (
              SELECT {column} FROM source_item WHERE connector_id = (SELECT :id) AND kind = ANY(:kinds)
                AND {column} <> '' GROUP BY 1 HAVING count(*) > 1)
            AND (NOT i.gone OR s.store_id IS NOT NULL) AND (i.refused IS NULL OR i.refused = :code)
          WINDOW w AS (PARTITION BY i.{column} ORDER BY
            (i.refused IS NOT NULL), (s.store_id IS NULL), i.gone, i.kind, i.source_id)
        ) n WHERE (holder_kind, holder) <> (kind, source_id) AND NOT gone
        """),  # noqa: S608 constants
        {"id": connector_id, "kinds": list(kinds), "code": code},
    )
    return [Repeated(ItemKind(row[0]), row[1], row[2], ItemKind(row[3]), row[4], row[5]) for row in rows]


def refused_for(session: Session, connector_id: int, code: str) -> set[tuple[ItemKind, int]]:
    """The items that stand refused for this code."""
    rows = session.execute(
        text(
            "SELECT kind, source_id FROM source_item WHERE connector_id = (SELECT :id) AND refused = :code AND NOT gone"
        ),
        {"id": connector_id, "code": code},
    )
    return {(ItemKind(row[0]), row[1]) for row in rows}


def variants_of(
    session: Session, connector_id: int, product_ids: Sequence[int], *, refused: str | None
) -> list[SourceRow]:
    """The variants of these products that stand refused for this code; None = those that are fit."""
    rows = session.execute(
        text(
            f"SELECT {_ROW} FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant')"  # noqa: S608
            " AND parent_id = ANY(CAST(:ids AS bigint[])) AND NOT gone AND refused IS NOT DISTINCT FROM :refused"
        ),
        {"connector": connector_id, "ids": bulk.ids(product_ids), "refused": refused},
    )
    return [_source_row(row) for row in rows]


def categories_with_products(session: Session, connector_id: int) -> set[int]:
    """The categories that a product of the source names, whether or not it can be sent."""
    return set(
        session.scalars(
            text(
                "SELECT DISTINCT CAST(c AS bigint) FROM source_item i,"
                " jsonb_array_elements(i.cells -> 'ID_catalogue') c"
                " WHERE i.connector_id = (SELECT :id) AND i.kind = (SELECT 'product') AND NOT i.gone"
            ),
            {"id": connector_id},
        )
    )


def make_products_due_in(session: Session, connector_id: int, category_ids: Iterable[int]) -> None:
    """Products in these categories are planned anew, but for those that cleaning has refused."""
    ids = sorted(set(category_ids))
    if not ids:
        return
    session.execute(
        text("""
        UPDATE source_item i SET due = true
        WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product') AND NOT i.gone AND NOT i.due
          AND i.refused IS NULL AND EXISTS (
            SELECT FROM jsonb_array_elements(i.cells -> 'ID_catalogue') c
            WHERE CAST(c AS bigint) = ANY(CAST(:ids AS bigint[])))
        """),
        {"connector": connector_id, "ids": bulk.ids(ids)},
    )


def known(session: Session, connector_id: int) -> dict[str, int]:
    """How many items of each kind the source has."""
    rows = session.execute(
        text("SELECT kind, count(*) FROM source_item WHERE connector_id = (SELECT :id) AND NOT gone GROUP BY kind"),
        {"id": connector_id},
    )
    return {row[0]: row[1] for row in rows}
