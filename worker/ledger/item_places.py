"""Where the places of items come from: statuses, what is present at the source, or both.

An item has a place on each storefront that tells it apart. `item_search` walks along places, or asks for those of the
items that a search has named.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sources:
    """How places are come by: along an order, or for items that are `named`."""

    walk: str
    named: str
    head: str = ""


STATUSES = Sources(
    walk="""
        SELECT s.kind, s.source_id, s.storefront_id FROM item_status s
        WHERE s.connector_id = (SELECT :connector) AND {filters}
        ORDER BY s.kind, s.source_id, s.storefront_id LIMIT :limit
    """,
    named="""
        SELECT s.kind, s.source_id, s.storefront_id FROM named n CROSS JOIN LATERAL (
          SELECT s.kind, s.source_id, s.storefront_id FROM item_status s
          WHERE s.connector_id = (SELECT :connector) AND s.kind = n.kind AND s.source_id = n.source_id AND {filters}
          LIMIT 1000) s
    """,
)

# The last run that looked at everything: it closed its books, or found nothing changed. A storefront shows
# the root that it is linked to with all that hangs below it, or the full tree.
SHOWN = """
    RECURSIVE last AS MATERIALIZED (
      SELECT max(id) AS id FROM run WHERE connector_id = :connector AND listed
        AND state IN ('completed', 'completed_with_errors', 'unchanged')
    ), below AS (
      SELECT s.storefront_id, c.source_id FROM storefront s
      JOIN source_item c ON c.connector_id = (SELECT :connector) AND c.kind = 'category' AND NOT c.gone
        AND (s.root_id IS NULL OR c.source_id = s.root_id)
      WHERE s.connector_id = (SELECT :connector)
      UNION
      SELECT b.storefront_id, c.source_id FROM below b
      JOIN source_item c ON c.connector_id = (SELECT :connector) AND c.kind = 'category'
        AND c.parent_id = b.source_id AND NOT c.gone
    ),
"""
"""The last run that looked at everything, and the categories with the storefronts that show them."""

_IS_UNCHANGED = """NOT EXISTS (SELECT FROM item_status o WHERE o.connector_id = (SELECT :connector) AND o.kind = s.kind
  AND o.source_id = s.source_id AND o.storefront_id = s.storefront_id
  AND (o.outcome IN ('rejected', 'failed', 'blocked') OR (o.outcome <> 'unchanged' AND o.run_id >= (SELECT id FROM last)
  )))"""
_IS_UNCHANGED_BEHIND = f"{_IS_UNCHANGED.removesuffix(')')} AND o.source_id >= :after_id)"
"""Told again where statuses are read side by side with the items, or they are read from the first one on."""
PRESENT = Sources(
    head=SHOWN,
    walk=f"""
        SELECT * FROM (
          (SELECT * FROM (SELECT 'category' AS kind, source_id, storefront_id FROM below) s
           WHERE (SELECT id FROM last) IS NOT NULL AND {_IS_UNCHANGED} AND {{filters}}
           ORDER BY kind, source_id, storefront_id LIMIT :limit)
          UNION ALL
          (SELECT kind, source_id, storefront_id FROM (
             SELECT *, CAST(0 AS bigint) AS storefront_id FROM source_item
             WHERE connector_id = (SELECT :connector) AND kind <> 'category' AND source_id >= :after_id) s
           WHERE (SELECT id FROM last) IS NOT NULL AND NOT gone AND {_IS_UNCHANGED_BEHIND} AND {{filters}}
           ORDER BY kind, source_id, storefront_id LIMIT :limit)
        ) p ORDER BY kind, source_id, storefront_id LIMIT :limit
    """,  # noqa: S608 constants
    named=f"""
        SELECT s.kind, s.source_id, s.storefront_id FROM named n CROSS JOIN LATERAL (
          SELECT n.kind, n.source_id, b.storefront_id FROM below b WHERE n.kind = 'category'
            AND b.source_id = n.source_id
          UNION ALL
          SELECT i.kind, i.source_id, 0 FROM source_item i WHERE n.kind <> 'category'
            AND i.connector_id = (SELECT :connector) AND i.kind = n.kind AND i.source_id = n.source_id AND NOT i.gone
        ) s WHERE (SELECT id FROM last) IS NOT NULL AND {_IS_UNCHANGED} AND {{filters}}
    """,  # noqa: S608 constants
)

# Both orders are walked side by side, and no item is asked whether it has a status: what has one comes twice.
# No `kind > 'category'`: the index would begin there, however deep in the listing the page is.
_PRESENT_TOO = "(SELECT id FROM last) IS NOT NULL"
KNOWN = Sources(
    head=SHOWN,
    walk=f"""
        SELECT kind, source_id, storefront_id FROM (
          (SELECT s.kind, s.source_id, s.storefront_id FROM item_status s
           WHERE s.connector_id = (SELECT :connector) AND {{filters}}
           ORDER BY s.kind, s.source_id, s.storefront_id LIMIT :limit)
          UNION
          (SELECT s.kind, s.source_id, s.storefront_id FROM (
             SELECT 'category' AS kind, source_id, storefront_id FROM below) s
           WHERE {_PRESENT_TOO} AND CAST(:after_kind AS text) <= 'category'
             AND coalesce(CAST(:kind AS text), 'category') = 'category' AND {{filters}}
           ORDER BY s.kind, s.source_id, s.storefront_id LIMIT :limit)
          UNION
          (SELECT s.kind, s.source_id, s.storefront_id FROM (
             SELECT *, CAST(0 AS bigint) AS storefront_id FROM source_item
             WHERE connector_id = (SELECT :connector) AND kind <> 'category') s
           WHERE {_PRESENT_TOO} AND NOT s.gone AND {{filters}}
           ORDER BY s.kind, s.source_id, s.storefront_id LIMIT :limit)
        ) p ORDER BY kind, source_id, storefront_id LIMIT :limit
    """,  # noqa: S608 constants
    named=f"""
        SELECT s.kind, s.source_id, s.storefront_id FROM (
          SELECT o.kind, o.source_id, o.storefront_id FROM named n CROSS JOIN LATERAL (
            SELECT * FROM item_status o WHERE o.connector_id = (SELECT :connector) AND o.kind = n.kind
              AND o.source_id = n.source_id LIMIT 1000) o
          UNION
          SELECT n.kind, n.source_id, b.storefront_id FROM named n JOIN below b USING (source_id)
          WHERE n.kind = 'category' AND {_PRESENT_TOO}
          UNION
          SELECT n.kind, n.source_id, 0 FROM named n CROSS JOIN LATERAL (
            SELECT FROM source_item i WHERE i.connector_id = (SELECT :connector) AND i.kind = n.kind
              AND i.source_id = n.source_id AND NOT i.gone LIMIT 1) i
          WHERE n.kind <> 'category' AND {_PRESENT_TOO}
        ) s WHERE {{filters}}
    """,  # noqa: S608 constants
)
"""What has a status, and what is present without one: nothing had to be done about it."""
