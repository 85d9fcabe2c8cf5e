"""Fair turns among thousands, played with the product's own arithmetic: shares, waits and what is promised of both."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.simulator import __main__ as tables
from sandbox.simulator import loads
from sandbox.simulator.orders import Fair, FirstCome, Run
from sandbox.simulator.play import House, Played, play
from worker.ledger.fairness import jain, quantile

HOUSE = House()
MANY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def p99(played: Played) -> float:
    found = quantile(tables.small_waits(played), 0.99)
    assert found is not None
    return found


def broken_promises(played: Played) -> list[tuple[int, float, float]]:
    """(tenant, seconds waited, seconds promised) of runs that waited longer than was promised."""
    return [
        (run.tenant, run.began - run.came, run.promised)
        for run in played.runs
        if run.began is not None and run.promised is not None and run.began - run.came > run.promised
    ]


# ---- ten thousand tenants


@pytest.fixture(scope="module")
def fair() -> Played:
    """One giant and 9,999 small tenants on 32 slots, in fair turns."""
    return play(loads.giant_and_small(), Fair(HOUSE.quantum), HOUSE)


def test_small_runs_wait_no_longer_than_a_yield_quantum_beside_a_giant(fair: Played) -> None:
    waits = tables.small_waits(fair)
    assert len(waits) > 9_000
    assert max(waits) <= HOUSE.quantum + HOUSE.batch


@pytest.mark.parametrize(("yields", "times"), [(True, 10), (False, 100)])
def test_first_come_first_served_lets_small_runs_wait_many_times_as_long(
    fair: Played, yields: bool, times: int
) -> None:
    assert p99(play(loads.giant_and_small(), FirstCome(yields=yields), HOUSE)) > times * p99(fair)


def test_no_promise_is_broken_among_ten_thousand(fair: Played) -> None:
    assert sum(run.promised is not None for run in fair.runs) > 5_000
    assert broken_promises(fair) == []


def test_all_work_is_done_and_fairness_leaves_no_slot_idle(fair: Played) -> None:
    assert all(run.ended is not None for run in fair.runs)
    work = sum(run.work for run in fair.runs)
    assert sum(fair.held.values()) == pytest.approx(work + fair.slices * HOUSE.handoff)
    # All slots are held until the giant's last connectors are through.
    assert fair.utilisation >= 0.99


def test_backlogged_tenants_share_by_weight_however_many_connectors_they_have() -> None:
    weights = loads.weights()
    played = play(loads.backlogged(), Fair(HOUSE.quantum, weights), HOUSE, until=tables.DAY)
    assert jain(played.held[tenant] / weight for tenant, weight in weights.items()) >= 0.99
    first_come = play(loads.backlogged(), FirstCome(yields=True), HOUSE, until=tables.DAY)
    assert jain(first_come.held[tenant] for tenant in weights) < 0.5


# ---- the express lane


def test_a_small_run_is_served_next_since_its_tenant_has_had_least() -> None:
    """One slot, a giant with a hundred connectors: the small run waits for its slice and for the one at the door."""
    house = House(slots=1, door=1, handoff=0.0, batch=1.0)
    giant = [Run(loads.GIANT, 0.0, 10_000.0) for _ in range(100)]
    small = Run(1, 1_000.0, 5.0)
    play([*giant, small], Fair(house.quantum), house, until=2_000)
    assert small.began is not None
    assert small.began - small.came <= house.promise(2)
    assert small.ended == small.began + small.work


def test_who_comes_back_after_idling_is_next_and_has_no_credit() -> None:
    house = House(slots=1, door=1, handoff=0.0, batch=1.0)
    worker = Run(0, 0.0, 1e6)
    idler = Run(1, 50_000.0, 1e6)
    played = play([worker, idler], Fair(house.quantum), house, until=60_000)
    assert idler.began is not None
    assert idler.began - idler.came <= house.promise(2)
    assert played.held[1] == pytest.approx(5_000, abs=2 * house.quantum)


# ---- what is promised, for loads of all kinds


HOUSES = st.builds(
    House,
    slots=st.integers(1, 5),
    door=st.integers(1, 6),
    quantum=st.sampled_from([3.0, 20.0, 60.0]),
    longest=st.sampled_from([60.0, 600.0]),
    batch=st.sampled_from([1.0, 5.0]),
    handoff=st.sampled_from([0.0, 0.5]),
)


@MANY
@given(
    house=HOUSES,
    tenants=st.integers(1, 12),
    many=st.integers(1, 120),
    busy=st.floats(0.2, 4.0),
    seed=st.integers(0, 10**6),
)
def test_a_tenant_without_debts_waits_no_longer_than_its_place_in_line_says(
    house: House, tenants: int, many: int, busy: float, seed: int
) -> None:
    rng = random.Random(seed)
    weights = {tenant: rng.choice((0.5, 1.0, 2.0, 8.0)) for tenant in range(tenants)}
    comes = itertools.accumulate(rng.expovariate(busy * house.slots / 60.0) for _ in range(many))
    runs = [
        Run(min(rng.randrange(tenants), rng.randrange(tenants)), at, rng.choice((1.0, 10.0, 60.0, 2_000.0)))
        for at in comes
    ]
    played = play(runs, Fair(house.quantum, weights), house)
    assert runs[0].promised is not None
    assert broken_promises(played) == []
    assert all(run.ended is not None for run in runs), "somebody starves"


@MANY
@given(
    house=HOUSES,
    weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 4.0]), min_size=2, max_size=5),
    more=st.integers(1, 4),
    hours=st.integers(1, 3),
)
def test_two_backlogged_tenants_differ_by_the_slices_under_way_however_long_it_takes(
    house: House, weights: list[float], more: int, hours: int
) -> None:
    # More connectors than the slots take: else who passes next is no question.
    each = house.slots + more
    runs = [Run(tenant, 0.0, 1e9) for tenant in range(len(weights)) for _ in range(each)]
    played = play(runs, Fair(house.quantum, dict(enumerate(weights))), house, until=hours * 3600.0)
    had = [played.held[tenant] / weight for tenant, weight in enumerate(weights)]
    # Each may hold all slots; slices end at the quantum, since somebody waits all the time.
    slack = house.slots * (house.quantum + house.batch)
    for (one, its), (other, theirs) in itertools.combinations(enumerate(had), 2):
        assert abs(its - theirs) <= slack / weights[one] + slack / weights[other]
