"""Where every run stands, looked at again and again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.vocabulary import TurnState
from sandbox.demo.house import House
from sandbox.demo.play import Player
from sandbox.processes.trouble import CannotPlay
from worker.ledger import overview
from worker.ledger import progress as where
from worker.ledger.progress import Progress
from worker.ledger.session import as_scheduler, as_tenant

SECONDS_BETWEEN_LOOKS = 0.3
FOLLOW_UPS = ("show", "assign", "stock", "prove")
"""What goes out for an item after the item itself: its options' display, its storefronts, its stock."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How much of what is planned for one kind is done."""

    done: int = 0
    planned: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """One connector at one moment."""

    player: Player
    progress: Progress
    turn: TurnState
    worker: str | None
    """Who holds its turn now."""

    @property
    def has_ended(self) -> bool:
        """Whether the run stays as it is."""
        return self.progress.entry.has_ended

    @property
    def seconds(self) -> float:
        """From the request until now, or until its end."""
        return self.progress.entry.waited + (self.progress.entry.seconds or 0.0)

    @property
    def state(self) -> str:
        """The run's state, as people read it."""
        return self.progress.entry.state.replace("_", " ")

    def bar(self, kind: str, *, follow_ups: bool = False) -> Bar:
        """What is planned for the items of a kind, or for what follows them."""
        parts = [
            part for part in self.progress.parts if part.kind == kind and (part.action in FOLLOW_UPS) is follow_ups
        ]
        return Bar(sum(part.done for part in parts), sum(part.planned for part in parts))


class View(Protocol):
    """Something that shows scenes."""

    def show(self, scenes: Sequence[Scene]) -> None:
        """Bring what is shown up to date."""


def look(house: House, players: Sequence[Player]) -> list[Scene]:
    """One scene for each connector."""
    with as_scheduler(house.engine) as session:
        standing = {one.connector_id: one for one in overview.standings(session)}
    scenes = []
    for player in players:
        with as_tenant(house.engine, player.tenant_id) as session:
            progress = where.of(session, player.run_id)
        if progress is None:
            raise CannotPlay(f"run {player.run_id} of {player.connector} is in no register any more")
        turn = standing[player.connector_id]
        state = TurnState(turn.state)
        worker = turn.worker.partition("@")[0] if turn.worker and state is TurnState.RUNNING else None
        scenes.append(Scene(player, progress, state, worker))
    return scenes


def until_all_have_ended(house: House, players: Sequence[Player], view: View, *, seconds: float) -> list[Scene]:
    """Show the runs until all have ended or the time is up; the last scenes."""
    give_up_at = time.monotonic() + seconds
    while True:
        scenes = look(house, players)
        view.show(scenes)
        if all(scene.has_ended for scene in scenes) or time.monotonic() > give_up_at:
            return scenes
        house.check()
        time.sleep(SECONDS_BETWEEN_LOOKS)


def stood_still(scenes: Sequence[Scene]) -> list[str]:
    """The runs that have not ended, and where each of them stands, in sentences."""
    return [
        f"{scene.player.connector}: run {scene.player.run_id} is {scene.state} at step {scene.progress.entry.step}"
        f" after {scene.seconds:.0f} s, {scene.progress.entry.slices} slices and {scene.progress.entry.calls} calls;"
        f" its turn is {scene.turn}" + (f", held by worker {scene.worker}" if scene.worker else "")
        for scene in scenes
        if not scene.has_ended
    ]
