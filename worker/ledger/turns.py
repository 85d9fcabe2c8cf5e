"""Whose turn it is: tag, dispatch, claim, renew, release, sweep.

Start-time fair queueing between tenants (design §5); what a turn costs is reckoned in `tags`, and by the same sums in
the database's function `release_turn`; here rows are locked, read and written. Everything but `claim` and `renew` acts
across tenants and needs a session as scheduler. All times are Postgres's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from models.vocabulary import TurnState
from worker.ledger import processes, slices, tags
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text

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
class Claimed:
    """A turn that is a slice's now."""

    waited: float | None
    """Seconds since it was tagged, or lost by the slice before it; None = not known."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a heartbeat learnt."""

    stop_asked: bool


def make_ready(session: Session, connector_ids: Sequence[int], *, quantum: float) -> None:
    """Give each of these connectors its next tag, unless it is on its way already (tags.charge)."""
    virtual_time = take_the_mutex(session)
    rows: Any = session.execute(
        text("""
        SELECT t.tenant_id, t.weight, t.virtual_finish, u.connector_id FROM turn u JOIN tenant_turn t USING (tenant_id)
        WHERE u.connector_id = ANY(:ids) AND u.state IN ('parked', 'broken', 'running')
        ORDER BY t.tenant_id, u.connector_id FOR UPDATE OF t
        """),
        {"ids": list(connector_ids)},
    ).all()
    finishes: list[tuple[int, float]] = []
    given: list[tuple[int, float]] = []
    for (tenant_id, weight, finish), of_tenant in groupby(rows, key=lambda row: row[:3]):
        ids = [row.connector_id for row in of_tenant]
        charged = tags.charge(virtual_time, finish, weight=weight, quantum=quantum, turns=len(ids))
        finishes.append((tenant_id, charged.finish))
        given += zip(ids, charged.tags, strict=True)
    keep_finishes(session, finishes)
    _set_ready(session, given)


def _set_ready(session: Session, given: Sequence[tuple[int, float]]) -> None:
    """These turns are ready, each with its tag."""
    values, parameters = rows_of({"id": "bigint", "tag": "float8"}, given)
    session.execute(
        text(
            "UPDATE turn SET state = 'ready', ready_at = now(), not_before = '-infinity', deadline = NULL,"  # noqa: S608
            f" again = false, tag = r.tag FROM {values} WHERE connector_id = r.id"
        ),
        parameters,
    )


