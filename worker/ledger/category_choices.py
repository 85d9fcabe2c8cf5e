"""The source's categories to choose a root from: level by level, or by a part of a name."""

from __future__ import annotations

from dataclasses import dataclass

from worker.ledger.session import Session
from worker.ledger.statement import text

DEEPEST = 30
"""Levels of a path that are told; a circle at the source is deeper than any."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A category of the source."""

    source_id: int
    name: str
    path: tuple[str, ...]
    """Names from the top down to its own."""
    below: int
    """Categories directly below it."""


def choices(
    session: Session,
    connector_id: int,
    *,
    name: str | None,
    under: int | None = None,
    search: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Choice]:
    """The categories under one (None: the top level), or wherever the name holds the text; in the order of ids.

    `name` is the mirror's column that holds their names.
    """
    rows = session.execute(
        text(_CHOICES),
        {
            "connector": connector_id,
            "name": name,
            "under": under,
            "search": search,
            "after": after,
            "limit": limit,
            "deepest": DEEPEST,
        },
    )
    return [Choice(row.source_id, row.path[-1], tuple(row.path), row.below) for row in rows]


# A store takes 16,000 categories at most: those of one connector are few enough to be looked through.
_CHOICES = """
    WITH RECURSIVE category AS MATERIALIZED (
      SELECT source_id, coalesce(parent_id, 0) AS parent_id,
        coalesce(nullif(cells ->> CAST(:name AS text), ''), CAST(source_id AS text)) AS name
      FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'category') AND NOT gone
    ), page AS MATERIALIZED (
      SELECT * FROM category c WHERE source_id > :after AND CASE WHEN CAST(:search AS text) IS NOT NULL
        THEN position(lower(:search) IN lower(name)) > 0
        ELSE CASE WHEN CAST(:under AS bigint) IS NOT NULL THEN parent_id = :under
          ELSE NOT EXISTS (SELECT FROM category p WHERE p.source_id = c.parent_id) END END
      ORDER BY source_id LIMIT :limit
    ), up AS (
      SELECT source_id, parent_id, ARRAY[name] AS path, 1 AS depth FROM page
      UNION ALL
      SELECT u.source_id, c.parent_id, ARRAY[c.name] || u.path, u.depth + 1 FROM up u
      JOIN category c ON c.source_id = u.parent_id WHERE u.depth < :deepest
    )
    SELECT DISTINCT ON (source_id) source_id, path,
      (SELECT count(*) FROM category c WHERE c.parent_id = up.source_id) AS below
    FROM up ORDER BY source_id, depth DESC
"""
