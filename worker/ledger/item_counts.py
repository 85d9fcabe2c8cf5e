"""How many items there are behind each filter, with the other filters applied.

Without a search they come from counts that move with every status (`item_count`). With one they are counted among the
first thousand items that it finds, and say so where there are more. *Unchanged* is what the books of the last run that
looked at everything said: a run that is under way does not move it. Nor does it move how many items are known, from
which comes how many have no status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from models.vocabulary import TROUBLE, ItemKind, Outcome
from worker.ledger.item_places import SHOWN
from worker.ledger.item_search import Filter
from worker.ledger.session import Session
from worker.ledger.statement import text

MOST_COUNTED = 1_000
"""Items that a search counts; of more it says that there are more."""
LOOKED_AT = 5_000
"""Items that it looks at one by one before it asks the index of texts."""
MOST_GONE = 5_000
"""Statuses that are looked at one by one for whether the source still has the item."""

_Cells = Mapping[tuple[str, int, str, str], int]
"""(kind, storefront, outcome, code or '') -> statuses."""
_Places = Mapping[tuple[str, int], int]
"""(kind, storefront) -> items."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is counted."""

    cells: _Cells
    unchanged: _Places
    untold: _Places
    """Items that are known and have no status."""
    capped: bool = False


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
    found = _all(session, connector_id, wanted) if wanted.pattern is None else _among(session, connector_id, wanted)
    return _counted(wanted, found)


def _counted(wanted: Filter, found: _Found) -> Counts:
    without = {name: replace(wanted, **{name: None}) for name in ("kind", "outcome", "code", "storefront")}
    kinds, storefronts = Counter[str](), Counter[int]()
    for place, count in _places(without["kind"], found):
        kinds[place[0]] += count
    for place, count in _places(without["storefront"], found):
        storefronts[place[1]] += count
    outcomes, codes = Counter[str](), Counter[str]()
    for (_, _, one, _), count in _fitting(without["outcome"], found.cells):
        outcomes[one] += count
    for (_, _, _, one), count in _fitting(without["code"], found.cells):
        codes[one] += count if one else 0
    derived = replace(wanted, outcome=Outcome.UNCHANGED)
    if derived.is_derived:
        outcomes[Outcome.UNCHANGED.value] = sum(count for _, count in _places(derived, found))
    total = sum(count for _, count in _places(wanted, found))
    return Counts(total, +kinds, +outcomes, +codes, +storefronts, found.capped)


def _places(wanted: Filter, found: _Found) -> Iterable[tuple[tuple[str, int], int]]:
    if wanted.is_derived:
        return [one for one in found.unchanged.items() if _is_there(wanted, *one[0])]
    told = [((kind, storefront), count) for (kind, storefront, _, _), count in _fitting(wanted, found.cells)]
    untold = found.untold.items() if wanted.is_all_known else ()
    return [*told, *(one for one in untold if _is_there(wanted, *one[0]))]


def _fitting(wanted: Filter, cells: _Cells) -> Iterable[tuple[tuple[str, int, str, str], int]]:
    return [
        (cell, count)
        for cell, count in cells.items()
        if _is_there(wanted, *cell[:2]) and wanted.outcome in (None, cell[2]) and wanted.code in (None, cell[3])
    ]


def _is_there(wanted: Filter, kind: str, storefront: int) -> bool:
    return wanted.kind in (None, kind) and wanted.storefront in (None, storefront)


def _all(session: Session, connector_id: int, wanted: Filter) -> _Found:
    given = {"connector": connector_id, "run": wanted.run}
    rows = session.execute(
        text(
            "SELECT kind, storefront_id, outcome, code, sum(count) FROM item_count"
            " WHERE connector_id = (SELECT :connector) AND (CAST(:run AS bigint) IS NULL OR run_id = :run)"
            " GROUP BY 1, 2, 3, 4 HAVING sum(count) > 0"
        ),
        given,
    )
    cells = {(row[0], row[1], row[2], row[3]): int(row[4]) for row in rows}
    if wanted.run is not None:
        return _Found(cells, {}, {})  # what had no need of a run has none
    known, unchanged = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for row in session.execute(text(_BOOKED), given):
        known[row.kind, row.storefront_id] = row.known
        unchanged[row.kind, row.storefront_id] = row.unchanged
        if row.is_looked_at_since:  # nothing was changed: all that has no trouble is as it was
            unchanged[row.kind, row.storefront_id] = row.known - _sum(cells, row.kind, row.storefront_id, TROUBLE)
    return _Found(cells, +unchanged, _untold(session, connector_id, cells, known))


