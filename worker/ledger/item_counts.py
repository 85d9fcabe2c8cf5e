"""How many items there are behind each filter, with the other filters applied.

Without a search they come from counts that move with every status (`item_count`). With one they are counted among the
first thousand items that it finds, and say so where there are more. *Unchanged* is what the books of the last run that
looked at everything said: a run that is under way does not move it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.vocabulary import ItemKind, Outcome
from worker.ledger.item_search import Filter

MOST_COUNTED = 1_000
"""Items that a search counts; of more it says that there are more."""
LOOKED_AT = 5_000
"""Items that it looks at one by one before it asks the index of texts."""

_Cells = Mapping[tuple[str, int, str, str], int]
"""(kind, storefront, outcome, code or '') -> statuses."""
_Places = Mapping[tuple[str, int], int]
"""(kind, storefront) -> items that are unchanged."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items each value of each filter would leave, beside the other filters; nought is left out."""

    total: int
    kinds: Mapping[str, int]
    outcomes: Mapping[str, int]
    codes: Mapping[str, int]
    storefronts: Mapping[int, int]
    capped: bool = False
    """Whether there are more: a search finds more items than are counted ("1,000+")."""


def counts(
    session: Session,
    connector_id: int,
    *,
    kind: ItemKind | None = None,
    outcome: Outcome | None = None,
    code: str | None = None,
    storefront: int | None = None,
    run: int | None = None,
    search: str | None = None,
) -> Counts:
    """The counts for the filters of `item_register.items`."""
    wanted = Filter(kind, outcome, code, storefront, run, search)
    if wanted.pattern is None:
        cells, unchanged, capped = _all(session, connector_id, run), _as_booked(session, connector_id), False
    else:
        cells, unchanged, capped = _among(session, connector_id, wanted, wanted.pattern)
    return _counted(wanted, cells, unchanged, capped=capped)


def _counted(wanted: Filter, cells: _Cells, unchanged: _Places, *, capped: bool) -> Counts:
    without = {name: replace(wanted, **{name: None}) for name in ("kind", "outcome", "code", "storefront")}
    kinds, storefronts = Counter[str](), Counter[int]()
    for place, count in _places(without["kind"], cells, unchanged):
        kinds[place[0]] += count
    for place, count in _places(without["storefront"], cells, unchanged):
        storefronts[place[1]] += count
    outcomes, codes = Counter[str](), Counter[str]()
    for (_, _, one, _), count in _fitting(without["outcome"], cells):
        outcomes[one] += count
    for (_, _, _, one), count in _fitting(without["code"], cells):
        codes[one] += count if one else 0
    derived = replace(wanted, outcome=Outcome.UNCHANGED)
    if derived.is_derived:
        outcomes[Outcome.UNCHANGED.value] = sum(count for _, count in _places(derived, cells, unchanged))
    total = sum(count for _, count in _places(wanted, cells, unchanged))
    return Counts(total, +kinds, +outcomes, +codes, +storefronts, capped)


def _places(wanted: Filter, cells: _Cells, unchanged: _Places) -> Iterable[tuple[tuple[str, int], int]]:
    if not wanted.is_derived:
        return [((kind, storefront), count) for (kind, storefront, _, _), count in _fitting(wanted, cells)]
    return [one for one in unchanged.items() if _is_there(wanted, *one[0])]


def _fitting(wanted: Filter, cells: _Cells) -> Iterable[tuple[tuple[str, int, str, str], int]]:
    return [
        (cell, count)
        for cell, count in cells.items()
        if _is_there(wanted, *cell[:2]) and wanted.outcome in (None, cell[2]) and wanted.code in (None, cell[3])
    ]


def _is_there(wanted: Filter, kind: str, storefront: int) -> bool:
    return wanted.kind in (None, kind) and wanted.storefront in (None, storefront)


def _all(session: Session, connector_id: int, run: int | None) -> _Cells:
    rows = session.execute(
        text(
            "SELECT kind, storefront_id, outcome, code, sum(count) FROM item_count"
            " WHERE connector_id = (SELECT :connector) AND (CAST(:run AS bigint) IS NULL OR run_id = :run)"
            " GROUP BY 1, 2, 3, 4 HAVING sum(count) > 0"
        ),
        {"connector": connector_id, "run": run},
    )
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows}


