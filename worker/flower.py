"""What Flower shows of a slice in the place of its arguments: names, run, phase and step.

The message is a nudge and holds ids alone. Whoever publishes it gives Flower a text with names instead; a slice that
has come to a step of its run says once more that it has started, with a text that tells run, phase and step too.
Nothing of a catalogue and no credential is ever among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from worker.ledger.turns import Dispatched
from worker.steps import sequence

TASK = "connector.slice"
"""The name of the task."""

log = structlog.get_logger(__name__)


class Dispatcher(Protocol):
    """Celery's own of a worker: what is sent waits in memory for the worker's main loop, and keeps its order."""

    def send(self, type: str, **fields: Any) -> Any:  # noqa: A002 Celery calls it so
        """Send an event."""


def task_id(one: Dispatched) -> str:
    """Tenant, connector and epoch: no other slice has the same, and no name holds a dot."""
    return f"{one.tenant}.{one.connector}.{one.epoch}"


def arguments(one: Dispatched) -> str:
    """What is shown until the slice knows its run."""
    return repr({"tenant": one.tenant, "connector": one.connector, "slice": one.epoch})


@dataclass(frozen=True, slots=True)
class Shown:
    """A slice under way, as Flower is told of it."""

    task_id: str
    dispatcher: Callable[[], Dispatcher | None]
    """Asked each time: there is another one after a connection to the broker was lost, and none outside of a worker."""
    started: float = field(default_factory=time.time)

    def tell(self, run_id: int, step: str) -> None:
        """The slice is at this step of this run."""
        tenant, connector, epoch = self.task_id.split(".")
        phase = sequence.PHASES[step].value
        shown = {"tenant": tenant, "connector": connector, "run": run_id, "phase": phase, "step": step}
        try:
            if (dispatcher := self.dispatcher()) is not None:
                dispatcher.send(
                    "task-started",
                    uuid=self.task_id,
                    name=TASK,
                    kwargs=repr(shown | {"slice": int(epoch)}),
                    started=self.started,
                )
        except Exception as trouble:  # noqa: BLE001 no slice depends on who watches it
            log.warning("Flower not told", error=type(trouble).__name__)
