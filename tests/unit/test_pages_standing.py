"""How a connector stands, in one word and one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.pages import standing
from api.pages.words import Mark
from models.vocabulary import RunState, TurnState
from worker.ledger.overview import ConnectorLine
from worker.ledger.overview import Standing as Turn
from worker.ledger.run_facts import Last


def told(
    *, enabled: bool = True, state: str | None = None, turn: str = TurnState.PARKED, free: int | None = 4, **more: Any
) -> standing.Standing:
    """A connector whose newest run is in this state, with such a turn; its dates as distances from now."""
    under_way = state is not None and state not in {
        "completed",
        "completed_with_errors",
        "failed",
        "unchanged",
        "cancelled",
    }
    line = ConnectorLine(7, "hash", enabled, None if enabled else "credentials refused", None, 1, state)
    last = Last(None, None, None if state is None else 1, state, None, under_way)
    now = datetime.now(UTC)
    given = {"not_before": timedelta(seconds=60), "rests_until": None} | more
    not_before, rests_until = (
        None if one is None else now + one for one in (given["not_before"], given["rests_until"])
    )
    at = Turn("acme", "shop", 1, 7, turn, 1.0, not_before, None, 0, rests_until)
    return standing.told("shop", line, last, at, free)


@pytest.mark.parametrize(
    ("given", "health"),
    [
        ({}, standing.NEW),
        ({"state": RunState.COMPLETED}, standing.ON_TIME),
        ({"state": RunState.COMPLETED_WITH_ERRORS}, standing.ON_TIME),
        ({"state": RunState.FAILED}, standing.ACT),
        ({"state": RunState.AWAITING_APPROVAL}, standing.ACT),
        ({"state": RunState.COMPLETED, "enabled": False}, standing.ACT),
        ({"state": RunState.COMPLETED, "turn": TurnState.BROKEN}, standing.ACT),
        ({"state": RunState.PAUSED}, standing.PAUSED),
        ({"state": RunState.QUEUED}, standing.CATCHING_UP),
        ({"state": RunState.SYNCHRONIZING, "turn": TurnState.RUNNING}, standing.CATCHING_UP),
        ({"state": RunState.COMPLETED, "not_before": -timedelta(minutes=6)}, standing.LATE),
        ({"state": RunState.COMPLETED, "not_before": -timedelta(minutes=4)}, standing.ON_TIME),
    ],
)
def test_health(given: dict[str, Any], health: Mark) -> None:
    found = told(**given)
    assert found.health == health
    assert found.why.endswith(".")


def test_why_it_is_switched_off_is_said() -> None:
    assert told(enabled=False).why == "It is switched off: credentials refused."


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"turn": TurnState.READY, "free": None}, "No worker is running"),
        ({"turn": TurnState.READY, "free": 0}, "All workers are busy"),
        ({"turn": TurnState.READY, "free": 3}, "another run is at"),
        ({"turn": TurnState.DISPATCHED}, "about to take it up"),
        ({"turn": TurnState.BROKEN}, "operator has to look"),
        ({"turn": TurnState.PARKED}, "quota of calls is spent"),
        ({"turn": TurnState.PARKED, "not_before": -timedelta(seconds=1)}, "within seconds"),
        ({"turn": TurnState.READY, "rests_until": timedelta(minutes=2)}, "nobody calls it before"),
        ({"turn": TurnState.READY, "enabled": False}, "switched off"),
    ],
)
def test_why_a_run_waits(given: dict[str, Any], part: str) -> None:
    waits = told(state=RunState.SYNCHRONIZING, **given).waits
    assert waits is not None
    assert part in waits
    assert waits.endswith(".")


@pytest.mark.parametrize("state", [None, RunState.COMPLETED, RunState.PAUSED, RunState.AWAITING_APPROVAL])
def test_what_has_nothing_to_wait_for_waits_for_nothing(state: RunState | None) -> None:
    assert told(state=state, turn=TurnState.READY).waits is None


def test_the_next_check_is_named_where_it_is_known() -> None:
    assert told(state=RunState.COMPLETED).next_at is not None
    assert told(state=RunState.SYNCHRONIZING).next_at is None
    assert told(state=RunState.COMPLETED, enabled=False).next_at is None
