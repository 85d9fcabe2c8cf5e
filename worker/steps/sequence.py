"""The order of the work: a run is this sequence of steps."""

from __future__ import annotations

from collections.abc import Callable

from models.vocabulary import SENDING_STEPS, Phase
from worker.steps.clean import clean
from worker.steps.link import link
from worker.steps.plan import plan
from worker.steps.read_source import read_source
from worker.steps.read_store import read_store
from worker.steps.record import record
from worker.steps.recount import recount
from worker.steps.send import send
from worker.steps.toolbox import Cursor, Step, Toolbox

SEQUENCE: dict[str, Callable[[Toolbox, Cursor | None], Step]] = {
    "read_source": read_source,
    "read_store": read_store,
    "clean": clean,
    "link": link,
    "plan": plan,
    "send": send,
    "recount": recount,
    "record": record,
}
"""Step by name, in order."""

PHASES: dict[str, Phase] = {
    name: Phase.SYNCHRONIZATION if name in SENDING_STEPS else Phase.PREPARATION for name in SEQUENCE
}
"""The phase that each step belongs to."""


def first() -> str:
    """The step with which a run begins."""
    return next(iter(SEQUENCE))


def after(step: str) -> str | None:
    """The step that follows; None after the last."""
    names = list(SEQUENCE)
    place = names.index(step) + 1
    return names[place] if place < len(names) else None
