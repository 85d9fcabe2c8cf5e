"""Families that stand: nothing was to be done about them, and no row of theirs was written since.

`version` of a family is what Postgres says of its rows: the transactions that last wrote the product, its variants,
their relations, and what the store holds of them. Whoever writes one of them, for whatever reason, gives the family
another version, so nobody can forget to say it. Transactions are a cluster's own: in another one, as after a restore,
all is looked at once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.ledger import bulk
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Mark:
    """Of which version a family was looked at, and under what; anything else that would change the outcome."""

    version: str
    reading: str
    """What its cells were read by."""
    planning: str
    """What it was compared under."""


_VERSIONS = """
    WITH source AS (
      SELECT source_id AS family, kind, source_id, xmin FROM source_item
      WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'product') AND source_id = ANY(CAST(:ids AS bigint[]))
      UNION ALL
      SELECT parent_id, kind, source_id, xmin FROM source_item
      WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant') AND parent_id = ANY(CAST(:ids AS bigint[]))
    ), product AS (
      SELECT source_id AS family, store_id FROM relation
      WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'product') AND source_id = ANY(CAST(:ids AS bigint[]))
    )
    SELECT family, md5(string_agg(version, ',' ORDER BY version)) FROM (
      SELECT i.family, concat_ws(' ', i.kind, i.source_id, i.xmin, l.xmin) AS version FROM source i
      LEFT JOIN relation l ON l.connector_id = (SELECT :connector) AND l.kind = i.kind AND l.source_id = i.source_id
      UNION ALL
      SELECT p.family, concat_ws(' ', 'store', s.store_id, s.xmin) FROM product p JOIN store_item s
        ON s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'product') AND s.store_id = p.store_id
      UNION ALL
      SELECT p.family, concat_ws(' ', 'store variant', s.store_id, s.xmin) FROM product p JOIN store_item s
        ON s.connector_id = (SELECT :connector) AND s.kind = (SELECT 'variant') AND s.parent_id = p.store_id
    ) v GROUP BY family
"""


def versions(session: Session, connector_id: int, ids: Sequence[int]) -> dict[int, str]:
    """Product id -> the version of its family."""
    rows = session.execute(text(_VERSIONS), {"connector": connector_id, "ids": bulk.ids(ids)})
    return {row[0]: row[1] for row in rows}


def cluster(session: Session) -> str:
    """The cluster whose transactions these are."""
    return str(session.scalar(text("SELECT system_identifier FROM pg_control_system()")))


def cleaned_as(session: Session, connector_id: int) -> str | None:
    """What cells were read by when the items were cleaned last; empty: some otherwise than others."""
    found = session.scalar(text("SELECT cleaned_as FROM mirror WHERE connector_id = :id"), {"id": connector_id})
    return None if found is None else str(found)


def clean_as(session: Session, connector_id: int, reading: str) -> None:
    """The items are cleaned by this."""
    session.execute(
        text(
            "UPDATE mirror SET cleaned_as = :reading WHERE connector_id = :id AND cleaned_as IS DISTINCT FROM :reading"
        ),
        {"id": connector_id, "reading": reading},
    )


def version_of_categories(session: Session, connector_id: int) -> str:
    """The version of all categories with their relations."""
    return str(
        session.scalar(
            text("""
            SELECT md5(coalesce(string_agg(concat_ws(' ', i.source_id, i.xmin, l.storefront_id, l.xmin), ','
                     ORDER BY i.source_id, l.storefront_id), ''))
            FROM source_item i
            LEFT JOIN relation l ON l.connector_id = i.connector_id AND l.kind = i.kind AND l.source_id = i.source_id
            WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'category')
            """),
            {"connector": connector_id},
        )
    )


def marks(session: Session, connector_id: int, ids: Sequence[int]) -> dict[int, Mark]:
    """Product id -> how its family was found standing."""
    rows = session.execute(
        text(
            "SELECT family_id, version, reading, planning FROM family_standing"
            " WHERE connector_id = (SELECT :connector) AND family_id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"connector": connector_id, "ids": bulk.ids(ids)},
    )
    return {row[0]: Mark(row[1], row[2], row[3]) for row in rows}


def keep(session: Session, tenant_id: int, connector_id: int, found: Mapping[int, Mark]) -> None:
    """These families were found standing."""
    if not found:
        return
    table, parameters = rows_of(
        {"family_id": "bigint", "version": "text", "reading": "text", "planning": "text"},
        [(one, mark.version, mark.reading, mark.planning) for one, mark in found.items()],
    )
    session.execute(
        text(
            "INSERT INTO family_standing (connector_id, tenant_id, family_id, version, reading, planning)"  # noqa: S608
            f" SELECT :connector, :tenant, r.* FROM {table} ON CONFLICT (connector_id, family_id) DO UPDATE SET"
            " version = excluded.version, reading = excluded.reading, planning = excluded.planning"
        ),
        {"connector": connector_id, "tenant": tenant_id, **parameters},
    )


def forget_gone(session: Session, connector_id: int) -> None:
    """Nothing is kept of products that the source does not have."""
    session.execute(
        text("""
        DELETE FROM family_standing f WHERE f.connector_id = (SELECT :connector) AND NOT EXISTS (
          SELECT FROM source_item i WHERE i.connector_id = (SELECT :connector) AND i.kind = (SELECT 'product')
            AND i.source_id = f.family_id AND NOT i.gone)
        """),
        {"connector": connector_id},
    )
