"""Worker processes told to take nothing new, to give their turns back, and to end.

The word is left in the table of processes, where each pacemaker looks every second or two: so it is heard while Redis
is away. What the process does then is what SIGTERM makes it do, with the same exit code; its supervisor starts another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import processes
from worker.ledger.processes import ProcessLine
from worker.ledger.session import as_scheduler

LOOK_SECONDS = 0.5
HEARD_WITHIN_SECONDS = 30.0
"""A process that has not begun to end by then hears nothing: it hangs, was killed, or knows no such word."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How it stands with the processes that were told."""

    gone: tuple[ProcessLine, ...]
    """They hold no turn any more."""
    ending: tuple[ProcessLine, ...]
    """They bring in what is under way."""
    silent: tuple[ProcessLine, ...]
    """They have not begun, and may not even be seen any more: who hangs holds what it has, until a lease runs out."""


def tell(desk: Desk, worker: str | None) -> list[ProcessLine]:
    """Tell the worker of this name to drain, or all (None); Refusal where no such process is there."""
    with as_scheduler(desk.engine) as session:
        there = [one for one in processes.lines(session) if not one.is_gone]
        meant = [one for one in there if worker is None or worker in (one.worker, one.worker.partition("@")[2])]
        # A name of Celery's is `celery@host`; the host alone will do where it is one.
        if not meant:
            raise Refusal(Why.UNKNOWN, _nobody(worker, [one.worker for one in there]))
        if worker is not None and len({one.worker for one in meant}) > 1:
            several = ", ".join(sorted({one.worker for one in meant}))
            raise Refusal(Why.UNKNOWN, f"several workers are at '{worker}': {several}; say which.")
        processes.ask_to_drain(session, [(one.worker, one.started_at) for one in meant])
    return meant


def _nobody(worker: str | None, names: list[str]) -> str:
    if not names:
        return "no worker process is there."
    near = get_close_matches(worker or "", names, n=3, cutoff=0.4) or sorted(names)[:3]
    return f"there is no worker process '{worker}'; did you mean {' or '.join(near)}?"


def look(desk: Desk, told: list[ProcessLine]) -> Drained:
    """How it stands with them now; one that is not even known any more is gone."""
    with as_scheduler(desk.engine) as session:
        now = {(one.worker, one.started_at): one for one in processes.lines(session)}
    found = [(one, now.get((one.worker, one.started_at))) for one in told]
    return Drained(
        tuple(one for one, line in found if line is None or (line.has_begun_to_end and line.is_gone)),
        tuple(line for _, line in found if line is not None and line.has_begun_to_end and not line.is_gone),
        tuple(line for _, line in found if line is not None and not line.has_begun_to_end),
    )


def wait(desk: Desk, told: list[ProcessLine], *, patience: float, see: Callable[[Drained], None]) -> Drained:
    """Wait until all of them are gone, or some have not even begun to end when patience is over."""
    began = time.monotonic()
    while True:
        found = look(desk, told)
        see(found)
        if not (found.ending or found.silent) or (found.silent and time.monotonic() - began >= patience):
            return found
        time.sleep(min(LOOK_SECONDS, max(0.05, patience / 4)))
