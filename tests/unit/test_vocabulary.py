"""The table of run states: every state is reached, every one but the ended leads on."""

from __future__ import annotations

import pytest

from models import vocabulary
from models.vocabulary import ENDED, MAY_BECOME, TROUBLE, Outcome, RunState

OPEN = [state for state in RunState if state not in ENDED]


def reachable(start: RunState) -> set[RunState]:
    """Every state that can follow, in any number of steps."""
    found: set[RunState] = set()
    new = {start}
    while new:
        found |= new
        new = {following for state in new for following in MAY_BECOME[state]} - found
    return found


def test_every_state_stands_in_the_table() -> None:
    assert set(MAY_BECOME) == set(RunState)


def test_every_state_is_reached_from_the_first() -> None:
    assert reachable(RunState.QUEUED) == set(RunState)


def test_the_ended_states_are_those_of_the_design() -> None:
    assert {state.value for state in ENDED} == {
        "completed",
        "completed_with_errors",
        "failed",
        "cancelled",
        "unchanged",
    }


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_run_stays_ended(state: RunState) -> None:
    assert MAY_BECOME[state] == {}


@pytest.mark.parametrize("state", OPEN)
def test_every_open_run_can_end_well_and_be_cancelled(state: RunState) -> None:
    assert RunState.COMPLETED in reachable(state)
    assert RunState.CANCELLED in MAY_BECOME[state]


@pytest.mark.parametrize("state", RunState)
def test_no_state_follows_itself(state: RunState) -> None:
    assert state not in MAY_BECOME[state]


@pytest.mark.parametrize("state", [one for one in OPEN if one is not RunState.AWAITING_APPROVAL])
def test_what_can_be_paused_can_be_resumed(state: RunState) -> None:
    if state is not RunState.PAUSED:
        assert RunState.PAUSED in MAY_BECOME[state]
        assert state in MAY_BECOME[RunState.PAUSED]


def test_nothing_is_sent_that_was_not_planned_and_stored() -> None:
    assert {state for state in RunState if RunState.SYNCHRONIZING in MAY_BECOME[state]} == {
        RunState.PREPARED,
        RunState.PAUSED,
    }


@pytest.mark.parametrize(
    ("state", "following"), [(state, following) for state in RunState for following in MAY_BECOME[state]]
)
def test_every_step_says_when_it_happens(state: RunState, following: RunState) -> None:
    sentence = MAY_BECOME[state][following]
    assert len(sentence) > 10
    assert sentence[0].islower()


def test_trouble_is_what_somebody_has_to_look_at() -> None:
    assert {Outcome.REJECTED, Outcome.FAILED, Outcome.BLOCKED} == TROUBLE


def test_every_word_is_its_own_text() -> None:
    for words in (
        vocabulary.ItemKind,
        vocabulary.Action,
        vocabulary.RunState,
        vocabulary.TurnState,
        vocabulary.SliceEnd,
    ):
        assert all(word.value == word.name.casefold() for word in words), words
