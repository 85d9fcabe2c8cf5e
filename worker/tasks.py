"""The queue's door: a task opens, calls one function, publishes what it returned."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from celery import signals
from kombu.exceptions import ChannelError
from sqlalchemy.exc import SQLAlchemyError

from models.vocabulary import SliceEnd
from worker import flower, logs, traces
from worker.app import QUEUE, app
from worker.commands import runs as commands
from worker.commands.desk import Desk
from worker.ledger import outage, rests, turns
from worker.ledger import slices as log_of_slices
from worker.ledger.session import as_scheduler
from worker.ledger.slices import Ended
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.metrics import calls, database, deliveries, items, quota, slices
from worker.process import Process, collect_seldom, process
from worker.scheduling import dispatch, figures
from worker.scheduling.beginning import wait_for_schema
from worker.scheduling.caretaker import Caretaker
from worker.scheduling.deadline import Deadline
from worker.scheduling.endings import Ending
from worker.scheduling.pacemaker import Pacemaker
from worker.scheduling.slice import DATABASE_UNWELL, Slice, Tell, told_to_nobody
from worker.settings import settings
from worker.steps import sequence
from worker.webhooks.postman import Postman
from worker.webhooks.reach import Reach

log = structlog.get_logger(__name__)

STUCK = 70
"""Exit code of a process with a stuck slot (EX_SOFTWARE): its supervisor starts another."""

SAID_WITHIN_SECONDS = 3.0
"""A process that ends waits no longer for the database to hear of it."""

METRICS = (*slices.METRICS, *calls.METRICS, *quota.METRICS, *items.METRICS, *deliveries.METRICS, *database.METRICS)
"""What a worker process serves of itself."""
_consumer: list[Any] = []
_pacemaker: list[Pacemaker] = []
_postman: list[Postman] = []
_caretaker: list[Caretaker] = []


def publish(one: Dispatched) -> None:
    """Send the nudge for a dispatched slice; Flower shows its task id, and names instead of the ids that it holds."""
    app.send_task(
        flower.TASK,
        kwargs={"tenant": one.tenant_id, "connector": one.connector_id, "epoch": one.epoch},
        kwargsrepr=flower.arguments(one),
        task_id=flower.task_id(one),
        queue=QUEUE,
    )


@app.task(name=flower.TASK, bind=True)
def slice_(self: Any, *, tenant: int, connector: int, epoch: int) -> str:
    """One slice of one connector; the short text that comes back is why it ended."""
    here = process()
    if here.draining.is_set():
        return "draining"  # the lease of a dispatched turn is found by the others' pacemakers
    shown = flower.Shown(str(self.request.id), _dispatcher)
    return run_slice(
        here, tenant, connector, epoch, worker=str(self.request.hostname), publish=publish, tell=shown.tell
    )


def _dispatcher() -> flower.Dispatcher | None:
    return _consumer[-1].event_dispatcher if _consumer else None


def run_slice(
    here: Process,
    tenant: int,
    connector: int,
    epoch: int,
    *,
    worker: str,
    publish: Callable[[Dispatched], None],
    tell: Tell = told_to_nobody,
) -> str:
    """Claim, fill the place at the door, work, release, dispatch; each line of it says whose slice it is.

    `tell`: whoever watches where the slice is.
    """
    with logs.bound_to_slice(tenant, connector, epoch), traces.slice_(tenant, connector, epoch) as span:
        ending = _run_slice(here, tenant, connector, epoch, worker=worker, publish=publish, tell=tell)
        span.set_attribute("reason", ending.partition(",")[0])
        return ending


def _run_slice(
    here: Process,
    tenant: int,
    connector: int,
    epoch: int,
    *,
    worker: str,
    publish: Callable[[Dispatched], None],
    tell: Tell,
) -> str:
    config = here.settings
    deadline = Deadline(
        config.slice_seconds,
        config.slice_yield_seconds,
        config.lease_seconds,
        here.draining,
        heard=lambda: here.beats.__setitem__(threading.get_ident(), time.monotonic()),
    )
    slice_of = Slice(here.engine, config, here.meet, deadline, tenant, connector, epoch, worker, here.gate, tell)
    deadline.heard()  # from now on: a slot may get stuck in its very first statement
    try:
        if not slice_of.claim():
            return "stale"
        slices.begun(slice_of.waited)
        _fill_the_place(here, publish)
        ending = slice_of.work()
        phase = sequence.PHASES.get(slice_of.step or "")
        traces.note(step=slice_of.step, phase=phase, settled=slice_of.settled)
        log.info(
            "slice ended",
            reason=ending.why.value,
            phase=phase,
            step=slice_of.step,
            settled=slice_of.settled,
            seconds=round(deadline.elapsed, 2),
            park=ending.park,
        )
        slices.ended(ending.why, seconds=deadline.elapsed)
        _release(here, slice_of, ending, publish)
    except DATABASE_UNWELL as trouble:
        log.warning("turn not claimed", error=type(trouble).__name__, reason=outage.reason(trouble))
        return "not claimed"
    finally:
        here.beats.pop(threading.get_ident(), None)
    return str(ending)


def _fill_the_place(here: Process, publish: Callable[[Dispatched], None]) -> None:
    """The door has a free place now; where the database does not fill it, a pacemaker does."""
    try:
        dispatch.fill_the_door(here.engine, here.settings, publish)
    except DATABASE_UNWELL as trouble:
        log.warning("door not filled", error=type(trouble).__name__, reason=outage.reason(trouble))


def _release(here: Process, slice_of: Slice, ending: Ending, publish: Callable[[Dispatched], None]) -> None:
    """Give the turn back; where the database is away, the lease runs out and the pacemaker finds it."""
    if ending.why is SliceEnd.TURN_LOST:
        return
    try:
        slice_of.count_last_calls()
        passed = _give_back(here, slice_of, ending, slice_of.told(ending))
    except SQLAlchemyError as trouble:
        # Where the disk is full, a turn can still be given back, and a lease that runs out would count as an attempt.
        log.warning("slice not logged", error=type(trouble).__name__, reason=outage.reason(trouble))
        try:
            passed = _give_back(here, slice_of, ending, None)
        except SQLAlchemyError as trouble:
            log.warning("turn not released", error=type(trouble).__name__, reason=outage.reason(trouble))
            database.unwell(database.RELEASE)
            return
    dispatch.send_off(passed, publish)


def _give_back(here: Process, slice_of: Slice, ending: Ending, told: Ended | None) -> list[Dispatched]:
    """The turn is free, its neighbours are well, the log has its end, and who is next is dispatched: in one."""
    config = here.settings
    with as_scheduler(here.engine, durable=False) as session:
        for neighbour in sorted(slice_of.served_by()):
            rests.heal(session, neighbour, slice_of.connector_id, slice_of.epoch)
        is_ours = turns.release(
            session,
            slice_of.connector_id,
            slice_of.epoch,
            quantum=config.slice_yield_seconds,
            park=ending.park,
            failed=ending.failed,
            end=told,
        )
        if not is_ours and told is not None:
            log_of_slices.ended(session, slice_of.connector_id, slice_of.epoch, told)
        return turns.dispatch(session, door=config.door_size, ttl=config.dispatch_seconds)


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


@signals.celeryd_init.connect
def _begins(instance: Any, **_: object) -> None:
    # From here on Celery may warn; its banner is for a terminal.
    logs.configure_process(settings())
    instance.quiet = instance.quiet or settings().log_format == "json"
    traces.configure(settings(), service="connector-worker")


@signals.setup_logging.connect
def _logging(**_: object) -> None:
    """That somebody listens keeps Celery from formats of its own; Flower and other commands come by here alone."""
    logs.configure_process(settings())


@signals.task_prerun.connect
def _task_begins(task: Any, kwargs: Mapping[str, Any] | None = None, **_: object) -> None:
    """What Celery itself says of a task that has failed says whose it was."""
    structlog.contextvars.clear_contextvars()
    given = kwargs or {}
    named = {name: given[name] for name in ("tenant", "connector") if name in given}
    if task.name == slice_.name:
        named |= {"run": None, "slice": given.get("epoch")}
    structlog.contextvars.bind_contextvars(**named)


@signals.task_postrun.connect
def _task_ends(**_: object) -> None:
    structlog.contextvars.clear_contextvars()


@signals.celeryd_after_setup.connect
def _set_up(**_: object) -> None:
    collect_seldom()
    wait_for_schema(process().engine)


@signals.worker_ready.connect
def _ready(sender: Any, **_: object) -> None:
    here = process()
    _consumer.append(sender)

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
        # The one way to end in order: Celery takes no more messages, and `_shutting_down` is called.
        drain=lambda: os.kill(os.getpid(), signal.SIGTERM),
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
    figures.serve(here.settings, METRICS)
    log.info("worker ready", worker=str(sender.hostname), slots=int(sender.controller.concurrency))


@signals.worker_shutting_down.connect
def _shutting_down(**_: object) -> None:
    for pacemaker in _pacemaker:
        pacemaker.stopped.set()
    for caretaker in _caretaker:
        caretaker.stopped.set()
    for postman in _postman:
        postman.stop()
    process().drain()


@signals.worker_shutdown.connect
def _shut_down(**_: object) -> None:
    """The slices have come in: what they have left behind of spans goes out, for some seconds at most."""
    traces.close()
    for pacemaker in _pacemaker:
        pacemaker.has_said_its_end.wait(SAID_WITHIN_SECONDS)
    log.info("worker ended")