def _untold(session: Session, connector_id: int, cells: _Cells, known: _Places) -> _Places:
    """How many items have no status: of categories counted one by one, of the rest by what the books say is known."""
    given = {"connector": connector_id}
    untold = Counter({(row[0], row[1]): row[2] for row in session.execute(text(_CATEGORIES_UNTOLD), given)})
    rest = {place: count for place, count in known.items() if place[0] != ItemKind.CATEGORY}
    # Of a product that is gone at the source the status stays, and says that it was disabled, or why that failed.
    ended = (*TROUBLE, Outcome.DISABLED)
    if sum(_sum(cells, *place, ended) for place in rest) <= MOST_GONE:
        gone = {(row[0], 0): row[1] for row in session.execute(text(_GONE), given)}
    else:
        gone = {place: _sum(cells, *place, (Outcome.DISABLED,)) for place in rest}
    for place, count in rest.items():
        untold[place] = count - _sum(cells, *place, tuple(Outcome)) + gone.get(place, 0)
    return +untold


def _sum(cells: _Cells, kind: str, storefront: int, outcomes: Collection[str]) -> int:
    return sum(count for cell, count in cells.items() if cell[:2] == (kind, storefront) and cell[2] in outcomes)


# The books of the last run that closed them; one that has looked since found nothing changed.
_BOOKED = """
    WITH last AS (
      SELECT max(id) AS looked, max(id) FILTER (WHERE state <> 'unchanged') AS closed FROM run
      WHERE connector_id = :connector AND listed AND state IN ('completed', 'completed_with_errors', 'unchanged')
    )
    SELECT c.kind, c.storefront_id, coalesce(max(c.count) FILTER (WHERE c.figure = 'known'), 0) AS known,
      coalesce(max(c.count) FILTER (WHERE c.figure = 'unchanged'), 0) AS unchanged,
      bool_or(last.looked > last.closed) AS is_looked_at_since
    FROM last JOIN run_counter c ON c.run_id = last.closed AND c.figure IN ('known', 'unchanged') GROUP BY 1, 2
"""

_CATEGORIES_UNTOLD = f"""
    WITH {SHOWN.strip().removesuffix(",")}
    SELECT 'category', b.storefront_id, count(*) FROM below b
    WHERE (SELECT id FROM last) IS NOT NULL AND NOT EXISTS (
      SELECT FROM item_status s WHERE s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'category')
        AND s.source_id = b.source_id AND s.storefront_id = b.storefront_id)
    GROUP BY 2
"""  # noqa: S608 constant

_GONE = """
    SELECT s.kind, count(*) FROM item_status s
    WHERE s.connector_id = (SELECT :connector) AND s.outcome IN ('disabled', 'rejected', 'failed', 'blocked')
      AND s.kind <> 'category' AND NOT coalesce((SELECT NOT i.gone FROM source_item i
        WHERE i.connector_id = (SELECT :connector) AND i.kind = s.kind AND i.source_id = s.source_id), false)
    GROUP BY 1
"""


def _among(session: Session, connector_id: int, wanted: Filter) -> _Found:
    """Among the items that the search finds, so many at most."""
    given = {"connector": connector_id, "pattern": wanted.pattern, "term": wanted.term}
    looked = given | {"most": MOST_COUNTED + 1, "looked_at": LOOKED_AT}
    found = text(f"SELECT {wanted.index}")
    *keys, end = [(row[0], row[1]) for row in session.execute(text(_LOOKED), looked)]
    for kind in sorted(one.value for one in ItemKind if end[0] <= one.value and end[0]):
        if len(keys) > MOST_COUNTED:
            break
        further = {"kind": kind, "behind": end[1] if kind == end[0] else -1, "most": MOST_COUNTED + 1 - len(keys)}
        keys += [(kind, one) for one in session.scalars(found, given | further)]
    chosen = keys[:MOST_COUNTED]
    rows = session.execute(
        text(_OUTCOMES),
        {"connector": connector_id, "kinds": [one[0] for one in chosen], "ids": [one[1] for one in chosen]},
    )
    cells, unchanged, untold = (
        Counter[tuple[str, int, str, str]](),
        Counter[tuple[str, int]](),
        Counter[tuple[str, int]](),
    )
    for kind, storefront, outcome, code, run_id, is_unchanged in rows:
        if outcome is not None and wanted.run in (None, run_id):
            cells[kind, storefront, outcome, code or ""] += 1
        unchanged[kind, storefront] += bool(is_unchanged)
        untold[kind, storefront] += bool(is_unchanged) and outcome is None
    return _Found(cells, unchanged, untold, len(keys) > MOST_COUNTED)


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
