"""Which items somebody means by a SKU or a reference, told exactly."""

from __future__ import annotations

from collections.abc import Iterable

from models.vocabulary import ItemKind
from worker.catalog.values import key
from worker.ledger.session import Session
from worker.ledger.statement import text

MOST = 50
"""Items of one kind that are looked at, for each way of looking."""


def named(session: Session, connector_id: int, term: str) -> list[tuple[ItemKind, int]]:
    """The items that have this SKU or reference, letters' case aside, in the order of kind and id."""
    wanted = key(term)
    if wanted is None:
        return []
    return sorted({*_by_sku(session, connector_id, wanted), *_by_reference(session, connector_id, term, wanted)})


def _by_sku(session: Session, connector_id: int, wanted: str) -> Iterable[tuple[ItemKind, int]]:
    rows = session.execute(
        text(
            "SELECT kind, source_id FROM source_item WHERE connector_id = (SELECT :connector) AND sku_key = :key"
            " ORDER BY kind, source_id LIMIT :most"
        ),
        {"connector": connector_id, "key": wanted, "most": MOST},
    )
    return [(ItemKind(row[0]), row[1]) for row in rows]


def _by_reference(session: Session, connector_id: int, term: str, wanted: str) -> Iterable[tuple[ItemKind, int]]:
    """By the index of texts (decision 0014), where a reference stands behind a blank, in small letters as it is."""
    if not any(letter.isalnum() for letter in wanted):
        return []
    escaped = term.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = session.execute(
        text("""
        SELECT i.kind, i.source_id, i.cells ->> 'REF' FROM unnest(CAST(:kinds AS text[])) AS k (kind)
        CROSS JOIN unnest(CAST(:patterns AS text[])) AS p (pattern)
        CROSS JOIN LATERAL found_items(:connector, k.kind, p.pattern, -1, :most) AS n (source_id)
        JOIN source_item i ON i.connector_id = (SELECT :connector) AND i.kind = k.kind AND i.source_id = n.source_id
        """),
        {
            "connector": connector_id,
            "kinds": [kind.value for kind in ItemKind],
            # A whole line; and what begins so, since a line may end with blanks.
            "patterns": [f"% {escaped}\n %", f"% {escaped}%"],
            "most": MOST,
        },
    )
    # As the term is compared: a reference may end with a blank, or have a letter that is two when it is small.
    return [(ItemKind(row[0]), row[1]) for row in rows if key(row[2]) == wanted]
