"""Whose turn it is: tag, dispatch, claim, renew, release, sweep.

Start-time fair queueing between tenants (design §5). Everything here but
`claim` and `renew` acts across tenants and needs a session as scheduler.
All times are Postgres's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.vocabulary import TurnState

BROKEN_AFTER = 5
"""Attempts without progress after which a turn is broken and an operator must look."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A slice whose message is to be published once the transaction is committed."""

    tenant_id: int
    connector_id: int
    epoch: int
    tenant: str
    connector: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a heartbeat learnt."""

    stop_asked: bool


def make_ready(session: Session, connector_ids: Sequence[int], *, quantum: float) -> None:
    """Give each of these connectors its next tag, unless it is on its way already.

    tag = max(virtual time, the tenant's finish); finish = tag + quantum / weight.
    """
    session.execute(
        text("""
        WITH waiting AS (
          SELECT connector_id, tenant_id,
                 row_number() OVER (PARTITION BY tenant_id ORDER BY connector_id) - 1 AS place
          FROM turn WHERE connector_id = ANY(:ids) AND state IN ('parked', 'broken', 'running')
        ), starts AS (
          SELECT tenant_id, weight,
                 greatest(virtual_finish, (SELECT virtual_time FROM scheduler)) AS start
          FROM tenant_turn WHERE tenant_id IN (SELECT tenant_id FROM waiting)
          ORDER BY tenant_id FOR UPDATE
        ), charged AS (
          UPDATE tenant_turn t SET virtual_finish = s.start
            + (SELECT count(*) FROM waiting w WHERE w.tenant_id = t.tenant_id) * :quantum / t.weight
          FROM starts s WHERE t.tenant_id = s.tenant_id
        )
        UPDATE turn u SET state = 'ready', ready_at = now(), not_before = '-infinity', deadline = NULL,
               again = false, tag = s.start + w.place * :quantum / s.weight
        FROM waiting w JOIN starts s USING (tenant_id) WHERE u.connector_id = w.connector_id
        """),
        {"ids": list(connector_ids), "quantum": quantum},
    )


def wake(session: Session, connector_id: int, *, quantum: float) -> None:
    """Somebody asked for a run: ready at once if parked, again afterwards if its slice is under way."""
    session.execute(
        text("UPDATE turn SET again = true WHERE connector_id = :id AND state IN ('dispatched', 'running')"),
        {"id": connector_id},
    )
    session.execute(
        text("UPDATE turn SET attempts = 0 WHERE connector_id = :id AND state = 'broken'"), {"id": connector_id}
    )
    waiting = session.scalar(
        text("SELECT connector_id FROM turn WHERE connector_id = :id AND state IN ('parked', 'broken') FOR UPDATE"),
        {"id": connector_id},
    )
    if waiting is not None:
        _take_the_mutex(session)
        make_ready(session, [connector_id], quantum=quantum)


def _take_the_mutex(session: Session) -> None:
    """Tags are given one transaction at a time: no virtual time moves past a tag before it is committed.

    Locks are taken in one order everywhere: the turn, the scheduler, the tenant. Who holds the scheduler
    waits for no turn (SKIP LOCKED), so that nobody waits in a circle.
    """
    session.execute(text("SELECT 1 FROM scheduler FOR UPDATE"))


def dispatch(session: Session, *, door: int, ttl: float, wait: bool = True) -> list[Dispatched]:
    """Fill the door with the smallest tags; what is returned is published after the commit.

    A connector passes if its store has no slice, neither its store nor its source rests, and its tenant is under its
    limit.
    """
    if not take_the_baton(session, wait=wait):
        return []
    free = door - int(session.scalar(text("SELECT count(*) FROM turn WHERE state = 'dispatched'")))
    passed = []
    for _ in range(max(0, free)):
        row = session.execute(_PASS, {"ttl": ttl}).first()
        if row is None:
            break
        session.execute(text("UPDATE scheduler SET virtual_time = greatest(virtual_time, :tag)"), {"tag": row.tag})
        passed.append(Dispatched(row.tenant_id, row.connector_id, row.epoch, row.tenant, row.name))
    return passed


_PASS = text("""
    WITH next AS (
      SELECT u.connector_id FROM turn u JOIN tenant_turn t USING (tenant_id)
      LEFT JOIN store_turn s ON s.store_hash = u.store_hash
      WHERE u.state = 'ready' AND greatest(s.not_before, u.source_not_before) <= now()
        AND NOT EXISTS (SELECT FROM turn b WHERE b.store_hash = u.store_hash AND b.state IN ('dispatched', 'running'))
        AND (t.max_slots IS NULL OR t.max_slots > (
          SELECT count(*) FROM turn f WHERE f.tenant_id = u.tenant_id AND f.state IN ('dispatched', 'running')))
      ORDER BY u.tag, u.connector_id LIMIT 1 FOR UPDATE OF u SKIP LOCKED
    )
    UPDATE turn u SET state = 'dispatched', epoch = u.epoch + 1, deadline = now() + make_interval(secs => :ttl)
    FROM next, tenant_turn t WHERE u.connector_id = next.connector_id AND t.tenant_id = u.tenant_id
    RETURNING u.tenant_id, u.connector_id, u.epoch, u.tag, u.name, t.name AS tenant
""")


def take_the_baton(session: Session, *, wait: bool = False) -> bool:
    """Whether this pacemaker is the one that acts now; the lock lasts until the transaction's end."""
    lock = text("SELECT 1 FROM scheduler FOR UPDATE" if wait else "SELECT 1 FROM scheduler FOR UPDATE SKIP LOCKED")
    return session.execute(lock).first() is not None


def claim(session: Session, connector_id: int, epoch: int, *, lease: float, worker: str) -> bool:
    """Take the turn that was dispatched with this epoch; False for a doubled, late or stolen message."""
    claimed = session.execute(
        text("""
        UPDATE turn SET state = 'running', started_at = now(), worker = :worker, stop_asked = false,
               deadline = now() + make_interval(secs => :lease)
        WHERE connector_id = :id AND epoch = :epoch AND state = 'dispatched' RETURNING connector_id
        """),
        {"id": connector_id, "epoch": epoch, "lease": lease, "worker": worker},
    )
    return claimed.first() is not None


def renew(session: Session, connector_id: int, epoch: int, *, lease: float, progress: bool) -> Renewed | None:
    """Fence and heartbeat in one: None = the turn is lost, and nothing of this transaction may stand."""
    row = session.execute(
        text("""
        UPDATE turn SET deadline = now() + make_interval(secs => :lease),
               attempts = CASE WHEN :progress THEN 0 ELSE attempts END
        WHERE connector_id = :id AND epoch = :epoch AND state = 'running' RETURNING stop_asked
        """),
        {"id": connector_id, "epoch": epoch, "lease": lease, "progress": progress},
    ).first()
    return None if row is None else Renewed(row.stop_asked)


def is_wanted(session: Session, connector_id: int, epoch: int) -> bool:
    """Whether somebody poorer waits: a tag below this slice's own, counted with what it has held so far.

    Who waits for a neighbour that rests could not have the worker.
    """
    return bool(
        session.scalar(
            text("""
            SELECT coalesce(least(
                (SELECT u.tag FROM turn u LEFT JOIN store_turn s USING (store_hash)
                   WHERE u.state = 'ready' AND greatest(s.not_before, u.source_not_before) <= now()
                   ORDER BY u.tag LIMIT 1),
                (SELECT min(tag) FROM turn WHERE state = 'dispatched' AND deadline IS NOT NULL
                   AND ready_at < now() - interval '2 seconds'))
              < mine.tag + extract(epoch FROM now() - mine.started_at) / t.weight, false)
            FROM turn mine JOIN tenant_turn t USING (tenant_id)
            WHERE mine.connector_id = :id AND mine.epoch = :epoch
            """),
            {"id": connector_id, "epoch": epoch},
        )
    )


def release(
    session: Session, connector_id: int, epoch: int, *, quantum: float, park: float | None, failed: bool = False
) -> bool:
    """Give the turn back and charge the seconds held; False if it was lost.

    `park`: seconds until it is due again; None = there is more work, tag again at once. A request that
    came meanwhile (`again`) wins over parking. `failed`: no progress was made; after five such the turn
    is broken.
    """
    # The turn's row stays ours until the commit: no request (`again`) and no sweep comes in between.
    row = session.execute(
        text(
            "SELECT again, attempts FROM turn WHERE connector_id = :id AND epoch = :epoch AND state = 'running'"
            " FOR UPDATE"
        ),
        {"id": connector_id, "epoch": epoch},
    ).first()
    if row is None:
        return False
    _take_the_mutex(session)
    session.execute(
        text("""
        UPDATE tenant_turn t
        SET virtual_finish = virtual_finish + (extract(epoch FROM now() - u.started_at) - :quantum) / weight
        FROM turn u WHERE u.connector_id = :id AND t.tenant_id = u.tenant_id
        """),
        {"id": connector_id, "quantum": quantum},
    )
    if failed and row.attempts + 1 >= BROKEN_AFTER:
        session.execute(
            text("UPDATE turn SET state = 'broken', attempts = attempts + 1, deadline = NULL WHERE connector_id = :id"),
            {"id": connector_id},
        )
        return True
    if failed:
        session.execute(text("UPDATE turn SET attempts = attempts + 1 WHERE connector_id = :id"), {"id": connector_id})
    if park is None or (row.again and not failed):
        make_ready(session, [connector_id], quantum=quantum)
    else:
        session.execute(
            text(
                "UPDATE turn SET state = 'parked', deadline = NULL, tag = NULL,"
                " not_before = CASE WHEN CAST(:park AS float8) = 'infinity' THEN 'infinity'"
                "   ELSE now() + make_interval(secs => least(CAST(:park AS float8), 1e8)) END"
                " WHERE connector_id = :id"
            ),
            {"id": connector_id, "park": park},
        )
    return True


def ask_to_stop(session: Session, connector_id: int) -> None:
    """Tell the slice under way to stop: it hears so at its next beat.

    The turn is the caller's until the commit: no slice begins in between.
    """
    session.execute(
        text("UPDATE turn SET stop_asked = (state = 'running') WHERE connector_id = :id"), {"id": connector_id}
    )


def park(session: Session, connector_id: int, *, seconds: float) -> None:
    """A turn that no slice holds is due again after so many seconds; its message, if one is out, is good for nothing.

    A tag that it had is given up; what its tenant was charged for it is not paid back.
    """
    session.execute(
        text(
            "UPDATE turn SET state = 'parked', tag = NULL, deadline = NULL,"
            " not_before = now() + make_interval(secs => :seconds)"
            " WHERE connector_id = :id AND state IN ('parked', 'ready', 'dispatched')"
        ),
        {"id": connector_id, "seconds": seconds},
    )


def state(session: Session, connector_id: int) -> TurnState | None:
    """Where the turn stands; None where the connector is gone."""
    found = session.scalar(text("SELECT state FROM turn WHERE connector_id = :id"), {"id": connector_id})
    return None if found is None else TurnState(found)


def fence_off(session: Session, connector_id: int) -> None:
    """Take the turn away from whoever holds it, for good: its message claims nothing, its slice can save nothing."""
    session.execute(
        text(
            "UPDATE turn SET state = 'parked', epoch = epoch + 1, tag = NULL, deadline = NULL, not_before = 'infinity'"
            " WHERE connector_id = :id"
        ),
        {"id": connector_id},
    )


def sweep(session: Session, *, quantum: float, ttl: float, queue_is_empty: bool) -> tuple[int, int]:
    """(leases that ran out or messages lost, parked turns that are due), all made ready again.

    Whoever lost its slice keeps its tag, so it is next. A message is lost when the broker's queue is
    empty and a turn has been dispatched for five seconds, or when its deadline has passed.
    """
    lost = session.execute(
        text("""
        UPDATE turn SET attempts = attempts + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
               state = CASE WHEN state = 'running' AND attempts + 1 >= :broken THEN 'broken' ELSE 'ready' END,
               ready_at = now(), deadline = NULL
        WHERE connector_id IN (
          SELECT connector_id FROM turn
          WHERE (state IN ('dispatched', 'running') AND deadline < now())
             OR (:empty AND state = 'dispatched' AND deadline < now() + make_interval(secs => :nearly))
          FOR UPDATE SKIP LOCKED) RETURNING connector_id
        """),
        {"broken": BROKEN_AFTER, "empty": queue_is_empty, "nearly": ttl - 5},
    ).all()
    due = session.scalars(
        text(
            "SELECT connector_id FROM turn WHERE state = 'parked' AND not_before <= now()"
            " ORDER BY not_before LIMIT 500 FOR UPDATE SKIP LOCKED"
        )
    ).all()
    if due:
        make_ready(session, due, quantum=quantum)
    return len(lost), len(due)


@dataclass(frozen=True, slots=True)
class Standing:
    """A turn as the operator sees it."""

    tenant: str
    connector: str
    tenant_id: int
    connector_id: int
    state: str
    tag: float | None
    not_before: datetime | None
    worker: str | None
    attempts: int
    rests_until: datetime | None = None
    """before that, nobody calls its store or its source, which have failed"""


def standings(session: Session) -> list[Standing]:
    """The turns of all connectors, in the order of tenants and names."""
    rows = session.execute(
        text(
            "SELECT t.name, u.name, u.tenant_id, u.connector_id, u.state, u.tag,"
            " CASE WHEN isfinite(u.not_before) THEN u.not_before END, u.worker, u.attempts,"
            " CASE WHEN greatest(s.not_before, u.source_not_before) > now()"
            " THEN greatest(s.not_before, u.source_not_before) END"
            " FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN store_turn s USING (store_hash)"
            " ORDER BY t.name, u.name"
        )
    )
    return [Standing(*row) for row in rows]
