"""Places for what lasts: none is given twice, one tenant gets its share, and what is over is given back."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from api import places
from api.places import Places
from api.problems import ProblemError


def test_a_tenant_gets_its_share_and_leaves_the_rest_to_others() -> None:
    there = Places(3, 2, says="Full.")
    with ExitStack() as held:
        held.enter_context(there.one(1))
        held.enter_context(there.one(1))
        with pytest.raises(ProblemError, match="Full") as refused, there.one(1):
            pytest.fail("a third place of a share of two")
        assert (refused.value.problem.status, refused.value.problem.code) == (503, "unavailable")
        assert int(refused.value.headers["Retry-After"]) > 0
        held.enter_context(there.one(2))
        with pytest.raises(ProblemError), there.one(3):
            pytest.fail("a fourth place of three")
        assert there.taken == 3
    assert there.taken == 0


def test_a_place_is_given_back_whatever_happens() -> None:
    there = Places(1, 1, says="Full.")
    with pytest.raises(KeyError), there.one(1):
        raise KeyError
    with there.one(2):
        assert there.taken == 1


@pytest.mark.parametrize(("most", "share"), [(200, 50), (40, 10), (8, 5), (1, 5)])
def test_one_tenant_gets_a_quarter_of_the_streams_and_five_at_least(most: int, share: int) -> None:
    found = places.for_streams(most)
    assert (found.most, found.of_one) == (most, share)
