"""The storm: two real workers and eight tenants, while everything around them fails.

1. Few slots and eight first runs: the shares of the workers are measured, and only messages are tampered with.
2. A short lease and slots for all: every fault in an order that the seed draws, twenty workers that die at a drawn
   point among them, while tenants edit their catalogues.
3. The default lease: one worker is killed and one frozen.

At the end the service has to become idle. Each tenant is then played once more on an undisturbed stage, with the same
catalogue and the same edits, and both ends are compared.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine

from sandbox.chaos import end, faults, goods, shares
from sandbox.chaos.faults import FAULTS, PLACES, SETTLE_SECONDS
from sandbox.chaos.figures import Figures
from sandbox.chaos.ground import Ground
from sandbox.chaos.platform import Platform
from sandbox.chaos.trader import Trader
from sandbox.chaos.trial import Trial
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Stage, seat
from worker import logs
from worker.app import app
from worker.ledger.session import engine
from worker.ledger.vault import Vault
from worker.settings import Settings

SHORT_LEASE, DEFAULT_LEASE = 3.0, 25.0
BOUND_BY_DEFAULT = 30.0
DATABASE, TWINS = "chaos", "twins"
SECONDS_TO_START = 90.0
BUG = "bug in "
"""So the service logs what it does not know (law 8)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a storm is, and who is in it."""

    weights: Sequence[float] = (1, 1, 1, 1, 1, 1, 2, 2)
    """One tenant each."""
    products: int = 24
    latency: float = 0.3
    """Median seconds that a store takes for an answer."""
    few_slots: int = 2
    many_slots: int = 8
    first: Sequence[str] = ("messages doubled", "broker's connections cut")
    """Faults while the shares are measured."""
    chosen: Sequence[str] = ()
    """Faults with the short lease, in this order; none = all of them, in an order drawn by chance."""
    rounds: int = 1
    """How often each of the other faults is done with the short lease."""
    drawn_points: int = 20
    drawn_freezes: int = 3
    with_default_lease: Sequence[str] = ("killed (-9)", "frozen past the lease")

    def order(self, chance: random.Random) -> list[str]:
        """The faults with the short lease."""
        if self.chosen:
            return list(self.chosen)
        drawn = {
            "dies at a drawn point": self.drawn_points % 5,
            "dies at five drawn points": self.drawn_points // 5,
            "frozen at a drawn point": self.drawn_freezes,
        }
        names = [name for name in FAULTS for _ in range(drawn.get(name, self.rounds))]
        chance.shuffle(names)
        return names


@dataclass(slots=True)
class Storm:
    """What came of one."""

    figures: Figures
    done: Counter[str] = field(default_factory=Counter)
    """Fault -> how often."""
    exits: Counter[int] = field(default_factory=Counter)
    """Exit code of a worker -> how often."""
    edits: int = 0
    bugs: list[str] = field(default_factory=list)
    """Unknown exceptions that the workers have logged; none is right, whatever fails around them."""
    seconds: float = 0.0


def storm(ground: Ground, seed: int, plan: Plan, *, tell: Callable[[str], None] = lambda _: None) -> Storm:
    """The whole storm; its seed repeats the faults, their order and the edits (not who is hit in which moment)."""
    began = time.monotonic()
    result = Storm(Figures())
    with _trial(ground, seed, plan, tell) as trial:
        _hire(trial)
        _first_runs(trial, plan, result)
        if plan.few_slots != plan.many_slots:
            _redeploy(trial, slots=plan.many_slots, lease=SHORT_LEASE, bound=SHORT_LEASE + SETTLE_SECONDS)
        for name in plan.order(trial.chance):
            _do(trial, name, result)
        if plan.with_default_lease:
            _redeploy(trial, slots=plan.many_slots, lease=DEFAULT_LEASE, bound=BOUND_BY_DEFAULT)
            for name in plan.with_default_lease:
                _do(trial, name, result)
        for trader in trial.traders:
            trial.request(trader)
        tell("storm: over; waiting until all are idle")
        trial.until_idle()
        _compare(trial, result)
        result.bugs = _bugs(ground)
        ground.is_wanted = bool(result.bugs) or not result.figures.is_good()
        result.exits.update(code for _, code in trial.platform.exits)
        result.edits = sum(len(trader.deeds) for trader in trial.traders)
    result.seconds = time.monotonic() - began
    return result


@contextmanager
def _trial(ground: Ground, seed: int, plan: Plan, tell: Callable[[str], None]) -> Iterator[Trial]:
    environment = ground.environment(ground.database(DATABASE)) | {
        "LEASE_SECONDS": str(SHORT_LEASE),
        "SLICE_SECONDS": "6",
        "SLICE_YIELD_SECONDS": "1",
        "DRAIN_SECONDS": "6",
        "CALLS_IN_FLIGHT": "3",
        "CALL_TIMEOUT_SECONDS": "5",
        "SOURCE_TIMEOUT_SECONDS": "5",
        "LOG_LEVEL": "warning",
    }
    chosen = {name.lower(): value for name, value in environment.items()}
    settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
    logs.configure(settings.model_copy(update={"log_level": "critical"}))
    speak_to(settings.redis_url)
    opened = engine(settings.database_url)
    chance = random.Random(seed)
    platform = Platform(ground.children, opened, environment, slots=plan.few_slots, bound=SHORT_LEASE + SETTLE_SECONDS)
    try:
        traders = [
            _trader(ground, opened, number, weight, plan, random.Random(chance.random()))
            for number, weight in enumerate(plan.weights, start=1)
        ]
        yield Trial(ground, settings, opened, platform, traders, chance, tell)
    finally:
        opened.dispose()


def _trader(ground: Ground, opened: Engine, number: int, weight: float, plan: Plan, chance: random.Random) -> Trader:
    name = f"tenant{number}"
    catalogue = goods.with_drawer(goods.catalogue(100 + number, products=plan.products))
    latency = {"median": plan.latency, "sigma": 0.3}
    ground.neighbours.open(f"CN-{name}", name, catalogue, latency=latency)
    ground.neighbours.hide(f"CN-{name}", "catalogue", goods.DRAWER)
    cast = seat(
        opened,
        Vault.from_ring(KEY_RING),
        tenant=name,
        name="main",
        code=f"CN-{name}",
        store_hash=name,
        profile=goods.profile(catalogue),
        weight=weight,
    )
    return Trader(name, weight, catalogue, chance, cast)


def _hire(trial: Trial) -> None:
    """Both workers, started and answering."""
    for place in PLACES:
        trial.platform.start(place)
    give_up_at = time.monotonic() + SECONDS_TO_START
    present: set[str] = set()
    while len(present) < len(PLACES) and time.monotonic() < give_up_at:
        present |= {name for answer in app.control.ping(timeout=0.5) or () for name in answer}


def _first_runs(trial: Trial, plan: Plan, result: Storm) -> None:
    trial.may_trade = False
    for trader in trial.traders:
        trial.request(trader)
    for name in plan.first:
        trial.live(3.0)
        _do(trial, name, result)
    if not trial.until_all_have_run(seconds=180.0):
        trial.tell("storm: not all first runs have ended")
    trial.may_trade = True
    result.figures.jain = shares.fairness(
        trial.engine, {trader.cast.tenant_id: trader.weight for trader in trial.traders}
    )
    trial.tell(f"storm: first runs done, Jain {result.figures.jain}")


def _redeploy(trial: Trial, *, slots: int, lease: float, bound: float) -> None:
    """Other settings for the workers, one after the other, as a deploy does it."""
    platform = trial.platform
    platform.slots, platform.bound = slots, bound
    platform.environment["LEASE_SECONDS"] = str(lease)
    for place in PLACES:
        faults.replace(trial, place)
        trial.live(4.0)


def _do(trial: Trial, name: str, result: Storm) -> None:
    began, hits = time.monotonic(), len(trial.platform.hits)
    FAULTS[name](trial)
    result.done[name] += 1
    hit = len(trial.platform.hits) - hits
    trial.tell(f"storm: {name}, {time.monotonic() - began:.0f} s" + (f", {hit} connectors hit" if hit else ""))


def _compare(trial: Trial, result: Storm) -> None:
    """Each tenant beside its undisturbed twin."""
    ground = trial.ground
    shares.recoveries(result.figures, trial.engine, trial.platform.hits)
    calm = trial.settings.model_copy(
        update={"database_url": ground.database(TWINS), "lease_seconds": DEFAULT_LEASE, "slice_seconds": 600.0}
    )
    stage = Stage(calm, haste=50)
    try:
        for trader in trial.traders:
            twin = trader.play_twin(stage)
            log = stage.stores.store(twin.store_hash).log
            twin_end = end.read(
                stage.engine, twin, stage.stores.snapshot(twin.store_hash), repeated=log.counters()["repeated"]
            )
            hash_ = trader.cast.store_hash
            reached = end.read(
                trial.engine, trader.cast, ground.neighbours.snapshot(hash_), repeated=ground.neighbours.repeated(hash_)
            )
            result.figures.add(trader.tenant, reached, end.judge(reached, twin_end, same_runs=False))
    finally:
        stage.close()


def _bugs(ground: Ground) -> list[str]:
    """The lines of the workers' logs that tell of an unknown exception."""
    return [
        f"{log.stem}: {line.strip()}"
        for log in sorted(ground.folder.glob("worker-*.log"))
        for line in log.read_text(errors="replace").splitlines()
        if BUG in line
    ]
