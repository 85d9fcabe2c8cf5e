"""How long a run will take still: said where it can be known, and never without a range."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from api.pages.pace import Estimate, Pace
from api.pages.run import _of_the_store
from models.vocabulary import RunState
from worker.bigcommerce.quota import Level
from worker.ledger.progress import Part, Progress
from worker.ledger.register import Entry

AT = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass
class Watch:
    """A pace with a clock that is set by hand."""

    now: float = 0.0
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(clock=lambda: self.now)

    def at(
        self, now: float, left: int, *, planned: int = 1000, state: RunState = RunState.SYNCHRONIZING
    ) -> Estimate | None:
        self.now = now
        entry = Entry(7, 1, state, "request", None, False, "send", AT, AT, None, 0.0, now, 1, 0, 0, {})
        parts = (Part("product", "create", planned, left),) if planned else ()
        return self.pace.estimate(Progress(entry, parts, {}))


def test_a_steady_run_is_foretold_within_a_range() -> None:
    watch = Watch()
    assert watch.at(0, 1000) is None
    assert watch.at(10, 980) is None, "too short a time"
    found = watch.at(20, 960)
    assert found is not None
    truth = 960 / 2
    assert found.least < truth < found.most
    assert str(found) == "6 min to 10 min"


def test_it_is_the_pace_of_the_last_minutes_that_counts() -> None:
    watch = Watch()
    for second in range(0, 600, 10):
        watch.at(second, 10_000 - second, planned=10_000)
    for second in range(600, 800, 10):
        found = watch.at(second, 9_400 - (second - 600) * 10, planned=10_000)
    assert found is not None
    assert found.least < 7_500 / 10 < found.most


@pytest.mark.parametrize("left", [1000, 997])
def test_nothing_is_said_where_next_to_nothing_was_done(left: int) -> None:
    watch = Watch()
    watch.at(0, 1000)
    assert watch.at(120, left) is None


def test_nothing_is_said_of_a_run_that_is_not_planned_or_is_over() -> None:
    watch = Watch()
    watch.at(0, 1000)
    assert watch.at(60, 0) is None
    assert watch.at(70, 100, state=RunState.COMPLETED) is None
    assert watch.at(80, 0, planned=0) is None
    assert watch.at(90, 900) is None, "what was seen before is forgotten"


def test_a_run_that_is_planned_anew_is_looked_at_anew() -> None:
    watch = Watch()
    watch.at(0, 1000)
    assert watch.at(30, 500) is not None
    assert watch.at(40, 900) is None


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [(12, 38, "10 s to 40 s"), (2, 4, "about 10 s"), (100, 200, "2 min to 3 min"), (1500, 3000, "25 min to 50 min"),
     (4000, 9000, "1 h to 2 h"), (100_000, 400_000, "28 h to 5 d")],
)  # fmt: skip
def test_a_range_is_said_roughly(least: float, most: float, said: str) -> None:
    assert str(Estimate(least, most)) == said


def test_the_quota_is_named_where_it_is_what_holds_up() -> None:
    assert _of_the_store(Level(3, 150, 12.4)) == "The store's quota: 3 of 150 calls are left; it allows more in 12 s."
    assert (
        _of_the_store(Level(100, 150, 12.4))
        == "The store: how fast it answers. Of its quota 100 of 150 calls are left."
    )
    assert _of_the_store(None) == _of_the_store(Level(0, 0, 0.0))
