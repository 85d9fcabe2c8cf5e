"""One budget per store: never overrun, hardly anything left unused, and spent at an even pace."""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import fakeredis
import pytest
import redis

from worker.bigcommerce.quota import BURST, CATCH_UP, FEWEST_AT_ONCE, Quota, Unit

WINDOW = 30.0


@dataclass
class Store:
    """Counts calls in fixed windows, as they arrive."""

    quota: int
    begins: float = 7.0
    counts: dict[int, int] = field(default_factory=dict)
    refused: int = 0
    eaten: dict[int, int] = field(default_factory=dict)
    at: list[float] = field(default_factory=list)
    """When calls of ours came."""

    def window(self, now: float) -> int:
        """The number of the window."""
        return int((now - self.begins) // WINDOW)

    def count(self, now: float) -> bool:
        """Whether the call was let in."""
        self.at.append(now)
        window = self.window(now)
        if self.counts.get(window, 0) + self.eaten.get(window, 0) >= self.quota:
            return False
        self.counts[window] = self.counts.get(window, 0) + 1
        return True

    def eat(self, now: float) -> None:
        """Another app calls."""
        window = self.window(now)
        if self.counts.get(window, 0) + self.eaten.get(window, 0) < self.quota:
            self.eaten[window] = self.eaten.get(window, 0) + 1

    def headers(self, now: float) -> dict[str, str]:
        """What an answer written now says."""
        window = self.window(now)
        left = self.quota - self.counts.get(window, 0) - self.eaten.get(window, 0)
        ends = self.begins + (window + 1) * WINDOW
        return headers(left=left, quota=self.quota, seconds=ends - now)


def headers(*, left: int, quota: int = 150, seconds: float = 30.0) -> dict[str, str]:
    return {
        "X-Rate-Limit-Time-Window-Ms": "30000",
        "X-Rate-Limit-Requests-Quota": str(quota),
        "X-Rate-Limit-Requests-Left": str(left),
        "X-Rate-Limit-Time-Reset-Ms": str(int(seconds * 1000)),
    }


class Clock:
    """Virtual time."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now


def simulate(
    *,
    quota: int = 150,
    processes: int = 1,
    in_flight: int = 30,
    latency: Callable[[random.Random], float] = lambda dice: dice.uniform(1.8, 2.2),
    eats_every: float = 0.0,
    left_to_others: float = 0.0,
    told_on_arrival: bool = True,
    windows: int = 10,
    seed: int = 1,
) -> Store:
    """Run so many threads over so many processes against one store, in virtual time."""
    dice = random.Random(seed)
    server = fakeredis.FakeServer()
    clock = Clock()
    store = Store(quota, begins=clock.now - dice.uniform(0, WINDOW))
    budgets = [
        Quota(fakeredis.FakeRedis(server=server), store_hash="abc", left_to_others=left_to_others, clock=clock)
        for _ in range(processes)
    ]
    order = itertools.count()
    events: list[tuple[float, int, Iterator[float]]] = []

    lines: list[deque[int]] = [deque() for _ in budgets]

    def thread(me: int) -> Iterator[float]:
        budget, line = budgets[me % processes], lines[me % processes]
        while True:
            line.append(me)
            while line[0] != me:  # as the client's threads, who ask one after the other
                yield 0.05
            while unit := budget.ask():
                yield min(float(unit), 1.0) + dice.uniform(0, 0.05)
            line.popleft()
            way = dice.uniform(0.02, 0.12)
            yield way
            counted = store.count(clock.now)
            store.refused += not counted
            said = store.headers(clock.now)
            yield latency(dice) if counted else 0.05
            if counted and not told_on_arrival:
                said = store.headers(clock.now)
            yield way
            budget.heed(said, status=200 if counted else 429, unit=unit)

    def other_app() -> Iterator[float]:
        while True:
            yield eats_every
            store.eat(clock.now)

    running = [thread(number) for number in range(in_flight)]
    for process in [*running, *([other_app()] if eats_every else [])]:
        heapq.heappush(events, (clock.now, next(order), process))
    end = store.begins + (windows + 1) * WINDOW
    while events[0][0] < end:
        clock.now, _, process = heapq.heappop(events)
        heapq.heappush(events, (clock.now + next(process), next(order), process))
    return store


def used(store: Store, windows: int = 10) -> list[int]:
    """Our calls in each whole window; the first one is left out, since it was begun late."""
    return [store.counts.get(window, 0) for window in range(1, windows + 1)]


@pytest.mark.parametrize("told_on_arrival", [True, False])
@pytest.mark.parametrize("processes", [1, 4])
def test_alone_we_use_the_whole_quota_and_are_never_refused(processes: int, told_on_arrival: bool) -> None:
    store = simulate(processes=processes, told_on_arrival=told_on_arrival, windows=6)
    assert store.refused == 0
    assert min(used(store, 6)) >= 0.95 * 150


@pytest.mark.parametrize("told_on_arrival", [True, False])
def test_a_pro_store_is_used_wholly_with_45_in_flight(told_on_arrival: bool) -> None:
    store = simulate(quota=450, processes=4, in_flight=45, told_on_arrival=told_on_arrival, windows=3)
    assert store.refused == 0
    assert min(used(store, 3)) >= 0.95 * 450


@pytest.mark.parametrize("told_on_arrival", [True, False])
def test_slow_answers_that_tell_of_old_windows_lead_to_no_refusal(told_on_arrival: bool) -> None:
    store = simulate(
        processes=4,
        in_flight=45,
        told_on_arrival=told_on_arrival,
        latency=lambda dice: dice.choice([0.2, 0.5, 2, 2, 2, 6, 14, 20, 40]),
    )
    assert store.refused == 0
    assert sum(used(store)) >= 10 * 0.75 * 150  # 45 in flight at 9.6 s make hardly more than 140


@pytest.mark.parametrize("told_on_arrival", [True, False])
def test_what_another_app_eats_is_learnt_with_few_refusals(told_on_arrival: bool) -> None:
    store = simulate(processes=4, eats_every=WINDOW / 45, told_on_arrival=told_on_arrival)
    eaten = sum(store.eaten.get(window, 0) for window in range(1, 11))
    assert sum(used(store)) + eaten >= 0.95 * 10 * 150
    assert store.refused <= 0.02 * sum(used(store))


def test_the_share_of_others_is_left_to_them() -> None:
    store = simulate(left_to_others=0.2)
    assert store.refused == 0
    assert max(used(store)) <= 120
    assert min(used(store)) >= 0.95 * 120


def test_what_others_have_had_counts_towards_their_share() -> None:
    store = simulate(left_to_others=0.3, eats_every=WINDOW / 45)
    assert store.refused == 0
    assert sum(store.eaten.get(window, 0) for window in range(1, 11)) >= 10 * 44
    assert min(used(store)) >= 0.9 * 105


def most_within(times: list[float], seconds: float) -> int:
    """The most calls that came within so many seconds."""
    most, begin = 0, 0
    for end, at in enumerate(times):
        while times[begin] < at - seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most


@pytest.mark.parametrize("latency", [0.1, 2.0])
@pytest.mark.parametrize(
    ("processes", "eats_every", "share"), [(1, 0.0, 0.0), (2, 0.4, 0.0), (4, 0.4, 0.5), (4, 0.8, 0.1)]
)
def test_calls_are_spread_over_the_window_and_use_all_of_it(
    latency: float, processes: int, eats_every: float, share: float
) -> None:
    store = simulate(
        processes=processes,
        in_flight=4 if latency < 1 else 20,
        latency=lambda dice: dice.uniform(0.9, 1.1) * latency,
        eats_every=eats_every,
        left_to_others=share,
        windows=3,
    )
    ours, eaten = used(store, 3), [store.eaten.get(window, 0) for window in range(1, 4)]
    allowed = [150 - max(theirs, round(150 * share)) for theirs in eaten]
    assert min(one / whole for one, whole in zip(ours, allowed, strict=True)) >= 0.95
    stay_within_share = not eats_every or WINDOW / eats_every <= 150 * share
    assert store.refused <= (0 if stay_within_share else 0.02 * sum(ours))
    # The first window is begun late, and is used up faster; from then on the pace is even.
    steady = [at for at in store.at if store.window(at) >= 1]
    fastest = 150 * (1 - share) / (WINDOW * (1 - 1 / 10))
    bucket = max(FEWEST_AT_ONCE, BURST * 150 * (1 - share))
    for seconds in (1.0, 3.0, 10.0):
        assert most_within(steady, seconds) <= fastest * (seconds + 0.1) + bucket + 2


def test_a_run_that_begins_late_in_a_window_catches_up_but_does_not_flood() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=20)
    began = bench.clock.now
    assert len(bench.granted(budget)) == 149
    assert bench.clock.now - began <= 20, "two thirds of a window are time enough for all of it"
    bench = Bench()
    budget = bench.told(left=149, seconds=4)
    began = bench.clock.now
    units = bench.granted(budget, 40)
    even = 150 / WINDOW
    assert bench.clock.now - began >= (len(units) - BURST * 150 - 1) / (CATCH_UP * even)


def test_the_first_calls_after_a_pause_go_at_once_and_the_next_at_the_pace() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=30)
    assert len(at_once(budget)) == 7
    wait = budget.ask()
    assert 0 < wait <= 0.25
    assert not wait.spent, "our own pace, not the store"
    bench.clock.now += 10
    assert len(at_once(bench.quota())) == 7


def test_many_who_ask_in_vain_wear_the_pace_off_by_nothing() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=30)
    at_once(budget)
    sent = 0
    for _ in range(3000):  # three seconds
        bench.clock.now += 0.001
        sent += not budget.ask()
    assert 14 <= sent <= 15, "142 calls in 29.5 seconds"


def test_a_spent_window_is_told_from_a_slow_pace() -> None:
    bench = Bench()
    slow = bench.told(left=150 - 143, seconds=29)
    assert len(at_once(slow)) == 7
    assert slow.ask().spent
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    budget.heed(headers(left=3, seconds=29), status=200, unit=budget.ask())
    at_once(budget)
    assert budget.ask().spent


class Bench:
    """A budget on a fake Redis, in virtual time."""

    def __init__(self) -> None:
        self.server = fakeredis.FakeServer()
        self.redis: redis.Redis = fakeredis.FakeRedis(server=self.server)
        self.clock = Clock()

    def quota(self, left_to_others: float = 0.0) -> Quota:
        """The budget as one more process sees it."""
        return Quota(self.redis, store_hash="abc", left_to_others=left_to_others, clock=self.clock)

    def told(self, *, left: int, quota: int = 150, seconds: float = 30.0) -> Quota:
        """A budget that has heard so much, with nothing in flight."""
        budget = self.quota()
        unit = budget.ask()
        budget.heed(headers(left=left, quota=quota, seconds=seconds), status=200, unit=unit)
        return budget

    def granted(self, budget: Quota, most: int = 1000) -> list[Unit]:
        """The calls that may be sent, one behind the other at our own pace, until the store allows no more."""
        units: list[Unit] = []
        while len(units) < most:
            unit = budget.ask()
            if unit.spent:
                break
            if unit:
                self.clock.now += unit
            else:
                units.append(unit)
        return units


def left(budget: Quota) -> int:
    level = budget.level()
    assert level is not None
    return level.left


def at_once(budget: Quota, most: int = 10_000) -> list[Unit]:
    return list(itertools.takewhile(lambda unit: not unit, (budget.ask() for _ in range(most))))


def test_forty_first_calls_at_once_are_two() -> None:
    bench = Bench()
    budget = bench.quota()
    assert len(at_once(budget)) == 2
    assert 0 < budget.ask() <= 1
    bench.clock.now += 1.001
    assert len(at_once(bench.quota())) == 2


def test_what_is_left_is_given_once_to_all_processes_together() -> None:
    bench = Bench()
    first = bench.told(left=10, seconds=20)
    began = bench.clock.now
    assert len(bench.granted(first, 6)) == 6
    second = bench.quota()
    assert len(bench.granted(second)) == 4
    bench.clock.now = began + 19.9
    assert second.ask().spent
    bench.clock.now += 0.3
    assert not second.ask()


def test_an_empty_budget_says_when_its_window_turns() -> None:
    budget = Bench().told(left=0, seconds=12)
    assert budget.ask() == pytest.approx(12.1, abs=0.01)


def test_a_call_in_flight_over_the_turn_is_reserved_and_given_back_when_the_old_window_had_it() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    units = bench.granted(budget, 20)
    bench.clock.now += 5.2
    assert not budget.ask()
    assert left(budget) == 129
    for unit in units:
        budget.heed(headers(left=100, seconds=0.5), status=200, unit=unit)
    assert left(budget) == 149


def test_a_late_answer_of_another_window_takes_nothing_from_this_one() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    late = budget.ask()
    bench.clock.now += 5.2
    budget.heed(headers(left=140), status=200, unit=budget.ask())
    assert left(budget) == 140
    budget.heed(headers(left=0, seconds=0.2), status=200, unit=late)
    assert left(budget) >= 140
    assert not budget.ask()


def test_calls_of_a_dead_process_are_forgotten_after_a_window() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    bench.granted(budget, 40)
    bench.clock.now += 5.2
    assert len(bench.granted(budget)) == 110
    bench.clock.now += 70
    assert len(bench.granted(budget)) == 150


def test_a_refusal_with_headers_stops_all_until_the_longer_of_its_two_times() -> None:
    bench = Bench()
    budget = bench.told(left=100)
    unit = budget.ask()
    budget.heed({**headers(left=0, seconds=7), "X-Retry-After": "9"}, status=429, unit=unit)
    assert bench.quota().ask() == pytest.approx(9, abs=0.01)
    bench.clock.now += 9.2
    assert not budget.ask()


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ({"X-Retry-After": "9"}, 9),
        ({"X-Retry-After": "0.5"}, 1),
        ({"Retry-After": "4"}, 4),
        ({"X-Retry-After": "2", "X-Rate-Limit-Time-Reset-Ms": "7000"}, 7),
        ({"X-Rate-Limit-Requests-Left": "0", "X-Rate-Limit-Time-Reset-Ms": "7000"}, 7),
        ({"X-Retry-After": "86400000"}, 3600),
        ({**headers(left=0, seconds=1e9), "X-Retry-After": "6"}, 6),
    ],
)
def test_a_refusal_is_believed_as_far_as_it_makes_sense(said: dict[str, str], wait: float) -> None:
    bench = Bench()
    budget = bench.told(left=149)
    budget.heed(said, status=429, unit=budget.ask())
    assert bench.quota().ask() == pytest.approx(wait, abs=0.01)
    assert bench.quota().ask().spent


@pytest.mark.parametrize("said", [{"X-Retry-After": "-3"}, {"X-Retry-After": "soon"}, headers(left=0, seconds=1e9)])
def test_a_refusal_that_says_nothing_useful_is_a_short_pause(said: dict[str, str]) -> None:
    budget = Bench().told(left=149)
    budget.heed(said, status=429, unit=budget.ask())
    assert 3.75 <= budget.ask() <= 5


def test_after_a_refusal_one_call_goes_first_and_the_others_follow_at_the_pace() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    budget.heed({"X-Retry-After": "2"}, status=429, unit=budget.ask())
    bench.clock.now += 2.01
    assert len(at_once(budget)) == 1


def test_a_refusal_of_an_endpoint_with_units_left_is_only_a_short_pause() -> None:
    bench = Bench()
    budget = bench.told(left=100)
    budget.heed(headers(left=80, seconds=25), status=429, unit=budget.ask())
    assert 0 < budget.ask() <= 5


def test_refusals_without_headers_pause_the_store_longer_each_time_until_a_success() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    pauses = []
    for _ in range(6):
        bench.clock.now += 0.01
        units = bench.granted(budget, 2)
        for unit in units:  # refused together: one pause, not two
            budget.heed({}, status=429, unit=unit)
        pauses.append(float(bench.quota().ask()))
        bench.clock.now += pauses[-1]
    for pause, longest in zip(pauses, [5, 10, 20, 40, 60, 60], strict=True):
        assert 0.7 * longest <= pause <= longest
    bench.clock.now += 0.01
    units = bench.granted(budget, 2)
    budget.heed({}, status=200, unit=units[0])
    budget.heed({}, status=429, unit=units[1])
    assert 0 < budget.ask() <= 5


def test_an_unlimited_store_is_not_held_back() -> None:
    budget = Bench().told(left=7_000_000 - 1, quota=7_000_000)
    assert len(at_once(budget, 3000)) == 3000


def test_a_quota_that_shrinks_is_believed_at_once() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    units = bench.granted(budget, 7)
    budget.heed(headers(left=64, quota=75), status=200, unit=units[-1])
    assert len(bench.granted(budget)) == 64


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"X-Rate-Limit-Requests-Left": "many"},
        {"X-Rate-Limit-Requests-Quota": "0", "X-Rate-Limit-Time-Window-Ms": "0"},
        {**headers(left=0), "X-Rate-Limit-Requests-Left": "inf"},
        {**headers(left=0), "X-Rate-Limit-Requests-Left": "-1"},
        {**headers(left=0), "X-Rate-Limit-Requests-Quota": "-150"},
        {**headers(left=0), "X-Rate-Limit-Time-Reset-Ms": "-5"},
        {**headers(left=0), "X-Rate-Limit-Time-Reset-Ms": "30000000"},
        {**headers(left=0), "X-Rate-Limit-Time-Window-Ms": "1"},
        {**headers(left=0), "X-Rate-Limit-Time-Window-Ms": "nan"},
        {**headers(left=0), "X-Rate-Limit-Time-Window-Ms": "1e300"},
        {name: text for name, text in headers(left=0).items() if "Reset" not in name},
        {name: text for name, text in headers(left=0).items() if "Window" not in name},
    ],
)
def test_headers_that_make_no_sense_teach_nothing(said: dict[str, str]) -> None:
    budget = Bench().told(left=149)
    budget.heed(said, status=200, unit=budget.ask())
    level = budget.level()
    assert level is not None
    assert (level.left, level.quota) == (148, 150)


def test_header_names_may_come_in_lower_case() -> None:
    bench = Bench()
    budget = bench.quota()
    budget.heed({name.lower(): text for name, text in headers(left=30).items()}, status=200, unit=budget.ask())
    assert len(bench.granted(budget)) == 30


def test_without_redis_a_process_goes_on_slowly_and_recovers() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    bench.server.connected = False
    sent = 0
    for _ in range(100):  # ten seconds
        unit = budget.ask()
        sent += not unit
        budget.heed(headers(left=100), status=200, unit=unit)
        bench.clock.now += 0.1
    assert 15 <= sent <= 21
    assert budget.level() is None
    bench.server.connected = True
    bench.clock.now += 2.1
    assert len(at_once(budget)) == 7


def test_without_redis_a_refusal_is_still_heeded() -> None:
    bench = Bench()
    budget = bench.quota()
    bench.server.connected = False
    budget.heed({"X-Retry-After": "12"}, status=429, unit=budget.ask())
    assert budget.ask() == pytest.approx(12)


def test_without_redis_a_window_that_is_known_to_be_spent_is_waited_for() -> None:
    bench = Bench()
    budget = bench.told(left=0, seconds=12)
    assert budget.ask().spent
    bench.server.connected = False
    assert budget.ask() == pytest.approx(12.1, abs=0.01)
    bench.clock.now += 12.2
    assert not budget.ask()


def test_without_redis_the_share_of_others_is_left_to_them_by_what_the_answers_say() -> None:
    bench = Bench()
    budget = bench.quota(left_to_others=0.8)
    bench.server.connected = False
    budget.heed(headers(left=135, seconds=30), status=200, unit=budget.ask())
    bench.clock.now += 0.5
    assert not budget.ask()
    assert budget.ask() == pytest.approx(30 / 15, abs=0.01), "15 calls are ours in the 30 seconds"
    budget.heed(headers(left=120, seconds=9), status=200)
    assert budget.ask() == pytest.approx(9, abs=0.01)
    assert budget.ask().spent


def test_without_redis_the_smallest_plan_is_never_overrun() -> None:
    """One slice at a time calls a store, so the slow pace of its process is all that the store gets of us."""
    bench, store = Bench(), Store(150, begins=1_000_000.0)
    budget = bench.quota()
    bench.server.connected = False
    for _ in range(1200):  # two minutes
        bench.clock.now += 0.1
        unit = budget.ask()
        if not unit:
            assert store.count(bench.clock.now)
            budget.heed(store.headers(bench.clock.now), status=200, unit=unit)
    assert all(50 <= calls <= 61 for calls in (store.counts[window] for window in range(3)))


def test_one_call_looks_whether_redis_is_back_and_the_others_do_not_wait_with_it() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    tries = 0
    ask = budget._ask

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 2:  # a second thread, while the first one looks
            assert budget.ask() >= 0
        return ask(*args, **kwargs)

    budget._ask = counted  # type: ignore[assignment]
    bench.server.connected = False
    budget.ask()
    bench.clock.now += 2.1
    budget.ask()
    assert tries == 2


def test_after_redis_was_emptied_the_budget_begins_carefully_again() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    units = bench.granted(budget, 20)
    bench.redis.flushall()
    assert len(at_once(budget)) == 2
    for unit in units:
        budget.heed(headers(left=100), status=200, unit=unit)
    assert 80 <= len(bench.granted(budget)) <= 100


def test_the_level_says_what_is_left_and_for_how_long() -> None:
    bench = Bench()
    assert bench.quota().level() is None
    budget = bench.told(left=40, seconds=20)
    budget.ask()
    level = budget.level()
    assert level is not None
    assert (level.left, level.quota, round(level.seconds)) == (39, 150, 20)
    bench.clock.now += 21
    level = budget.level()
    assert level is not None
    assert (level.left, level.seconds) == (150, 0)
    budget.heed({"X-Retry-After": "8"}, status=429, unit=budget.ask())
    level = budget.level()
    assert level is not None
    assert (level.left, level.seconds) == (0, 8)


def test_nothing_stays_in_redis_for_ever() -> None:
    bench = Bench()
    bench.told(left=10)
    assert 0 < int(bench.redis.ttl("quota:abc")) <= 600


def test_without_a_clock_that_of_redis_counts() -> None:
    budget = Quota(fakeredis.FakeRedis(), store_hash="abc")
    budget.heed(headers(left=5, seconds=30), status=200, unit=budget.ask())
    assert len(at_once(budget)) == 5
    assert budget.ask().spent
    level = budget.level()
    assert level is not None
    assert 28 <= level.seconds <= 30


# ---- its line to Redis


def test_the_threads_of_a_slice_share_one_connection_and_give_it_back() -> None:
    broker = fakeredis.FakeRedis()
    budget = Quota(broker, store_hash="abc")
    with ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda _: budget.heed(headers(left=100), status=200), range(200)))
    held = broker.connection_pool._in_use_connections
    assert len(held) == 1
    budget.close()
    assert not held
    assert budget.ask() == 0.0, "who asks afterwards gets another one"


def test_nobody_waits_for_a_silent_redis_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, asked, there = Quota(fakeredis.FakeRedis(), store_hash="abc"), list[int](), Barrier(10)

    def is_silent(**_: Any) -> None:
        asked.append(1)
        time.sleep(0.2)
        raise redis.TimeoutError

    def ask(_: int) -> Unit:
        there.wait()
        return budget.ask()

    monkeypatch.setattr(budget, "_ask", is_silent)
    with ThreadPoolExecutor(10) as threads:
        units = list(threads.map(ask, range(10)))
    assert len(asked) == 1
    assert min(units) == 0.0, "one goes at once, the others at the pace of a process by itself"
