"""What is done to the service.

Each fault puts right what it did before it returns, and leaves time to recover.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from sqlalchemy import text

from sandbox.chaos.dying import DIES_AT, FREEZES_AT
from sandbox.chaos.platform import Worker
from sandbox.chaos.trial import Trial
from worker.ledger.session import as_scheduler
from worker.ledger.turns import Dispatched
from worker.tasks import publish

Fault = Callable[[Trial], None]

PLACES = ("one", "two")
AWAY_SECONDS = 4.0
"""How long a server or a neighbour is away."""
SETTLE_SECONDS = 3.0
"""Beyond the lease, until what was hit must be at work again."""
LATEST_MOMENT = 150
"""Calls and commits after which a worker kills itself at the latest."""
SECONDS_TO_DIE = 25.0
"""A worker that has not come to its moment by then is killed."""
SECONDS_TO_START = 40.0
DOUBLES = 3


def kill(trial: Trial) -> None:
    """`kill -9` of a worker that holds slices."""
    worker = trial.platform.workers[_busiest(trial)]
    worker.send(signal.SIGKILL)
    worker.child.process.wait()
    trial.platform.tend()
    trial.live(trial.lease + SETTLE_SECONDS)
    _both_at_work(trial)


def freeze(trial: Trial) -> None:
    """SIGSTOP until the leases have run out and others have taken over; then the zombie wakes up."""
    worker = trial.platform.workers[_busiest(trial)]
    worker.send(signal.SIGSTOP)
    trial.platform.hit(worker, "SIGSTOP")
    trial.live(trial.lease + SETTLE_SECONDS)
    worker.send(signal.SIGCONT)
    trial.live(2.0)


def terminate(trial: Trial) -> None:
    """SIGTERM: the worker hands over and leaves; another is started."""
    trial.platform.workers[trial.chance.choice(PLACES)].send(signal.SIGTERM)
    trial.live(2.0)
    _both_at_work(trial)


def flush_redis(trial: Trial) -> None:
    """Every message and every quota is gone."""
    with trial.broker() as broker:
        broker.flushall()
    trial.live(8.0)


def restart_redis(trial: Trial) -> None:
    """Redis is killed, and comes back empty."""
    trial.may_trade = False
    trial.ground.redis.stop()
    trial.live(AWAY_SECONDS)
    trial.ground.redis.start()
    trial.may_trade = True
    trial.live(10.0)


def crash_postgres(trial: Trial) -> None:
    """Postgres ends without a checkpoint, and comes back with what was committed."""
    trial.may_trade = False
    trial.ground.postgres.crash(AWAY_SECONDS)
    trial.ground.postgres.wait()
    trial.engine.dispose()
    trial.may_trade = True
    trial.live(trial.lease + SETTLE_SECONDS + 2)


def cut_the_broker(trial: Trial) -> None:
    """Every connection to Redis is closed."""
    with trial.broker() as broker:
        for kind in ("normal", "pubsub"):
            broker.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    trial.live(4.0)


def double_messages(trial: Trial) -> None:
    """The messages of every connector's present and last slices, several times."""
    with as_scheduler(trial.engine) as session:
        rows = session.execute(
            text(
                "SELECT u.tenant_id, u.connector_id, u.epoch, t.name, u.name FROM turn u"
                " JOIN tenant_turn t USING (tenant_id)"
            )
        ).all()
    for tenant_id, connector_id, epoch, tenant, connector in rows:
        for old in range(DOUBLES):
            for _ in range(DOUBLES):
                publish(Dispatched(tenant_id, connector_id, max(1, epoch - old), tenant, connector))
    trial.live(3.0)


def trouble_the_stores(trial: Trial, fault: dict[str, object]) -> None:
    """Every store answers so for a while."""
    trial.trouble_stores(fault)
    trial.live(AWAY_SECONDS)
    trial.trouble_stores()
    trial.live(4.0)


def trouble_the_sources(trial: Trial, fault: dict[str, object]) -> None:
    """Every source answers so for a while, and tenants ask for runs all the same."""
    trial.trouble_sources(fault | {"times": None})
    trial.live(AWAY_SECONDS)
    trial.trouble_sources()
    trial.live(4.0)


def hang_the_stores(trial: Trial) -> None:
    """The stores take calls and answer none; later they answer what they were asked."""
    trial.may_trade = False
    child = trial.ground.store.process
    child.send_signal(signal.SIGSTOP)
    trial.live(AWAY_SECONDS + 2)
    child.send_signal(signal.SIGCONT)
    trial.may_trade = True
    trial.live(4.0)


