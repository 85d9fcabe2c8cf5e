"""The door: fill it in one short transaction, publish after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from sqlalchemy import Engine

from worker.ledger import turns
from worker.ledger.session import as_scheduler
from worker.ledger.turns import Dispatched
from worker.settings import Settings

Publish = Callable[[Dispatched], None]

log = structlog.get_logger(__name__)


def fill_the_door(engine: Engine, settings: Settings, publish: Publish) -> None:
    """Dispatch the poorest of those that are ready, as many as the door takes."""
    with as_scheduler(engine, durable=False) as session:
        passed = turns.dispatch(session, door=settings.door_size, ttl=settings.dispatch_seconds)
    send_off(passed, publish)


def wake(engine: Engine, settings: Settings, publish: Publish, connector_id: int) -> None:
    """A connector has something to do: its turn becomes ready, and the door is filled."""
    with as_scheduler(engine) as session:
        turns.wake(session, connector_id, quantum=settings.slice_yield_seconds)
        passed = turns.dispatch(session, door=settings.door_size, ttl=settings.dispatch_seconds)
    send_off(passed, publish)


def send_off(passed: Iterable[Dispatched], publish: Publish) -> None:
    """Publish what a committed transaction has dispatched; what fails is found by the pacemaker (law 5).

    After the first that fails the rest is left to it too: a broker that does not answer costs seconds for each.
    """
    for one in passed:
        try:
            publish(one)
        except Exception as trouble:  # noqa: BLE001 the broker may fail in any way, and nothing is lost by it
            log.warning(
                "message not published, nor those after it",
                tenant=one.tenant,
                connector=one.connector,
                epoch=one.epoch,
                error=type(trouble).__name__,
                reason=str(trouble),
            )
            return
