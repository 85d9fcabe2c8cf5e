"""What has grown old goes: a connector's runs with all that hangs on them, a portion at a time."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.vocabulary import ENDED

KEPT_RUNS = 19
"""The last runs of the register stay, however old they are; and so does the last one that closed its books."""
PORTION = 20_000
"""Rows of history that go at a time: so many, that a run's end is not kept waiting for a second."""


def prune(session: Session, connector_id: int, *, days: int, portion: int = PORTION) -> int:
    """Delete a portion of what is older than so many days; how many rows it was, runs included."""
    given = {"connector": connector_id, "days": days, "kept": KEPT_RUNS, "ended": [state.value for state in ENDED]}
    gone = _slices(session, given, portion)
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
