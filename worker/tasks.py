"""The queue's door: a task opens, calls one function, publishes what it returned."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from celery import signals
from kombu.exceptions import ChannelError
from sqlalchemy.exc import SQLAlchemyError

from models.vocabulary import SliceEnd
from worker import logs
from worker.app import QUEUE, app
from worker.commands import runs as commands
from worker.commands.desk import Desk
from worker.ledger import rests, turns
from worker.ledger.session import as_scheduler
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.process import Process, process
from worker.scheduling import dispatch, metrics
from worker.scheduling.beginning import wait_for_schema
from worker.scheduling.caretaker import Caretaker
from worker.scheduling.deadline import Deadline
from worker.scheduling.endings import Ending
from worker.scheduling.pacemaker import Pacemaker
from worker.scheduling.slice import Slice
from worker.settings import settings
from worker.webhooks.postman import Postman
from worker.webhooks.reach import Reach

log = structlog.get_logger(__name__)

STUCK = 70
"""Exit code of a process with a stuck slot (EX_SOFTWARE): its supervisor starts another."""

_pacemaker: list[Pacemaker] = []
_postman: list[Postman] = []
_caretaker: list[Caretaker] = []


def publish(one: Dispatched) -> None:
    """Send the nudge for a dispatched slice; its task id is what Flower shows."""
    app.send_task(
        "connector.slice",
        kwargs={"tenant": one.tenant_id, "connector": one.connector_id, "epoch": one.epoch},
        task_id=f"{one.tenant}.{one.connector}.{one.epoch}",
        queue=QUEUE,
    )


@app.task(name="connector.slice", bind=True)
def slice_(self: Any, *, tenant: int, connector: int, epoch: int) -> str:
    """One slice of one connector; the short text that comes back is why it ended."""
    here = process()
    if here.draining.is_set():
        return "draining"  # the lease of a dispatched turn is found by the others' pacemakers
    with structlog.contextvars.bound_contextvars(tenant=tenant, connector=connector, slice=epoch):
        return run_slice(here, tenant, connector, epoch, worker=str(self.request.hostname), publish=publish)


def run_slice(
    here: Process, tenant: int, connector: int, epoch: int, *, worker: str, publish: Callable[[Dispatched], None]
) -> str:
    """Claim, fill the place at the door, work, release, dispatch."""
    config = here.settings
    deadline = Deadline(
        config.slice_seconds,
        config.slice_yield_seconds,
        config.lease_seconds,
        here.draining,
        heard=lambda: here.beats.__setitem__(threading.get_ident(), time.monotonic()),
    )
    slice_of = Slice(here.engine, config, here.meet, deadline, tenant, connector, epoch, worker, here.gate)
    if not slice_of.claim():
        return "stale"
    try:
        # The door has a free place now.
        dispatch.fill_the_door(here.engine, config, publish)
        ending = slice_of.work()
        log.info(
            "slice ended",
            reason=ending.why.value,
            step=slice_of.step,
            settled=slice_of.settled,
            seconds=round(deadline.elapsed, 2),
            park=ending.park,
        )
        _release(here, slice_of, ending, publish)
    finally:
        here.beats.pop(threading.get_ident(), None)
    return ending.why.value


def _release(here: Process, slice_of: Slice, ending: Ending, publish: Callable[[Dispatched], None]) -> None:
    """Give the turn back; where the database is away, the lease runs out and the pacemaker finds it."""
    config = here.settings
    if ending.why is SliceEnd.TURN_LOST:
        return
    try:
        slice_of.log_end(ending)
        with as_scheduler(here.engine) as session:
            for neighbour in sorted(slice_of.served_by()):
                rests.heal(session, neighbour, slice_of.connector_id, slice_of.epoch)
            turns.release(
                session,
                slice_of.connector_id,
                slice_of.epoch,
                quantum=config.slice_yield_seconds,
                park=ending.park,
                failed=ending.failed,
            )
            passed = turns.dispatch(session, door=config.door_size, ttl=config.dispatch_seconds)
    except SQLAlchemyError as trouble:
        log.warning("turn not released", error=type(trouble).__name__)
        return
    dispatch.send_off(passed, publish)


@app.task(name="connector.request_run")
def request_run(*, tenant: int, connector: int, refresh: bool = False, who: str = "message") -> int:
    """Request a run by message (docs/api.md); a request while one waits is folded into it. The run's id.

    Refusal where the tenant has no such connector, or it is switched off: the task fails, and says why.
    """
    here = process()
    desk = Desk(here.settings, publish, lambda *_: here.meet, connections=here.engine)
    return commands.request(desk, tenant, connector, refresh=refresh, who=who).run_id


def queue_length() -> int | None:
    """Messages that wait in the broker; None where it cannot be asked."""
    try:
        with app.connection_for_write() as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(QUEUE, passive=True).message_count)
    except ChannelError:
        return 0  # no such queue: nothing has been published yet, or the broker came back empty
    except Exception:  # noqa: BLE001 whatever is wrong with the broker, the next look asks again
        return None


@signals.setup_logging.connect
def _logging(**_: object) -> None:
    logs.configure(settings())


@signals.celeryd_after_setup.connect
def _set_up(**_: object) -> None:
    wait_for_schema(process().engine)


@signals.worker_ready.connect
def _ready(sender: Any, **_: object) -> None:
    here = process()

    def end() -> None:
        # What is left of it takes nothing new: no message, and none of the slots that its drained slices give back.
        pacemaker.stopped.set()
        caretaker.stopped.set()
        postman.stop()
        here.drain(exit_code=STUCK)
        with suppress(Exception):  # the broker may be what it is stuck in
            app.control.cancel_consumer(QUEUE, destination=[str(sender.hostname)])

    pacemaker = Pacemaker(
        here.engine,
        here.settings,
        publish,
        queue_length,
        stuck=here.is_stuck,
        give_up=end,
        worker=str(sender.hostname),
        slots=int(sender.controller.concurrency),
    )
    postman = Postman(
        here.engine,
        Vault.from_ring(here.settings.credential_keys.get_secret_value()),
        Reach(private=here.settings.webhook_private),
    )
    caretaker = Caretaker(here.engine, here.settings)
    _pacemaker.append(pacemaker)
    _caretaker.append(caretaker)
    _postman.append(postman)
    pacemaker.start()
    postman.start()
    caretaker.start()
    metrics.serve(here.settings)


@signals.worker_shutting_down.connect
def _shutting_down(**_: object) -> None:
    for pacemaker in _pacemaker:
        pacemaker.stopped.set()
    for caretaker in _caretaker:
        caretaker.stopped.set()
    for postman in _postman:
        postman.stop()
    process().drain()
