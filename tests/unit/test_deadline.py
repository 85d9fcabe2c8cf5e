"""When a slice has to end, on a clock that the test holds."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from models.vocabulary import SliceEnd
from worker.scheduling.deadline import Deadline


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: float = 1000.0
    draining: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> float:
        """The time now."""
        return self.now

    def a_deadline(self, **more: Any) -> Deadline:
        """600 s long, yields after 60, its lease lasts 25."""
        return Deadline(600, 60, 25, self.draining, clock=self, **more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("elapsed", "said", "reason"),
    [
        pytest.param(0, {}, None, id="just begun"),
        pytest.param(599.9, {"units": 5}, None, id="nobody waits: it goes on"),
        pytest.param(600, {"units": 1}, SliceEnd.TIME_IS_UP, id="the longest time is over"),
        pytest.param(9999, {"units": 0}, None, id="every slice does at least one unit"),
        pytest.param(
            60, {"units": 1, "is_wanted": True}, SliceEnd.WANTED, id="somebody poorer waits, and it had its quantum"
        ),
        pytest.param(59.9, {"units": 1, "is_wanted": True}, None, id="somebody waits, its quantum is not over"),
        pytest.param(61, {"units": 0, "is_wanted": True}, None, id="somebody waits, and nothing is done yet"),
        pytest.param(600, {"units": 1, "is_wanted": True}, SliceEnd.TIME_IS_UP, id="time beats wanted"),
        pytest.param(0, {"units": 0, "stop_asked": True}, SliceEnd.STOPPED, id="a pause waits for no unit"),
        pytest.param(600, {"units": 1, "stop_asked": True}, SliceEnd.STOPPED, id="a pause beats time"),
    ],
)
def test_a_slice_ends_for_a_reason(clock: Clock, elapsed: float, said: dict[str, Any], reason: SliceEnd | None) -> None:
    deadline = clock.a_deadline()
    for name, value in said.items():
        setattr(deadline, name, value)
    clock.now += elapsed
    assert deadline.reason() == reason


def test_a_worker_that_stops_beats_all(clock: Clock) -> None:
    deadline = clock.a_deadline()
    deadline.stop_asked = True
    clock.draining.set()
    assert deadline.reason() is SliceEnd.DRAINING


def test_a_slice_that_must_hold_on_does_not_yield_but_ends_in_time(clock: Clock) -> None:
    deadline = clock.a_deadline(holds_on=lambda: True)
    deadline.units, deadline.is_wanted = 1, True
    clock.now += 100
    assert deadline.reason() is None
    clock.now += 500
    assert deadline.reason() is SliceEnd.TIME_IS_UP


def test_every_question_is_a_sign_of_life(clock: Clock) -> None:
    heard: list[float] = []
    deadline = clock.a_deadline(heard=lambda: heard.append(clock.now))
    deadline.reason()
    clock.now += 1
    deadline.reason()
    assert heard == [1000.0, 1001.0]


def test_a_renewal_is_due_when_the_heartbeat_is_over(clock: Clock) -> None:
    deadline = clock.a_deadline()
    clock.now += 5.9
    assert not deadline.renewal_is_due(6)
    clock.now += 0.1
    assert deadline.renewal_is_due(6)
    deadline.beaten(clock.now)
    assert not deadline.renewal_is_due(6)


def test_the_lease_is_counted_from_before_the_renewal_was_sent(clock: Clock) -> None:
    deadline = clock.a_deadline()
    sent_at = clock.now
    clock.now += 10  # the statement took so long to be answered
    deadline.beaten(sent_at)
    clock.now += 14.9
    assert not deadline.may_have_lapsed
    clock.now += 0.1
    assert deadline.may_have_lapsed


def test_whether_somebody_waits_is_asked_once_a_second(clock: Clock) -> None:
    deadline = clock.a_deadline()
    assert not deadline.question_is_due()
    clock.now += 1
    assert deadline.question_is_due()
    deadline.answered()
    assert not deadline.question_is_due()


def test_a_short_quantum_is_asked_for_as_often(clock: Clock) -> None:
    deadline = Deadline(10, 0.2, 25, clock.draining, clock=clock)
    clock.now += 0.2
    assert deadline.question_is_due()


def test_elapsed_time_counts_from_the_beginning(clock: Clock) -> None:
    deadline = clock.a_deadline()
    clock.now += 42
    deadline.beaten(clock.now)
    assert deadline.elapsed == 42
