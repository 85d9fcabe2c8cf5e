"""Waits for a run's end: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine

from cli import show
from models.vocabulary import RunState, TurnState
from worker.ledger import connectors, overview, register
from worker.ledger import progress as where
from worker.ledger.progress import Part
from worker.ledger.session import as_scheduler, as_tenant

PATIENCE_SECONDS = 30.0
"""So long nobody may answer before the wait is given up (design §8)."""
LOOK_SECONDS = 0.5
LINE_SECONDS = 2.0
"""Without a terminal, a line at most this often."""

EXIT = {
    RunState.COMPLETED: 0,
    RunState.UNCHANGED: 0,
    RunState.COMPLETED_WITH_ERRORS: 1,
    RunState.FAILED: 2,
    RunState.CANCELLED: 2,
}
NEEDS_SOMEBODY = 2
NO_WORKER = 3

STANDS_STILL = {
    RunState.PAUSED: "the run is paused; it goes on when somebody resumes it",
    RunState.AWAITING_APPROVAL: "the run waits for somebody's approval: `connector approve` or `connector cancel`",
}
NAMES = {
    ("product", "show"): "options to show",
    ("product", "assign"): "storefronts of products",
    ("product", "relate"): "related products",
    ("product", "metafields"): "metafields of products",
    ("variant", "metafields"): "metafields of variants",
    ("product", "stock"): "stock",
    ("variant", "stock"): "stock",
    ("variant", "prove"): "stock to be read again",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the live view: dealt with, of how many."""

    name: str
    done: int
    planned: int


def bars(parts: tuple[Part, ...]) -> list[Bar]:
    """A bar for each kind, and one for each follow-up that products need."""
    sums: dict[str, tuple[int, int]] = {}
    for part in parts:
        name = NAMES.get((part.kind, part.action), part.kind)
        done, planned = sums.get(name, (0, 0))
        sums[name] = (done + part.done, planned + part.planned)
    return [Bar(name, done, planned) for name, (done, planned) in sums.items()]


def status(progress: where.Progress) -> str:
    """Phase, step, slices and calls in a few words."""
    entry = progress.entry
    if entry.started_at is None or entry.has_ended:
        return entry.state.value
    seen = "".join(f", {kind} {count:,}" for kind, count in progress.seen.items())
    step = f": {entry.step.replace('_', ' ')}" if entry.step else ""
    return f"{entry.phase}{step}{seen} ({entry.slices} slices, {entry.calls} calls)"


class View(Protocol):
    """Shows where a run stands."""

    def show(self, progress: where.Progress) -> None:
        """Show this, in place of what was shown before."""

    def say(self, text: str) -> None:
        """Show a message of the run beside it."""

    def close(self) -> None:
        """Show no more."""


@dataclass(slots=True)
class Lines:
    """Plain lines on stderr, only when something has moved."""

    _last: str = ""
    _at: float = float("-inf")

    def show(self, progress: where.Progress) -> None:
        """Print a line, unless it says nothing new or the last one is too young."""
        counts = ", ".join(f"{bar.name} {bar.done:,}/{bar.planned:,}" for bar in bars(progress.parts))
        line = f"run {progress.entry.id} {status(progress)}" + (f" {counts}" if counts else "")
        if line != self._last and time.monotonic() - self._at >= LINE_SECONDS:
            self._last, self._at = line, time.monotonic()
            typer.echo(line, err=True)

    def say(self, text: str) -> None:
        """Print the message."""
        typer.echo(text, err=True)

    def close(self) -> None:
        """Nothing is open."""


class Bars:
    """Bars on a terminal, one for the run and one for each kind."""

    def __init__(self) -> None:
        self._drawn = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=show.console(to_stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._run = self._drawn.add_task("queued", total=None)
        self._drawn.start()

    def show(self, progress: where.Progress) -> None:
        """Draw the bars anew."""
        shown = bars(progress.parts)
        done, planned = sum(bar.done for bar in shown), sum(bar.planned for bar in shown)
        self._drawn.update(self._run, description=status(progress), completed=done, total=planned or None)
        for bar in shown:
            if bar.name not in self._tasks:
                self._tasks[bar.name] = self._drawn.add_task(bar.name, total=bar.planned)
            self._drawn.update(self._tasks[bar.name], completed=bar.done, total=bar.planned)

    def say(self, text: str) -> None:
        """Print the message above the bars."""
        self._drawn.console.print(text, markup=False)

    def close(self) -> None:
        """Leave the bars as they are."""
        self._drawn.stop()


@dataclass(slots=True)
class Wait:
    """Waits for one run."""

    engine: Engine
    tenant_id: int
    connector_id: int
    run_id: int
    patience: float
    _alone_since: float | None = field(default=None)
    _told: int = 0

    def until_it_ends(self) -> int:
        """The exit code: how the run ended, or that nobody works."""
        view: View = Bars() if show.console(to_stderr=True).is_terminal else Lines()
        try:
            code, sentence = self._watch(view)
        except KeyboardInterrupt:
            code, sentence = 130, f"not waited for any longer; run {self.run_id} goes on"
        finally:
            view.close()
        typer.echo(sentence)
        return code

    def _watch(self, view: View) -> tuple[int, str]:
        while True:
            with as_tenant(self.engine, self.tenant_id) as session:
                progress = where.of(session, self.run_id)
                told = register.messages(session, self.run_id)
                connector = connectors.load(session, self.connector_id)
            if progress is None or connector is None:
                return NEEDS_SOMEBODY, f"run {self.run_id} is gone"
            view.show(progress)
            for one in told[self._told :]:
                view.say(show.plain(f"{one.level}: {one.text}"))
            self._told = len(told)
            state = progress.entry.state
            if state in EXIT:
                return EXIT[state], f"{state}: {self._verdict(progress.entry)}"
            if not connector.enabled:
                return NEEDS_SOMEBODY, f"the connector is disabled: {show.plain(connector.disabled_reason or '')}"
            if state in STANDS_STILL:
                return NEEDS_SOMEBODY, STANDS_STILL[state]
            with as_scheduler(self.engine) as session:
                turn = overview.turn(session, self.connector_id)
            if turn is not None and turn.state == TurnState.BROKEN:
                return NEEDS_SOMEBODY, "the connector's slices failed five times in a row; see the workers' logs"
            if self._nobody_answers(turn):
                return NO_WORKER, f"no worker has answered for {self.patience:g} s; is one running?"
            time.sleep(min(LOOK_SECONDS, max(0.05, self.patience / 4)))

    def _verdict(self, entry: register.Entry) -> str:
        """What came of the run, with the reason where it stopped."""
        told = register.headline(entry)
        if entry.state is not RunState.FAILED:
            return told
        with as_tenant(self.engine, self.tenant_id) as session:
            errors = [one.text for one in register.messages(session, entry.id) if one.level == "error"]
        return show.plain("; ".join(errors)) or told

    def _nobody_answers(self, turn: overview.TurnNow | None) -> bool:
        """Whether the turn could be taken up, and no slice of anybody has run for as long as patience lasts."""
        if turn is None or turn.anybody_runs or turn.is_held_back:
            self._alone_since = None
            return False
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        return now - self._alone_since >= self.patience
