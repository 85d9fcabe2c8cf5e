"""Turns that nobody gave back: leases that ran out, messages that were lost, and what is due by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker.ledger import tags, turns
from worker.ledger.session import Session
from worker.ledger.statement import text
from worker.ledger.turns import BROKEN_AFTER


def sweep(session: Session, *, quantum: float, ttl: float, queue_is_empty: bool) -> tuple[int, int]:
    """(leases that ran out or messages lost, parked turns that are due), all made ready again.

    Whoever lost its slice keeps its tag and its place, so it is next; its tenant is charged what the slice has held.
    A message is lost when the broker's queue is empty and a turn has been dispatched for five seconds, or when its
    deadline has passed.
    """
    lost = session.execute(
        text("""
        WITH over AS (
          SELECT connector_id, state, started_at FROM turn
          WHERE (state IN ('dispatched', 'running') AND deadline < now())
             OR (:empty AND state = 'dispatched' AND deadline < now() + make_interval(secs => :nearly))
          FOR UPDATE SKIP LOCKED
        ), ended AS (
          UPDATE slice_log l SET ended_at = now(), ended_why = 'turn_lost' FROM turn u JOIN over USING (connector_id)
          WHERE over.state = 'running' AND l.connector_id = u.connector_id AND l.epoch = u.epoch AND l.ended_at IS NULL
        )
        UPDATE turn u SET deadline = NULL,
               attempts = u.attempts + (over.state = 'running')::int,
               state = CASE WHEN over.state = 'running' AND u.attempts + 1 >= :broken THEN 'broken' ELSE 'ready' END
        FROM over WHERE u.connector_id = over.connector_id
        RETURNING u.tenant_id, u.state, over.state = 'running' AS has_run,
          extract(epoch FROM now() - over.started_at)::float8 AS held
        """),
        {"broken": BROKEN_AFTER, "empty": queue_is_empty, "nearly": ttl - 5},
    ).all()
    _charge_the_lost(session, [row for row in lost if row.has_run], quantum=quantum)
    due = session.scalars(
        text(
            "SELECT connector_id FROM turn WHERE state = 'parked' AND not_before <= now()"
            " ORDER BY not_before LIMIT 500 FOR UPDATE SKIP LOCKED"
        )
    ).all()
    if due:
        turns.make_ready(session, due, quantum=quantum)
    return len(lost), len(due)


def _charge_the_lost(session: Session, lost: Sequence[Any], *, quantum: float) -> None:
    """Whose workers die has held slots all the same; a turn that is next anew keeps what was charged beforehand."""
    if lost:
        turns.take_the_mutex(session)
    for row in sorted(lost, key=lambda row: int(row.tenant_id)):
        _settle(session, row.tenant_id, quantum=quantum if row.state == "broken" else 0.0, held=row.held)


def _settle(session: Session, tenant_id: int, *, quantum: float, held: float) -> None:
    """A slice of the tenant's is over: charge the seconds held, give back the quantum (tags.settle)."""
    weight, finish = turns.weight_and_finish(session, tenant_id)
    turns.keep_finishes(session, [(tenant_id, tags.settle(finish, weight=weight, quantum=quantum, held=held))])
