"""A drawn sample of `make chaos`: a run killed at a few of its moments, and real workers in a short storm."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sandbox.chaos.faults import FAULTS
from sandbox.chaos.figures import Figures
from sandbox.chaos.ground import ground
from sandbox.chaos.storm import Plan, storm
from sandbox.chaos.sweep import sweep

MOMENTS = 240
"""Of the run that is swept, more or less; a worker that is to die later lives on, which does no harm."""
SHORT = Plan(
    weights=(1, 1, 2),
    products=8,
    latency=0.2,
    few_slots=8,
    first=(),
    chosen=("killed (-9)", "Redis flushed", "messages doubled", "frozen past the lease", "dies at a drawn point"),
    with_default_lease=(),
)

pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def seed() -> int:
    """Printed where a test fails, to be put here."""
    drawn = random.randrange(10_000)
    print(f"drawn: SEED={drawn}")  # noqa: T201 for whoever has to repeat it
    return drawn


def all_well(found: Figures) -> None:
    assert found.said == []
    assert (found.lost, found.doubled, found.wrong, found.stuck, found.late) == (0, 0, 0, 0, 0)


def test_a_run_killed_at_any_of_its_moments_is_finished_by_another_process(seed: int) -> None:
    moments = random.Random(seed).sample(range(MOMENTS), 6)
    with ground(durable=False) as opened:
        found = sweep(opened, moments, lanes=2)
    all_well(found)
    assert found.deaths == found.runs == len(moments)
    assert found.items > 190 * len(moments)
    assert found.recovery


def test_real_workers_lose_and_double_nothing_in_a_short_storm(seed: int) -> None:
    with ground(durable=True) as opened:
        came = storm(opened, seed, SHORT)
    all_well(came.figures)
    assert set(came.done) == set(SHORT.chosen) <= set(FAULTS)
    assert came.bugs == []
    assert came.exits[-9] == 2
    assert came.exits.keys() <= {0, -9}, "whoever is told to end hands over and ends well"
    assert came.figures.items > 0
    assert came.edits > 0


def test_a_plan_does_every_fault_and_its_seed_repeats_the_order() -> None:
    plan = Plan()
    order = plan.order(random.Random(7))
    assert set(order) == FAULTS.keys() - {"dies at a drawn point"}
    assert order == plan.order(random.Random(7)) != plan.order(random.Random(8))
    assert order.count("dies at five drawn points") == 4
    assert replace(plan, chosen=("SIGTERM",)).order(random.Random(7)) == ["SIGTERM"]
