"""Where items stand that somebody asks for: by filters, and by a part of a text.

A million statuses are searched in three ways, one after the other (decision 0014): a short walk in the order of the
listing finds what is frequent; the index of texts finds what is rare; and where a filter leaves little of what is
frequent, the walk goes on along the filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from models.base import NO_STOREFRONT
from models.vocabulary import ItemKind, Outcome
from worker.catalog.values import key
from worker.ledger.item_places import KNOWN, PRESENT, STATUSES
from worker.ledger.session import Session
from worker.ledger.statement import text

Place = tuple[str, int, int]
"""(kind, source id, storefront id), in which order items are listed."""

WALKED = 1_000
"""Items that a search looks at one by one before it asks the index of texts."""
MOST_FOUND = 2_000
"""Items that it has the index name; where there are more, the filters are walked along."""
UNPARTED = "\u2e80"
"""From here on there are scripts that do not part their words, Chinese and Japanese among them."""
FEW = 20_000
"""Items that a filter may leave for each of them to be looked at."""
BEFORE_ALL: Place = ("", 0, 0)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are asked for; None = all."""

    kind: ItemKind | None = None
    outcome: Outcome | None = None
    code: str | None = None
    storefront: int | None = None
    run: int | None = None
    """Those whose last status is of this run."""
    search: str | None = None

    @property
    def is_derived(self) -> bool:
        """Whether it asks for what no run had to touch: such items need no status."""
        return self.outcome is Outcome.UNCHANGED and self.code is None and self.run is None

    @property
    def is_all_known(self) -> bool:
        """Whether it asks for items whatever came of them: those that never needed a write are among them."""
        return self.outcome is None and self.code is None and self.run is None

    @property
    def term(self) -> str | None:
        """The text as it is searched."""
        return key(self.search)

    @property
    def index(self) -> str:
        """The function that finds it: marks alone have no trigram, and an index of their own."""
        return BY_TRIGRAMS if any(one.isalnum() for one in self.term or "") else BY_MARKS

    @property
    def pattern(self) -> str | None:
        """The text as a pattern: what would be wildcards are letters.

        One or two letters have no trigram of their own, but as a word's beginning: that is what they find, in all
        scripts that part their words.
        """
        if self.term is None:
            return None
        escaped = self.term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        is_beginning = len(self.term) < 3 and self.term[0].isalnum() and max(self.term) < UNPARTED
        return f"% {escaped}%" if is_beginning else f"%{escaped}%"


def found(session: Session, connector_id: int, wanted: Filter, *, after: Place, limit: int) -> list[Place]:
    """The first places behind `after` of what is wanted."""
    kinds = [one for one in sorted(ItemKind) if wanted.kind in (None, one) and one.value >= after[0]]
    if not kinds:
        return []
    after = after if wanted.kind is None else max(after, (wanted.kind.value, 0, -1))
    if wanted.pattern is None and not wanted.is_derived:
        return _Looking(session, connector_id, wanted, limit).along(after)
    # One after the other: what one kind has much of, and the kind before it none, would be read in vain.
    if wanted.is_derived:
        none_of = _all_touched(session, connector_id)
        kinds = [one for one in kinds if one not in none_of]
    places = _Looking(session, connector_id, wanted, limit).by_store_id(after)
    most = limit + len(places)
    few = {*ItemKind} if wanted.pattern is None else _few_of(session, connector_id, wanted)
    for kind in kinds:
        looking = _Looking(session, connector_id, replace(wanted, kind=kind), limit)
        begin = max(after, (kind.value, 0, -1))
        places += looking.along(begin) if kind in few else looking.search(begin)
        if len(places) >= most:
            break
    return sorted(set(places))[:limit]


def _few_of(session: Session, connector_id: int, wanted: Filter) -> set[ItemKind]:
    """The kinds of which the filters leave so few that each can be looked at, whatever is searched."""
    if wanted.is_derived or wanted.is_all_known:
        return set()
    rows = session.execute(
        text("""
        SELECT kind, sum(count) FROM item_count WHERE connector_id = (SELECT :connector)
          AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome) AND (CAST(:code AS text) IS NULL OR code = :code)
          AND (CAST(:run AS bigint) IS NULL OR run_id = :run) GROUP BY kind
        """),
        {"connector": connector_id, "outcome": wanted.outcome, "code": wanted.code, "run": wanted.run},
    )
    return {*ItemKind} - {ItemKind(row[0]) for row in rows if row[1] > FEW}


def _all_touched(session: Session, connector_id: int) -> set[ItemKind]:
    """The kinds of which the last run that looked at everything has left none unchanged, by its own books."""
    rows = session.scalars(
        text("""
        SELECT c.kind FROM run_counter c WHERE c.figure = 'unchanged' AND c.run_id = (
          SELECT id FROM run WHERE connector_id = :connector AND listed
            AND state IN ('completed', 'completed_with_errors', 'unchanged') ORDER BY id DESC LIMIT 1)
        GROUP BY c.kind HAVING sum(c.count) = 0
        """),
        {"connector": connector_id},
    )
    return {ItemKind(kind) for kind in rows}


