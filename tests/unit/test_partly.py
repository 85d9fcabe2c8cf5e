"""What is told where the store saved an item in part."""

from __future__ import annotations

import pytest

from worker.bigcommerce import partly
from worker.bigcommerce.client import Answer

STOCK, TRACKING = {"inventory_level": "locked"}, {"inventory_tracking": "is not allowed"}


@pytest.mark.parametrize(
    ("status", "errors", "follows", "told"),
    [
        pytest.param(200, {}, False, [], id="saved whole"),
        pytest.param(207, STOCK, True, [], id="stock that follows is no trouble"),
        pytest.param(207, STOCK, False, ["inventory_level: locked"], id="stock that nobody sends again is"),
        pytest.param(207, TRACKING, True, ["inventory_tracking: is not allowed"], id="tracking is not stock"),
        pytest.param(207, STOCK | TRACKING, True, ["inventory_tracking: is not allowed"], id="one of both follows"),
        pytest.param(207, {"custom_url": "is taken"}, True, ["custom_url: is taken"], id="something else"),
        pytest.param(207, {}, False, ["In part"], id="without a reason the title says it"),
    ],
)
def test_all_is_told_but_stock_that_is_sent_again(
    status: int, errors: dict[str, str], *, follows: bool, told: list[str]
) -> None:
    answer = Answer(status, {"id": 1}, errors=errors, title="In part")
    found = [
        one.text.removeprefix("the store saved it without: ") for one in partly.problems(answer, stock_follows=follows)
    ]
    assert found == told
    assert partly.lacks_stock(answer) == ("inventory_level" in errors)
