"""The brake holds a run that would take away more than the profile's share, and lets go what was approved."""

from __future__ import annotations

import pytest

from models.vocabulary import ItemKind
from worker.rules import brake
from worker.rules.brake import Reach

CATEGORY, PRODUCT, VARIANT = ItemKind


@pytest.mark.parametrize(
    ("linked", "disabled", "blanked", "is_held"),
    [
        pytest.param(1000, 300, 0, False, id="just the share"),
        pytest.param(1000, 301, 0, True, id="one more"),
        pytest.param(1000, 200, 101, True, id="disabled and blanked together"),
        pytest.param(12, 10, 0, False, id="ten of anything are let pass"),
        pytest.param(12, 11, 0, True, id="eleven of twelve are not"),
        pytest.param(0, 0, 0, False, id="nothing linked"),
    ],
)
def test_more_than_the_share_is_held(linked: int, disabled: int, blanked: int, *, is_held: bool) -> None:
    reason = brake.held([Reach(PRODUCT, linked, disabled, blanked)], share=0.3, allowed=None)
    assert (reason is not None) is is_held


def test_a_kind_is_held_for_itself() -> None:
    reaches = [Reach(CATEGORY, 40, 40, 0), Reach(PRODUCT, 5000, 0, 0), Reach(VARIANT, 90_000, 0, 0)]
    reason = brake.held(reaches, share=0.3, allowed=None)
    assert reason == (
        "the run would disable 40 of 40 linked categories: more than the 30% that the profile's brake lets pass"
    )


def test_the_sentence_tells_both_losses() -> None:
    reason = brake.held([Reach(PRODUCT, 100, 20, 30)], share=0.25, allowed=None)
    assert reason is not None
    assert "disable 20 and take values from 30 of 100 linked products" in reason


def test_what_was_approved_passes_and_no_more() -> None:
    reaches = [Reach(PRODUCT, 100, 50, 0), Reach(VARIANT, 100, 50, 0)]
    assert brake.held(reaches, share=0.3, allowed=100) is None
    assert brake.held(reaches, share=0.3, allowed=99) is not None


def test_a_share_of_one_never_holds_and_a_share_of_nought_holds_more_than_ten() -> None:
    assert brake.held([Reach(PRODUCT, 100, 100, 0)], share=1, allowed=None) is None
    assert brake.held([Reach(PRODUCT, 100, 10, 0)], share=0, allowed=None) is None
    assert brake.held([Reach(PRODUCT, 100, 11, 0)], share=0, allowed=None) is not None
