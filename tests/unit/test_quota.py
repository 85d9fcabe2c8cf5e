"""One budget per store: never overrun, hardly anything left unused."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import fakeredis
import pytest
import redis

from worker.bigcommerce.quota import Quota, Unit

WINDOW = 30.0


@dataclass
class Store:
    """Counts calls in fixed windows, as they arrive."""

    quota: int
    begins: float = 7.0
    counts: dict[int, int] = field(default_factory=dict)
    refused: int = 0
    eaten: dict[int, int] = field(default_factory=dict)

    def window(self, now: float) -> int:
        """The number of the window."""
        return int((now - self.begins) // WINDOW)

    def count(self, now: float) -> bool:
        """Whether the call was let in."""
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

    def thread(budget: Quota) -> Iterator[float]:
        while True:
            unit: Unit = budget.ask()
            if unit:
                yield min(float(unit), 5.0) + dice.uniform(0, 0.05)
                continue
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

    running = [thread(budgets[number % processes]) for number in range(in_flight)]
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
    store = simulate(processes=processes, told_on_arrival=told_on_arrival)
    assert store.refused == 0
    assert min(used(store)) >= 0.95 * 150


@pytest.mark.parametrize("told_on_arrival", [True, False])
def test_a_pro_store_is_used_wholly_with_45_in_flight(told_on_arrival: bool) -> None:
    store = simulate(quota=450, processes=4, in_flight=45, told_on_arrival=told_on_arrival, windows=5)
    assert store.refused == 0
    assert min(used(store, 5)) >= 0.95 * 450


@pytest.mark.parametrize("told_on_arrival", [True, False])
def test_slow_answers_that_tell_of_old_windows_lead_to_no_refusal(told_on_arrival: bool) -> None:
    store = simulate(
        processes=4,
        in_flight=45,
        told_on_arrival=told_on_arrival,
        latency=lambda dice: dice.choice([0.2, 0.5, 2, 2, 2, 6, 14, 20, 40]),
    )
    assert store.refused == 0
    assert sum(used(store)) >= 10 * 0.8 * 150  # 45 in flight at 9.6 s make hardly more than 140


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


def granted(budget: Quota, most: int = 1000) -> list[Unit]:
    return list(itertools.takewhile(lambda unit: not unit, (budget.ask() for _ in range(most))))


def test_forty_first_calls_at_once_are_two() -> None:
    bench = Bench()
    budget = bench.quota()
    assert len(granted(budget)) == 2
    assert 0 < budget.ask() <= 1
    bench.clock.now += 1.001
    assert len(granted(bench.quota())) == 2


def test_what_is_left_is_given_once_to_all_processes_together() -> None:
    bench = Bench()
    first = bench.told(left=10, seconds=20)
    assert len(granted(first, 6)) == 6
    second = bench.quota()
    assert len(granted(second)) == 4
    bench.clock.now += 19.9
    assert second.ask() > 0
    bench.clock.now += 0.3
    assert not second.ask()


def test_an_empty_budget_says_when_its_window_turns() -> None:
    budget = Bench().told(left=0, seconds=12)
    assert budget.ask() == pytest.approx(12.1, abs=0.01)


def test_a_call_in_flight_over_the_turn_is_reserved_and_given_back_when_the_old_window_had_it() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    units = granted(budget, 20)
    bench.clock.now += 5.2
    assert len(granted(budget)) == 130
    for unit in units:
        budget.heed(headers(left=100, seconds=0.5), status=200, unit=unit)
    assert len(granted(budget)) == 20


def test_calls_of_a_dead_process_are_forgotten_after_a_window() -> None:
    bench = Bench()
    budget = bench.told(left=149, seconds=5)
    granted(budget, 40)
    bench.clock.now += 5.2
    assert len(granted(budget)) == 110
    bench.clock.now += 70
    assert len(granted(budget)) == 150


def test_a_refusal_with_headers_stops_all_until_the_longer_of_its_two_times() -> None:
    bench = Bench()
    budget = bench.told(left=100)
    unit = budget.ask()
    budget.heed({**headers(left=0, seconds=7), "X-Retry-After": "9"}, status=429, unit=unit)
    assert bench.quota().ask() == pytest.approx(9, abs=0.01)
    bench.clock.now += 9.2
    assert not budget.ask()


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
        units = granted(budget, 2)
        for unit in units:  # refused together: one pause, not two
            budget.heed({}, status=429, unit=unit)
        pauses.append(float(bench.quota().ask()))
        bench.clock.now += pauses[-1]
    for pause, longest in zip(pauses, [5, 10, 20, 40, 60, 60], strict=True):
        assert 0.7 * longest <= pause <= longest
    bench.clock.now += 0.01
    units = granted(budget, 2)
    budget.heed({}, status=200, unit=units[0])
    budget.heed({}, status=429, unit=units[1])
    assert 0 < budget.ask() <= 5


def test_an_unlimited_store_is_not_held_back() -> None:
    budget = Bench().told(left=7_000_000 - 1, quota=7_000_000)
    assert len(granted(budget, 3000)) == 3000


def test_a_quota_that_shrinks_is_believed_at_once() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    units = granted(budget, 10)
    budget.heed(headers(left=64, quota=75), status=200, unit=units[-1])
    assert len(granted(budget)) == 64


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"X-Rate-Limit-Requests-Left": "many"},
        {"X-Rate-Limit-Requests-Quota": "0", "X-Rate-Limit-Time-Window-Ms": "0"},
        {**headers(left=0), "X-Rate-Limit-Requests-Left": "inf"},
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
    assert len(granted(budget)) == 30


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
    assert len(granted(budget, 50)) == 50


def test_without_redis_a_refusal_is_still_heeded() -> None:
    bench = Bench()
    budget = bench.quota()
    bench.server.connected = False
    budget.heed({"X-Retry-After": "12"}, status=429, unit=budget.ask())
    assert budget.ask() == pytest.approx(12)


def test_after_redis_was_emptied_the_budget_begins_carefully_again() -> None:
    bench = Bench()
    budget = bench.told(left=149)
    units = granted(budget, 20)
    bench.redis.flushall()
    assert len(granted(budget)) == 2
    for unit in units:
        budget.heed(headers(left=100), status=200, unit=unit)
    assert 80 <= len(granted(budget)) <= 100


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
    assert len(granted(budget)) == 5
    level = budget.level()
    assert level is not None
    assert 28 <= level.seconds <= 30
