"""The figures of fairness, out of slices written down by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ledger.fairness import Figures, History, Slice, Slots, Tenant, jain, quantile, reckon

A, B, C = 1, 2, 3
TENANTS = [Tenant(A, "a", 1.0, None), Tenant(B, "b", 2.0, None), Tenant(C, "c", 1.0, 1)]
EVER = Slots(1, 0.0, math.inf)


def a_slice(
    tenant: int,
    ready: float | None,
    started: float | None,
    ended: float | None,
    *,
    connector: int | None = None,
    store: str | None = None,
    why: str | None = None,
) -> Slice:
    number = connector or tenant
    return Slice(tenant, number, store or f"store{number}", ready, started, ended, why or (ended and "wanted") or None)


def figures(*slices: Slice, slots: tuple[Slots, ...] = (EVER,), since: float = 0.0, now: float = 100.0) -> Figures:
    return reckon(History(slices, slots, TENANTS, {}, since, now))


# ---- Jain's index


@pytest.mark.parametrize(("shares", "index"), [
    ([], 1.0),               # nobody is worse off than anybody
    ([0.0, 0.0], 1.0),       # idem
    ([5.0], 1.0),
    ([3.0, 3.0, 3.0], 1.0),
    ([1.0, 0.0], 0.5),       # one of n has all
    ([1.0, 0, 0, 0], 0.25),
    ([1.0, 3.0], 0.8),
    ([1e200, 3e200], 0.8),   # squares beyond what a float holds
])  # fmt: skip
def test_jain_of_known_shares(shares: list[float], index: float) -> None:
    assert jain(shares) == pytest.approx(index)


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=50), st.floats(1e-3, 1e3))
def test_jain_lies_between_one_nth_and_one_and_knows_no_unit(shares: list[float], unit: float) -> None:
    index = jain(shares)
    assert 1 / len(shares) - 1e-9 <= index <= 1 + 1e-9
    assert jain(share * unit for share in shares) == pytest.approx(index)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_exceeded_by_no_more_than_the_rest(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value > found for value in values) <= len(values) * (1 - share) + 1e-6


def test_nothing_has_no_quantile() -> None:
    assert quantile([], 0.5) is None


# ---- shares


def test_slot_seconds_are_those_within_the_window() -> None:
    found = figures(a_slice(A, 0, 0, 30), a_slice(B, 10, 30, None), since=20)
    assert {one.tenant: one.slot_seconds for one in found.tenants} == {"a": 10, "b": 70}
    assert [round(one.share, 3) for one in found.tenants] == [0.125, 0.875]
    assert found.utilisation == 1.0


def test_jain_is_by_weight_and_among_those_backlogged_throughout() -> None:
    turns_about = [a_slice(A, at - 20, at, at + 10) for at in range(20, 100, 30)]
    turns_about += [a_slice(B, at - 10, at, at + 20) for at in range(0, 100, 30)]
    turns_about.append(a_slice(A, 90, None, None))
    found = figures(*turns_about, a_slice(C, 50, 50, 51), since=10)
    assert [(one.tenant, one.backlogged) for one in found.tenants] == [("a", True), ("b", True), ("c", False)]
    assert found.jain == pytest.approx(1.0)  # b has twice as much, and weighs twice as much
    alike = [Tenant(A, "a", 1, None), Tenant(B, "b", 1, None)]
    heavier = reckon(History(turns_about, [EVER], alike, {}, 10, 100))
    assert heavier.jain == pytest.approx(0.9)


@pytest.mark.parametrize("slices", [
    [],                                                   # nobody beside a
    [a_slice(B, 0, 50, 80)],                              # ended, and no more work
    [a_slice(B, 30, 50, None)],                           # came later
    [a_slice(B, 0, 20, 30), a_slice(B, 40, 60, None)],    # had a pause in between
    [a_slice(B, -2, -1, None)],                           # never waited: it had all that it could use
])  # fmt: skip
def test_there_is_no_jain_where_fewer_than_two_were_backlogged(slices: list[Slice]) -> None:
    assert figures(a_slice(A, 0, 50, None), *slices).jain is None


def test_two_that_waited_and_worked_throughout_are_compared() -> None:
    assert figures(a_slice(A, 0, 50, None), a_slice(B, 0, 50, None)).jain == pytest.approx(0.9)


def test_two_transactions_between_slices_are_no_pause() -> None:
    found = figures(a_slice(A, 0, 20, 50), a_slice(A, 50.2, 60, None), a_slice(B, 0, 50, None))
    assert found.jain is not None


# ---- waits


def test_waits_are_those_of_the_slices_that_began_in_the_window() -> None:
    found = figures(a_slice(A, 0, 5, 20), a_slice(A, 20, 60, 70), a_slice(B, 60, 70, None), since=50)
    assert (found.waits.count, found.waits.p50, found.waits.p99) == (2, 10, 40)
    assert found.longest_wait == 40
    assert found.longest_wait_now == 0
    assert {one.tenant: (one.slices, one.longest_wait) for one in found.tenants} == {"a": (1, 40), "b": (1, 10)}


def test_who_waits_still_counts_for_the_longest_wait() -> None:
    found = figures(a_slice(A, 0, 5, None), a_slice(B, 30, None, None))
    assert (found.longest_wait, found.longest_wait_now, found.waits.count) == (70, 70, 1)


def test_slices_from_before_the_column_have_no_wait_but_a_share() -> None:
    found = figures(a_slice(A, None, 10, 40))
    assert (found.waits.count, found.longest_wait) == (0, 0)
    assert found.tenants[0].slot_seconds == 30


def test_endings_are_counted_by_reason() -> None:
    found = figures(
        a_slice(A, 0, 0, 10, why="wanted"), a_slice(A, 10, 10, 20, why="turn_lost"), a_slice(B, 0, 5, 30, why="wanted"),
        a_slice(B, 30, 30, None), since=15,
    )  # fmt: skip
    assert found.endings == {"turn_lost": 1, "wanted": 1}


# ---- idle while somebody was ready


def test_a_slot_that_is_free_while_somebody_waits_is_idle() -> None:
    assert figures(a_slice(A, 10, 25, 60), a_slice(B, 40, 70, None)).idle_while_ready == 15 + 10


def test_time_outside_the_window_does_not_count() -> None:
    assert figures(a_slice(A, 0, None, None), since=40, now=50).idle_while_ready == 10


def test_nothing_is_idle_where_nobody_waits_or_every_slot_is_held() -> None:
    assert figures(a_slice(A, 10, 10, None), a_slice(B, 10, None, None)).idle_while_ready == 0
    assert figures(a_slice(A, 10, 10, 20)).idle_while_ready == 0


def test_a_second_slot_is_idle_though_the_first_is_held() -> None:
    assert figures(a_slice(A, 0, 0, None), a_slice(B, 90, None, None), slots=(EVER, EVER)).idle_while_ready == 10


def test_slots_count_while_their_process_is_there() -> None:
    found = figures(a_slice(A, 0, None, None), slots=(Slots(4, 20, 50), Slots(2, 70, math.inf)))
    assert found.idle_while_ready == 30 + 30
    assert found.slots == 2
    assert found.utilisation == 0


def test_without_any_process_nothing_is_idle_and_nothing_is_used() -> None:
    found = figures(a_slice(A, 0, None, None), slots=())
    assert (found.idle_while_ready, found.utilisation, found.slots) == (0, None, 0)


def test_who_waits_for_its_store_leaves_no_slot_idle() -> None:
    busy = a_slice(A, 0, 0, 60, store="shared")
    found = figures(busy, a_slice(B, 10, None, None, store="shared"), slots=(EVER, EVER))
    assert found.idle_while_ready == 40  # from the end of the other's slice on


def test_who_waits_for_its_plan_leaves_no_slot_idle() -> None:
    busy = a_slice(C, 0, 0, 60, connector=7)
    assert figures(busy, a_slice(C, 10, None, None, connector=8), slots=(EVER, EVER)).idle_while_ready == 40


@given(
    st.lists(st.tuples(st.integers(1, 3), st.floats(0, 90), st.floats(0, 30), st.floats(0, 30)), max_size=20),
    st.integers(0, 4),
)
def test_idle_and_used_are_no_more_than_there_was(raw: list[tuple[int, float, float, float]], slots: int) -> None:
    slices = [
        a_slice(tenant, ready, ready + wait, ready + wait + held, connector=number)
        for number, (tenant, ready, wait, held) in enumerate(raw)
    ]
    found = figures(*slices, slots=(Slots(slots, 0, math.inf),) if slots else ())
    assert 0 <= found.idle_while_ready <= 100 + 1e-6
    assert sum(one.share for one in found.tenants) == pytest.approx(1.0) or not any(
        one.slot_seconds for one in found.tenants
    )


# ---- the age of the queue


@pytest.mark.parametrize(("slices", "age"), [
    ([], 0),
    ([a_slice(A, 30, None, None)], 70),
    ([a_slice(A, 30, None, None), a_slice(B, 60, None, None)], 70),
    ([a_slice(A, 120, None, None)], 0),                                            # its neighbour rests until then
    ([a_slice(A, 30, None, None, store="one"), a_slice(B, 0, 50, None, store="one")], 0),   # its store is busy
    ([a_slice(A, 30, None, None, store="one"), a_slice(B, 0, 50, 80, store="one")], 20),    # it was until then
    ([a_slice(C, 0, 50, None), a_slice(C, 30, None, None, connector=7)], 0),       # its plan gives it one slot
    ([a_slice(C, 0, 50, 90), a_slice(C, 30, None, None, connector=7)], 10),        # idem, until then
    ([a_slice(A, 0, 50, None), a_slice(A, 30, None, None, connector=7)], 70),      # no limit: a slot would help
])  # fmt: skip
def test_the_queue_is_as_old_as_the_longest_wait_that_a_free_slot_would_end(slices: list[Slice], age: float) -> None:
    assert figures(*slices).queue_age == age