def _as_booked(session: Session, connector_id: int) -> _Places:
    """By the books of the last run that closed them; where one found nothing changed since, all that has no trouble."""
    rows = session.execute(
        text("""
        WITH last AS (
          SELECT max(id) AS looked, max(id) FILTER (WHERE state <> 'unchanged') AS closed FROM run
          WHERE connector_id = :connector AND listed AND state IN ('completed', 'completed_with_errors', 'unchanged')
        )
        SELECT c.kind, c.storefront_id, c.count - CASE c.figure WHEN 'unchanged' THEN 0 ELSE (
            SELECT coalesce(sum(t.count), 0) FROM item_count t
            WHERE t.connector_id = (SELECT :connector) AND t.kind = c.kind AND t.storefront_id = c.storefront_id
              AND t.outcome IN ('rejected', 'failed', 'blocked')) END
        FROM last JOIN run_counter c ON c.run_id = last.closed
          AND c.figure = CASE WHEN last.looked = last.closed THEN 'unchanged' ELSE 'known' END
        """),
        {"connector": connector_id},
    )
    return {(row[0], row[1]): max(0, int(row[2])) for row in rows}


def _among(session: Session, connector_id: int, wanted: Filter, pattern: str) -> tuple[_Cells, _Places, bool]:
    """Among the items that the search finds, so many at most."""
    given = {"connector": connector_id, "pattern": pattern, "most": MOST_COUNTED + 1, "looked_at": LOOKED_AT}
    *keys, end = [(row[0], row[1]) for row in session.execute(text(_LOOKED), given)]
    for kind in sorted(one.value for one in ItemKind if end[0] <= one.value and end[0]):
        if len(keys) > MOST_COUNTED:
            break
        further = {"kind": kind, "after": end[1] if kind == end[0] else -1, "most": MOST_COUNTED + 1 - len(keys)}
        keys += [(kind, one) for one in session.scalars(text(_FOUND), given | further)]
    chosen = keys[:MOST_COUNTED]
    rows = session.execute(
        text(_OUTCOMES),
        {"connector": connector_id, "kinds": [one[0] for one in chosen], "ids": [one[1] for one in chosen]},
    )
    cells, unchanged = Counter[tuple[str, int, str, str]](), Counter[tuple[str, int]]()
    for kind, storefront, outcome, code, run_id, is_unchanged in rows:
        if outcome is not None and wanted.run in (None, run_id):
            cells[kind, storefront, outcome, code or ""] += 1
        unchanged[kind, storefront] += bool(is_unchanged)
    return cells, unchanged, len(keys) > MOST_COUNTED


# The last row is where the look ended, or ('', 0) where there was nothing more to look at.
_LOOKED = """
    WITH looked AS MATERIALIZED (
      SELECT kind, source_id, find_key FROM item_text WHERE connector_id = (SELECT :connector)
      ORDER BY kind, source_id LIMIT :looked_at
    )
    (SELECT kind, source_id FROM looked WHERE find_key LIKE :pattern ORDER BY 1, 2 LIMIT :most)
    UNION ALL (SELECT coalesce(max(kind), ''), coalesce(max(source_id), 0) FROM (
      SELECT kind, source_id FROM looked ORDER BY 1, 2 OFFSET :looked_at - 1 LIMIT 1) l)
"""

_FOUND = "SELECT found_items(:connector, :kind, :pattern, :after, :most)"

# A category has a place wherever it is linked; of an item that has no status nothing had to be done.
_OUTCOMES = """
    WITH last AS MATERIALIZED (
      SELECT max(id) AS id FROM run WHERE connector_id = :connector AND listed
        AND state IN ('completed', 'completed_with_errors', 'unchanged')
    )
    SELECT k.kind, p.storefront_id, s.outcome, s.code, s.run_id, NOT i.gone AND (SELECT id FROM last) IS NOT NULL
      AND (s.outcome IS NULL OR s.outcome = 'unchanged'
        OR (s.outcome NOT IN ('rejected', 'failed', 'blocked') AND s.run_id < (SELECT id FROM last))) AS is_unchanged
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[])) AS k (kind, source_id)
    JOIN LATERAL (SELECT gone FROM source_item i WHERE i.connector_id = (SELECT :connector) AND i.kind = k.kind
      AND i.source_id = k.source_id LIMIT 1) i ON true
    JOIN LATERAL (
      SELECT 0 AS storefront_id WHERE k.kind <> 'category'
      UNION SELECT l.storefront_id FROM relation l WHERE k.kind = 'category' AND l.connector_id = (SELECT :connector)
        AND l.kind = k.kind AND l.source_id = k.source_id
      UNION SELECT o.storefront_id FROM item_status o WHERE k.kind = 'category'
        AND o.connector_id = (SELECT :connector) AND o.kind = k.kind AND o.source_id = k.source_id) p ON true
    LEFT JOIN LATERAL (SELECT * FROM item_status s WHERE s.connector_id = (SELECT :connector) AND s.kind = k.kind
      AND s.source_id = k.source_id AND s.storefront_id = p.storefront_id LIMIT 1) s ON true
"""