def die_at_drawn_points(trial: Trial, points: int) -> None:
    """A worker that dies by its own hand before or after one of its calls or commits; its successors do so too."""
    place = trial.chance.choice(PLACES)
    drawn = [{DIES_AT: str(trial.chance.randrange(LATEST_MOMENT))} for _ in range(points)]
    trial.platform.next_is(place, drawn[0])
    replace(trial, place)
    usual = trial.platform.seconds_before_another
    for following in [*drawn[1:], None]:
        worker = trial.platform.workers[place]
        if following is not None:
            trial.platform.next_is(place, following)
            # What one of them held is claimed again before the next one can take its message and die of that.
            trial.platform.seconds_before_another = trial.lease + SETTLE_SECONDS
        _live_until(trial, worker.child.has_ended, SECONDS_TO_DIE)
        if not worker.child.has_ended():
            worker.send(signal.SIGKILL)
            worker.child.process.wait()
        _live_until(trial, partial(_is_succeeded, trial, place, worker), SECONDS_TO_START)
        trial.platform.seconds_before_another = usual
    trial.live(trial.lease + SETTLE_SECONDS)
    _both_at_work(trial)


def freeze_at_a_drawn_point(trial: Trial) -> None:
    """A worker that is stopped before or after one of its calls or commits: in the midst of a transaction."""
    place = trial.chance.choice(PLACES)
    trial.platform.next_is(place, {FREEZES_AT: str(trial.chance.randrange(LATEST_MOMENT))})
    replace(trial, place)
    worker = trial.platform.workers[place]
    _live_until(trial, partial(_is_stopped, worker.child.process.pid), SECONDS_TO_DIE)
    if _is_stopped(worker.child.process.pid):
        trial.platform.hit(worker, "SIGSTOP at a moment of its own")
        trial.live(trial.lease + SETTLE_SECONDS)
        worker.send(signal.SIGCONT)
    trial.live(1.0)


def replace(trial: Trial, place: str) -> None:
    """End this place's worker politely, and wait until its successor is there."""
    old = trial.platform.workers[place]
    old.send(signal.SIGTERM)
    _live_until(trial, partial(_is_succeeded, trial, place, old), SECONDS_TO_START)


def _is_succeeded(trial: Trial, place: str, worker: Worker) -> bool:
    return trial.platform.workers[place] is not worker


def _busiest(trial: Trial) -> str:
    """The place whose worker holds the most slices, waited for a moment where nobody has anything to do."""
    for _ in range(100):
        with as_scheduler(trial.engine) as session:
            rows = session.execute(
                text(
                    "SELECT split_part(worker, '@', 1), count(*) FROM turn WHERE state = 'running' GROUP BY 1"
                    " ORDER BY 2 DESC"
                )
            ).all()
        nodes = {worker.node: place for place, worker in trial.platform.workers.items()}
        for node, _count in rows:
            if node in nodes:
                return nodes[node]
        trial.live(0.1)
    return trial.chance.choice(PLACES)


def _both_at_work(trial: Trial) -> None:
    """Wait until a worker lives at each place."""
    _live_until(trial, lambda: all(trial.platform.has(place) for place in PLACES), SECONDS_TO_START)


def _live_until(trial: Trial, claim: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds / 0.1)):
        if claim():
            return
        trial.live(0.1)


def _is_stopped(pid: int) -> bool:
    """Whether that process is stopped by a signal."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as told:  # noqa: PTH123 one line
            return told.read().rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return False


SOMETIMES = {"probability": 0.4}
"""A share of the calls, as in a deploy that is half done."""
FAULTS: dict[str, Fault] = {
    "killed (-9)": kill,
    "frozen past the lease": freeze,
    "terminated": terminate,
    "Redis flushed": flush_redis,
    "Redis killed, back empty": restart_redis,
    "Postgres crashed": crash_postgres,
    "broker's connections cut": cut_the_broker,
    "messages doubled": double_messages,
    "stores hang": hang_the_stores,
    "stores hang up": partial(trouble_the_stores, fault={"action": "drop_before"}),
    "stores act and hang up": partial(trouble_the_stores, fault={"action": "drop_after_commit", "match": SOMETIMES}),
    "stores answer 503": partial(trouble_the_stores, fault={"action": "status_before", "status": 503}),
    "stores act and answer 502": partial(
        trouble_the_stores, fault={"action": "status_after", "status": 502, "match": SOMETIMES}
    ),
    "sources hang up": partial(trouble_the_sources, fault={"kind": "drop"}),
    "sources answer 500": partial(trouble_the_sources, fault={"kind": "http", "status": 500}),
    "dies at a drawn point": partial(die_at_drawn_points, points=1),
    "dies at five drawn points": partial(die_at_drawn_points, points=5),
    "frozen at a drawn point": freeze_at_a_drawn_point,
}
"""By the names under which the table counts them."""