def keep_finishes(session: Session, finishes: Sequence[tuple[int, float]]) -> None:
    """The virtual finishes of these tenants."""
    values, parameters = rows_of({"id": "bigint", "finish": "float8"}, finishes)
    session.execute(
        text(f"UPDATE tenant_turn SET virtual_finish = r.finish FROM {values} WHERE tenant_id = r.id"),  # noqa: S608 idem
        parameters,
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
        make_ready(session, [connector_id], quantum=quantum)


def take_the_mutex(session: Session) -> float:
    """The virtual time, which stands until the commit: it moves past no tag that is not committed yet.

    Locks are taken in one order everywhere: the turn, the scheduler, the tenant. Who holds the scheduler
    waits for no turn (SKIP LOCKED), so that nobody waits in a circle.
    """
    return _scheduler(session, wait=True) or 0.0


def dispatch(session: Session, *, door: int, ttl: float, wait: bool = True) -> list[Dispatched]:
    """Fill the door with the smallest tags; what is returned is published after the commit.

    The door has no more places than there are free slots: who would stand there longer than a hand-off could not be
    overtaken by somebody poorer (decision 0013). Where no worker has said how many it has, `door` alone counts.

    A connector passes if its store has no slice, neither its store nor its source rests, and its tenant is under its
    limit.
    """
    if not wait and _scheduler(session, wait=False) is None:
        return []
    passed = session.execute(_FILL, {"door": door, "ttl": ttl, "seen": processes.GONE_AFTER_SECONDS})
    return [Dispatched(*row) for row in passed]


_FILL = text("SELECT tenant_id, connector_id, epoch, tenant, name FROM fill_the_door(:door, :ttl, :seen)")
"""The scheduler is locked, and the first by their tags of those that may pass are dispatched, each of which moves the
virtual time up to its tag. A function of the database, which keeps its plans: the door is filled for every slice."""


def may_pass(*, but: str = "") -> str:
    """SQL: the turn `u` of tenant `t` and store `s` could have a worker now; slices under way count, `but` for some.

    The function `pass_the_door` says the same.
    """
    under_way = f"state IN ('dispatched', 'running'){but}"
    return f"""u.state = 'ready' AND greatest(s.not_before, u.source_not_before) <= now()
        AND NOT EXISTS (SELECT FROM turn b WHERE b.store_hash = u.store_hash AND b.{under_way})
        AND (t.max_slots IS NULL OR t.max_slots > (
          SELECT count(*) FROM turn b WHERE b.tenant_id = u.tenant_id AND b.{under_way}))"""  # noqa: S608 constants


def take_the_baton(session: Session, *, wait: bool = False) -> bool:
    """Whether this pacemaker is the one that acts now; the lock lasts until the transaction's end."""
    return _scheduler(session, wait=wait) is not None


_SCHEDULER = text("SELECT virtual_time FROM scheduler FOR UPDATE")
_FREE_SCHEDULER = text("SELECT virtual_time FROM scheduler FOR UPDATE SKIP LOCKED")


def _scheduler(session: Session, *, wait: bool) -> float | None:
    """The virtual time, with the lock that is mutex and baton at once; None where another one has it (not `wait`)."""
    row = session.execute(_SCHEDULER if wait else _FREE_SCHEDULER).first()
    return None if row is None else float(row.virtual_time)


def claim(session: Session, connector_id: int, epoch: int, *, lease: float, worker: str) -> Claimed | None:
    """Take the turn that was dispatched with this epoch; None for a doubled, late or stolen message.

    The log of slices has the slice from then on.
    """
    row = session.execute(_CLAIM, {"id": connector_id, "epoch": epoch, "lease": lease, "worker": worker}).first()
    return None if row is None else Claimed(row.waited)


_CLAIM = text("SELECT waited FROM claim_turn(:id, :epoch, :lease, :worker)")


def renew(session: Session, connector_id: int, epoch: int, *, lease: float, progress: bool) -> Renewed | None:
    """Fence and heartbeat in one: None = the turn is lost, and nothing of this transaction may stand."""
    row = session.execute(_RENEW, {"id": connector_id, "epoch": epoch, "lease": lease, "progress": progress}).first()
    return None if row is None else Renewed(row.stop_asked)


_RENEW = text("SELECT * FROM renew_turn(:id, :epoch, :lease, :progress)")
"""Asked by every save of every slice; a function of the database, which keeps its plan."""


def is_wanted(session: Session, connector_id: int, epoch: int, *, quantum: float, ttl: float) -> bool:
    """Whether somebody poorer waits: one who would come next, were this slice given back now (tags.is_wanted).

    Who could not have the worker does not count: its neighbour rests, another slice has its store, its tenant's plan
    gives it no more slots. What is at the door (dispatched for `ttl` seconds) counts from its third second on: until
    then a worker is about to take it.
    """
    row = session.execute(
        text(f"""
        SELECT least(
            (SELECT u.tag FROM turn u JOIN tenant_turn t USING (tenant_id) LEFT JOIN store_turn s USING (store_hash)
               WHERE {may_pass(but=" AND b.connector_id <> :id")} ORDER BY u.tag LIMIT 1),
            (SELECT min(tag) FROM turn WHERE state = 'dispatched'
               AND deadline < now() + make_interval(secs => :ttl - 2))) AS waiting,
          (SELECT virtual_time FROM scheduler) AS virtual_time, t.virtual_finish AS finish, t.weight,
          extract(epoch FROM now() - mine.started_at)::float8 AS held
        FROM turn mine JOIN tenant_turn t USING (tenant_id)
        WHERE mine.connector_id = :id AND mine.epoch = :epoch AND mine.state = 'running'
        """),  # noqa: S608 constants
        {"id": connector_id, "epoch": epoch, "ttl": ttl},
    ).one_or_none()
    return row is not None and tags.is_wanted(**row._asdict(), quantum=quantum)


def release(
    session: Session,
    connector_id: int,
    epoch: int,
    *,
    quantum: float,
    park: float | None,
    failed: bool = False,
    end: slices.Ended | None = None,
) -> bool:
    """Give the turn back and charge the seconds held; False if it was lost.

    `park`: seconds until it is due again; None = there is more work, tag again at once. A request that
    came meanwhile (`again`) wins over parking. `failed`: no progress was made; after five such the turn
    is broken. `end`: what the log of slices is to say, if it can be written to.
    """
    row = session.execute(
        _RELEASE,
        {"id": connector_id, "epoch": epoch, "quantum": quantum, "park": park, "failed": failed, "most": BROKEN_AFTER}
        | (_UNTOLD if end is None else asdict(end)),
    ).first()
    return row is not None


_UNTOLD: dict[str, Any] = {"why": None, "step": None, "calls": 0, "settled": 0}
_RELEASE = text(
    "SELECT becomes FROM release_turn(:id, :epoch, :quantum, :park, :failed, :most, :why, :step, :calls, :settled)"
)
"""A function of the database, which keeps its plans: all others wait while it holds the scheduler."""


def weight_and_finish(session: Session, tenant_id: int) -> tuple[float, float]:
    """The tenant's, which nobody else changes until the commit."""
    row = session.execute(
        text("SELECT weight, virtual_finish FROM tenant_turn WHERE tenant_id = :id FOR UPDATE"), {"id": tenant_id}
    ).one()
    return float(row.weight), float(row.virtual_finish)


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
