"""What is done to the service. Each fault puts right what it did before it returns, and leaves time to recover."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from sqlalchemy import text

from sandbox.chaos.app import DIES_AT, FREEZES_AT
from sandbox.chaos.service import Service
from worker.ledger.session import as_scheduler
from worker.ledger.turns import Dispatched
from worker.tasks import publish

Fault = Callable[[Service], None]

PLACES = ("one", "two")
AWAY_SECONDS = 4.0
"""How long a server or a neighbour is away."""
SETTLE_SECONDS = 3.0
"""Beyond the lease, until what was hit must be at work again."""
LATEST_MOMENT = 120
"""Calls and commits after which a worker kills itself at the latest."""
SECONDS_TO_DIE = 25.0
"""A worker that has not come to its moment by then is killed."""
SECONDS_TO_START = 40.0
DOUBLES = 3


def kill(service: Service) -> None:
    """`kill -9` of a worker that holds slices."""
    worker = service.platform.workers[_busiest(service)]
    worker.send(signal.SIGKILL)
    worker.child.process.wait()
    service.platform.tend()
    service.live(service.lease + SETTLE_SECONDS)
    _both_at_work(service)


def freeze(service: Service) -> None:
    """SIGSTOP until the leases have run out and others have taken over; then the zombie wakes up."""
    worker = service.platform.workers[_busiest(service)]
    worker.send(signal.SIGSTOP)
    service.platform.hit(worker, "SIGSTOP")
    service.live(service.lease + SETTLE_SECONDS)
    worker.send(signal.SIGCONT)
    service.live(2.0)


def terminate(service: Service) -> None:
    """SIGTERM: the worker hands over and leaves; another is started."""
    service.platform.workers[service.chance.choice(PLACES)].send(signal.SIGTERM)
    service.live(2.0)
    _both_at_work(service)


def flush_redis(service: Service) -> None:
    """Every message and every quota is gone."""
    with service.broker() as broker:
        broker.flushall()
    service.live(8.0)


def restart_redis(service: Service) -> None:
    """Redis is killed, and comes back empty."""
    service.may_trade = False
    service.ground.redis.stop()
    service.live(AWAY_SECONDS)
    service.ground.redis.start()
    service.may_trade = True
    service.live(10.0)


def crash_postgres(service: Service) -> None:
    """Postgres ends without a checkpoint, and comes back with what was committed."""
    service.may_trade = False
    service.ground.postgres.crash(AWAY_SECONDS)
    service.ground.postgres.wait()
    service.engine.dispose()
    service.may_trade = True
    service.live(service.lease + SETTLE_SECONDS + 2)


def cut_the_broker(service: Service) -> None:
    """Every connection to Redis is closed."""
    with service.broker() as broker:
        for kind in ("normal", "pubsub"):
            broker.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
    service.live(4.0)


def double_messages(service: Service) -> None:
    """The messages of every connector's present and last slices, several times."""
    with as_scheduler(service.engine) as session:
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
    service.live(3.0)


def trouble_the_stores(service: Service, fault: dict[str, object]) -> None:
    """Every store answers so for a while."""
    service.trouble_stores(fault)
    service.live(AWAY_SECONDS)
    service.trouble_stores()
    service.live(4.0)


def trouble_the_sources(service: Service, fault: dict[str, object]) -> None:
    """Every source answers so for a while, and tenants ask for runs all the same."""
    service.trouble_sources(fault | {"times": None})
    service.live(AWAY_SECONDS)
    service.trouble_sources()
    service.live(4.0)


def hang_the_stores(service: Service) -> None:
    """The stores take calls and answer none; later they answer what they were asked."""
    service.may_trade = False
    child = service.ground.store.process
    child.send_signal(signal.SIGSTOP)
    service.live(AWAY_SECONDS + 2)
    child.send_signal(signal.SIGCONT)
    service.may_trade = True
    service.live(4.0)


def die_at_a_drawn_point(service: Service) -> None:
    """A worker that dies by its own hand before or after one of its calls or commits."""
    place = service.chance.choice(PLACES)
    service.platform.next_is(place, {DIES_AT: str(service.chance.randrange(LATEST_MOMENT))})
    replace(service, place)
    worker = service.platform.workers[place]
    _live_until(service, worker.child.has_ended, SECONDS_TO_DIE)
    if not worker.child.has_ended():
        worker.send(signal.SIGKILL)
        worker.child.process.wait()
    service.live(service.lease + SETTLE_SECONDS)
    _both_at_work(service)


def freeze_at_a_drawn_point(service: Service) -> None:
    """A worker that is stopped before or after one of its calls or commits: in the midst of a transaction."""
    place = service.chance.choice(PLACES)
    service.platform.next_is(place, {FREEZES_AT: str(service.chance.randrange(LATEST_MOMENT))})
    replace(service, place)
    worker = service.platform.workers[place]
    _live_until(service, partial(_is_stopped, worker.child.process.pid), SECONDS_TO_DIE)
    if _is_stopped(worker.child.process.pid):
        service.platform.hit(worker, "SIGSTOP at a moment of its own")
        service.live(service.lease + SETTLE_SECONDS)
        worker.send(signal.SIGCONT)
    service.live(1.0)


def replace(service: Service, place: str) -> None:
    """End this place's worker politely, and wait until its successor is there."""
    old = service.platform.workers[place]
    old.send(signal.SIGTERM)
    _live_until(service, lambda: service.platform.workers[place] is not old, SECONDS_TO_START)


def _busiest(service: Service) -> str:
    """The place whose worker holds the most slices, waited for a moment where nobody has anything to do."""
    for _ in range(100):
        with as_scheduler(service.engine) as session:
            rows = session.execute(
                text(
                    "SELECT split_part(worker, '@', 1), count(*) FROM turn WHERE state = 'running' GROUP BY 1"
                    " ORDER BY 2 DESC"
                )
            ).all()
        nodes = {worker.node: place for place, worker in service.platform.workers.items()}
        for node, _count in rows:
            if node in nodes:
                return nodes[node]
        service.live(0.1)
    return service.chance.choice(PLACES)


def _both_at_work(service: Service) -> None:
    """Wait until a worker lives at each place."""
    _live_until(service, lambda: all(service.platform.has(place) for place in PLACES), SECONDS_TO_START)


def _live_until(service: Service, claim: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds / 0.1)):
        if claim():
            return
        service.live(0.1)


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
    "dies at a drawn point": die_at_a_drawn_point,
    "frozen at a drawn point": freeze_at_a_drawn_point,
}
"""By the names under which the table counts them."""
