"""What has grown old goes, a portion at a time: runs, the journal, items gone at the source."""

from __future__ import annotations

from models.vocabulary import ENDED
from worker.ledger.session import Session
from worker.ledger.statement import text

KEPT_RUNS = 19
"""The last runs of the register stay, however old they are; and so does the last one that closed its books."""
JOURNAL_DAYS = 730
"""Who changed what is asked long after: two years."""
PORTION = 20_000
"""Rows of history that go at a time: so many, that a run's end is not kept waiting for a second."""


def prune(session: Session, connector_id: int, *, days: int, portion: int = PORTION) -> int:
    """Delete a portion of what is older than so many days; how many rows it was, runs and items included."""
    given = {"connector": connector_id, "days": days, "kept": KEPT_RUNS, "ended": [state.value for state in ENDED]}
    gone = _slices(session, given, portion)
    gone += _journal(session, connector_id, portion - gone)
    gone += forget_items(session, connector_id, days=days, portion=portion - gone)
    session.execute(
        text("DELETE FROM item_count WHERE connector_id = (SELECT :connector) AND count = 0"),
        {"connector": connector_id},
    )
    while gone < portion and (run_id := session.scalar(text(_OLDEST), given)) is not None:
        of_run = {"connector": connector_id, "run": run_id, "left": portion - gone}
        found = len(session.execute(text(_HISTORY), of_run).all())
        gone += found
        if found < of_run["left"]:
            session.execute(
                text("DELETE FROM slice_log WHERE connector_id = :connector AND run_id = :run"),
                {"connector": connector_id, "run": run_id},
            )
            # Its counters and messages go with it.
            session.execute(text("DELETE FROM run WHERE id = :run"), {"run": run_id})
            gone += 1
    return gone


_OLDEST = """
    SELECT min(id) FROM run WHERE connector_id = :connector AND state = ANY(:ended)
      AND ended_at < now() - :days * interval '1 day'
      AND id < ALL (SELECT id FROM run WHERE connector_id = :connector AND listed ORDER BY id DESC LIMIT :kept)
      AND id < ALL (SELECT max(id) FROM run WHERE connector_id = :connector AND listed
        AND state IN ('completed', 'completed_with_errors') HAVING max(id) IS NOT NULL)
"""

_HISTORY = """
    DELETE FROM item_history WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM item_history WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run) LIMIT :left))
    RETURNING 1
"""


def _slices(session: Session, given: dict[str, object], portion: int) -> int:
    """The slices of checks, which have left no run behind."""
    rows = session.execute(
        text("""
        DELETE FROM slice_log WHERE connector_id = :connector AND epoch IN (
          SELECT epoch FROM (
            SELECT epoch, run_id, ended_at FROM slice_log WHERE connector_id = :connector ORDER BY epoch LIMIT :portion
          ) oldest WHERE run_id IS NULL AND ended_at < now() - :days * interval '1 day')
        RETURNING 1
        """),
        {**given, "portion": portion},
    )
    return len(rows.all())


def _journal(session: Session, connector_id: int, portion: int) -> int:
    rows = session.execute(
        text("""
        DELETE FROM journal WHERE id IN (SELECT id FROM (
          SELECT id, at FROM journal WHERE connector_id = :connector ORDER BY id LIMIT :portion) oldest
          WHERE at < now() - :days * interval '1 day')
        RETURNING 1
        """),
        {"connector": connector_id, "days": JOURNAL_DAYS, "portion": portion},
    )
    return len(rows.all())


def forget_items(session: Session, connector_id: int, *, days: int, portion: int) -> int:
    """Delete a portion of the products and variants that are gone at the source and nowhere in the store; how many.

    Nothing depends on them: should one come back, it comes as a new one, and whole (law 6). What was ever linked stays,
    since it is to be shown again, not made again; so does what still has something to be done, what was told of within
    so many days, and a product that has variants left. Categories stay: they are few, and roots are known by them.
    """
    rows = session.execute(text(_NOWHERE), {"connector": connector_id, "days": days, "portion": portion})
    return len(rows.all())


_NOWHERE = """
    WITH nowhere AS (
      SELECT kind, source_id FROM source_item i
      WHERE i.connector_id = (SELECT :connector) AND i.gone AND NOT i.due AND i.kind <> 'category'
        AND NOT EXISTS (SELECT FROM relation l WHERE l.connector_id = (SELECT :connector) AND l.kind = i.kind
          AND l.source_id = i.source_id)
        AND NOT EXISTS (SELECT FROM pending_change c WHERE c.connector_id = (SELECT :connector) AND c.kind = i.kind
          AND c.source_id = i.source_id)
        AND NOT EXISTS (SELECT FROM item_status s WHERE s.connector_id = (SELECT :connector) AND s.kind = i.kind
          AND s.source_id = i.source_id AND s.at >= now() - :days * interval '1 day')
        AND NOT (i.kind = 'product' AND EXISTS (SELECT FROM source_item v WHERE v.connector_id = (SELECT :connector)
          AND v.kind = (SELECT 'variant') AND v.parent_id = i.source_id))
      LIMIT :portion
    ), texts AS (
      DELETE FROM item_text t USING nowhere n
      WHERE t.connector_id = (SELECT :connector) AND t.kind = n.kind AND t.source_id = n.source_id
    ), told AS (
      DELETE FROM item_status s USING nowhere n
      WHERE s.connector_id = (SELECT :connector) AND s.kind = n.kind AND s.source_id = n.source_id
    )
    DELETE FROM source_item i USING nowhere n
    WHERE i.connector_id = (SELECT :connector) AND i.kind = n.kind AND i.source_id = n.source_id RETURNING 1
"""


def connectors(session: Session) -> list[int]:
    """The connectors of the session's tenant."""
    return list(session.scalars(text("SELECT id FROM connector ORDER BY id")))


def prune_idle(session: Session, connector_id: int, *, days: int, portion: int = PORTION) -> int:
    """The same for a connector that nobody works on: its turn is held meanwhile, as by a slice; how many rows."""
    held = session.execute(
        text("SELECT FROM turn WHERE connector_id = :id AND state IN ('parked', 'broken') FOR UPDATE SKIP LOCKED"),
        {"id": connector_id},
    ).all()
    return prune(session, connector_id, days=days, portion=portion) if held else 0
