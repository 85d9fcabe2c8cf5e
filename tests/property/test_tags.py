"""What a turn costs: no credit for idling, no debt forgotten, shares by weight, whatever the numbers are."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from worker.ledger import tags

TIMES = st.floats(0, 1e9)
WEIGHTS = st.floats(0.01, 100)
QUANTA = st.floats(0.1, 600)
SECONDS = st.floats(0, 1e5)
TURNS = st.integers(1, 1000)


@given(now=TIMES, finish=TIMES, weight=WEIGHTS, quantum=QUANTA, turns=TURNS)
def test_no_tag_is_below_the_virtual_time_nor_below_what_the_tenant_has_had(
    now: float, finish: float, weight: float, quantum: float, turns: int
) -> None:
    charged = tags.charge(now, finish, weight=weight, quantum=quantum, turns=turns)
    assert len(charged.tags) == turns
    assert charged.tags[0] == tags.start(now, finish)
    assert all(tag >= now for tag in charged.tags)
    assert all(tag >= finish for tag in charged.tags)


@given(now=TIMES, finish=TIMES, weight=WEIGHTS, quantum=QUANTA, turns=TURNS)
def test_the_turns_of_a_tenant_stand_one_behind_the_other_and_all_are_charged(
    now: float, finish: float, weight: float, quantum: float, turns: int
) -> None:
    charged = tags.charge(now, finish, weight=weight, quantum=quantum, turns=turns)
    assert charged.tags == sorted(charged.tags)
    assert charged.finish >= charged.tags[-1]
    assert charged.finish - charged.tags[0] == pytest.approx(turns * quantum / weight, rel=1e-6, abs=1e-6)


@given(now=TIMES, finish=TIMES, weight=WEIGHTS, quantum=QUANTA, turns=st.integers(1, 20))
def test_turns_that_become_ready_together_stand_as_if_one_after_the_other(
    now: float, finish: float, weight: float, quantum: float, turns: int
) -> None:
    together = tags.charge(now, finish, weight=weight, quantum=quantum, turns=turns)
    alone, so_far = [], finish
    for _ in range(turns):
        one = tags.charge(now, so_far, weight=weight, quantum=quantum)
        alone += one.tags
        so_far = one.finish
    assert together.tags == pytest.approx(alone)
    assert together.finish == pytest.approx(so_far)


@given(now=TIMES, idle=SECONDS, weight=WEIGHTS, quantum=QUANTA)
def test_who_was_idle_stands_where_a_new_tenant_would(now: float, idle: float, weight: float, quantum: float) -> None:
    was_here = max(0.0, now - idle)
    assert tags.charge(now, was_here, weight=weight, quantum=quantum) == tags.charge(
        now, 0.0, weight=weight, quantum=quantum
    )


@given(now=TIMES, weight=WEIGHTS, quantum=QUANTA, slices=st.lists(SECONDS, min_size=1, max_size=30))
def test_what_a_tenant_owes_is_what_it_has_held_by_weight(
    now: float, weight: float, quantum: float, slices: list[float]
) -> None:
    finish = now
    for held in slices:
        finish = tags.charge(now, finish, weight=weight, quantum=quantum).finish
        before, finish = finish, tags.settle(finish, weight=weight, quantum=quantum, held=held)
        assert finish >= before - quantum / weight - 1e-6, "a release gives back no more than was charged beforehand"
    assert finish - now == pytest.approx(sum(slices) / weight, rel=1e-6, abs=1e-4)


@given(now=TIMES, finish=TIMES, held=SECONDS, quantum=QUANTA, weight=WEIGHTS)
def test_a_slice_that_lost_its_turn_is_charged_like_any_other(
    now: float, finish: float, held: float, quantum: float, weight: float
) -> None:
    """Lost and held again, or released and tagged again: the tenant owes the same."""
    once = tags.charge(now, finish, weight=weight, quantum=quantum).finish
    lost = tags.settle(once, weight=weight, quantum=0.0, held=held)
    in_the_end = tags.settle(lost, weight=weight, quantum=quantum, held=held)
    assert in_the_end == pytest.approx(tags.start(now, finish) + 2 * held / weight, rel=1e-6, abs=1e-4)


@given(finish=TIMES, weight=WEIGHTS, quantum=QUANTA, ago=st.floats(0, 100))
def test_a_clock_that_is_set_back_gives_nothing_back(finish: float, weight: float, quantum: float, ago: float) -> None:
    settled = tags.settle(finish, weight=weight, quantum=quantum, held=-ago)
    assert settled == tags.settle(finish, weight=weight, quantum=quantum, held=0.0)


@given(weights=st.lists(st.integers(1, 8), min_size=2, max_size=6), quantum=st.integers(1, 60))
def test_one_slot_is_shared_by_weight_to_within_a_slice_of_each(weights: list[int], quantum: int) -> None:
    """Tenants that always have work, one slot, slices of one quantum: whoever has had least comes next."""
    now, had = 0.0, [0.0] * len(weights)
    waiting = {who: tags.charge(now, 0.0, weight=weight, quantum=quantum) for who, weight in enumerate(weights)}
    for _ in range(200):
        who = min(waiting, key=lambda one: (waiting[one].tags[0], one))
        now = max(now, waiting[who].tags[0])
        had[who] += quantum
        finish = tags.settle(waiting[who].finish, weight=weights[who], quantum=quantum, held=quantum)
        waiting[who] = tags.charge(now, finish, weight=weights[who], quantum=quantum)
        by_weight = [seconds / weight for seconds, weight in zip(had, weights, strict=True)]
        furthest = max(quantum / weight for weight in weights)
        assert max(by_weight) - min(by_weight) <= furthest + 1e-6


@given(now=TIMES, finish=TIMES, weight=WEIGHTS, quantum=QUANTA, held=SECONDS)
def test_nobody_is_wanted_where_nobody_waits(
    now: float, finish: float, weight: float, quantum: float, held: float
) -> None:
    assert not tags.is_wanted(None, virtual_time=now, finish=finish, weight=weight, quantum=quantum, held=held)


@given(now=TIMES, tags_ago=SECONDS, had=TIMES, weight=WEIGHTS, quantum=QUANTA, held=SECONDS)
def test_a_tenant_without_debt_is_always_wanted(
    now: float, tags_ago: float, had: float, weight: float, quantum: float, held: float
) -> None:
    """Whoever runs, and however poor it is: so a first-in-line waits for one yield quantum, never for a whole slice."""
    waiting = max(0.0, now - tags_ago)  # the virtual time at which it came
    assert tags.is_wanted(waiting, virtual_time=now, finish=had, weight=weight, quantum=quantum, held=held)


@given(waiting=TIMES, now=TIMES, finish=TIMES, weight=WEIGHTS, quantum=QUANTA, held=SECONDS)
def test_whoever_yields_comes_behind_the_one_that_it_yielded_to(
    waiting: float, now: float, finish: float, weight: float, quantum: float, held: float
) -> None:
    settled = tags.settle(finish, weight=weight, quantum=quantum, held=held)
    again = tags.charge(now, settled, weight=weight, quantum=quantum).tags[0]
    wanted = tags.is_wanted(waiting, virtual_time=now, finish=finish, weight=weight, quantum=quantum, held=held)
    assert wanted == (waiting <= again)


@given(now=TIMES, ahead=SECONDS, before=WEIGHTS, after=WEIGHTS)
def test_a_new_weight_leaves_the_seconds_owed_as_they_are(
    now: float, ahead: float, before: float, after: float
) -> None:
    assume(now + ahead / before > now)
    owed = now + ahead / before
    again = tags.reweigh(owed, virtual_time=now, before=before, after=after)
    assert (again - now) * after == pytest.approx((owed - now) * before, rel=1e-6, abs=1e-3)


@given(now=TIMES, ago=SECONDS, before=WEIGHTS, after=WEIGHTS)
def test_a_new_weight_moves_nothing_that_is_not_ahead_of_the_virtual_time(
    now: float, ago: float, before: float, after: float
) -> None:
    assert tags.reweigh(now - ago, virtual_time=now, before=before, after=after) == now - ago