class _Looking:
    """The ways of looking for what is wanted; each says where it has come to, None = to the end."""

    def __init__(self, session: Session, connector_id: int, wanted: Filter, limit: int) -> None:
        self._session = session
        self._wanted = wanted
        self._limit = limit
        self._sources = PRESENT if wanted.is_derived else KNOWN if wanted.is_all_known else STATUSES
        self._given: dict[str, Any] = {
            "connector": connector_id,
            "pattern": wanted.pattern,
            "term": wanted.term,
            "kind": wanted.kind and wanted.kind.value,
            "outcome": wanted.outcome and wanted.outcome.value,
            "code": wanted.code,
            "storefront": wanted.storefront,
            "run": wanted.run,
            "limit": limit,
        }
        self._filters = _filters(wanted)

    def search(self, after: Place) -> list[Place]:
        """The three ways, one after the other, as far as it takes."""
        places, end = self.by_looking(after)
        if len(places) < self._limit and end is not None:
            further, end = self.by_text(end)
            places += further
            if len(places) < self._limit and end is not None:
                places += self.along(end)
        return places

    def along(self, after: Place) -> list[Place]:
        """Along the filters in the order of the listing, as far as it takes."""
        matches = "" if self._wanted.pattern is None else f" AND {_MATCHES.format(of='s')}"
        head = self._sources.head and f"WITH {self._sources.head.strip().removesuffix(',')}"
        rows = self._ask(head + self._sources.walk.format(filters=self._filters + matches), after)
        return [(row[0], row[1], row[2]) for row in rows]

    def by_looking(self, after: Place) -> tuple[list[Place], Place | None]:
        """Idem, past so many items at most: all of them are looked at, so the next look begins behind them."""
        rows = self._ask(
            f"""
            WITH {self._sources.head} walked AS MATERIALIZED ({self._sources.walk.format(filters=self._filters)}),
            hits AS (SELECT * FROM walked f WHERE {_MATCHES.format(of="f")})
            SELECT kind, source_id, storefront_id, false AS is_end FROM hits
            UNION ALL (SELECT kind, source_id, storefront_id, true FROM walked
              ORDER BY kind, source_id, storefront_id OFFSET :limit - 1 LIMIT 1)
            """,  # noqa: S608 constants
            after,
            limit=max(WALKED, self._limit),
        )
        return _placed(rows)

    def by_text(self, after: Place) -> tuple[list[Place], Place | None]:
        """What the index of texts finds, if that is not too much; those of it that the filters let pass."""
        rows = self._ask(
            f"""
            WITH {self._sources.head} named AS MATERIALIZED (
              SELECT :kind AS kind, n AS source_id FROM {self._wanted.index} n),
            hits AS (
              {self._sources.named.format(filters=self._filters)} ORDER BY 1, 2, 3 LIMIT :limit)
            SELECT kind, source_id, storefront_id, false AS is_end FROM hits
            UNION ALL (SELECT kind, source_id, 9223372036854775807, true FROM named
              ORDER BY kind, source_id OFFSET :most - 1 LIMIT 1)
            """,  # noqa: S608 constants
            after,
            most=max(MOST_FOUND, self._limit),
            behind=after[1] - 1,
        )
        return _placed(rows)

    def by_store_id(self, after: Place) -> list[Place]:
        """Whatever is linked to the item of the store that has the term as its id."""
        term = self._wanted.term or ""
        if not (term.isascii() and term.isdigit() and len(term) <= 18):
            return []
        rows = self._ask(
            f"""
            WITH {self._sources.head} named AS MATERIALIZED (
              SELECT DISTINCT kind, source_id FROM relation WHERE connector_id = (SELECT :connector)
                AND kind IN ('category', 'product', 'variant') AND store_id = :store_id)
            {self._sources.named.format(filters=self._filters)}
            """,  # noqa: S608 constants
            after,
            store_id=int(term),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def _ask(self, sql: str, after: Place, **more: Any) -> list[Any]:
        places = {"after_kind": after[0], "after_id": after[1], "after_storefront": after[2]}
        return list(self._session.execute(text(sql), {**self._given, **places, **more}))


def _placed(rows: list[Any]) -> tuple[list[Place], Place | None]:
    places: list[Place] = [(row[0], row[1], row[2]) for row in rows if not row.is_end]
    return places, next(((row[0], row[1], row[2]) for row in rows if row.is_end), None)


def _filters(wanted: Filter) -> str:
    """The conditions on a status `s`, or on a place `s` of what is present."""
    found = ["s.kind = :kind", "(s.source_id, s.storefront_id) > (:after_id, :after_storefront)"]
    if wanted.kind is None:
        found = ["(s.kind, s.source_id, s.storefront_id) > (:after_kind, :after_id, :after_storefront)"]
    if wanted.storefront is not None:
        found.append("s.storefront_id = :storefront")
        # Categories are told apart by storefront, and few; nothing else is.
        found.append(f"s.kind {'<>' if wanted.storefront == NO_STOREFRONT else '='} 'category'")
    if wanted.is_derived:
        return " AND ".join(found)
    found += [f"s.{name} = :{name}" for name in ("outcome", "code") if getattr(wanted, name) is not None]
    found += ["s.run_id = (SELECT :run)"] if wanted.run is not None else []
    return " AND ".join(found)


_MATCHES = """(SELECT t.find_key FROM item_text t WHERE t.connector_id = (SELECT :connector) AND t.kind = {of}.kind
  AND t.source_id = {of}.source_id) LIKE :pattern"""
"""Asked for each item by itself, so that never all texts are read for a few of them."""


BY_TRIGRAMS = "found_items(:connector, :kind, :pattern, :behind, :most)"
BY_MARKS = "marked_items(:connector, :kind, :term, :behind, :most)"
