"""A run whose books do not close has failed, and names the items; nothing of it is called complete."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from tests.shop import Shop, a_source
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]

SOURCE = a_source(
    products=[(10, [1], "P10", "Plain cup", "9", "1"), (11, [1], "P11", "Cup in sizes", "9", "1")],
    variants=[(20, 11, "V20", "S"), (21, 11, "V21", "L")],
)


class Burglar(httpx.BaseTransport):
    """Breaks into the books at the last call of the run, when all has been sent and booked."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop, statement: str) -> None:
        self._inner, self._shop, self._statement = inner, shop, statement

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/catalog/summary"):
            with as_tenant(self._shop.stage.engine, self._shop.cast.tenant_id) as session:
                session.execute(text(self._statement))
        return self._inner.handle_request(request)


@pytest.mark.parametrize(
    ("statement", "reasons"),
    [
        (
            "DELETE FROM item_status WHERE kind = 'variant' AND source_id = 20",
            ["planned, and without an outcome: variant 20", "variant created: booked 2, counted 1 (variant 21)"],
        ),
        (
            "DELETE FROM item_status WHERE kind = 'category'",
            ["planned, and without an outcome: category 1 on storefront 1"],
        ),
        (
            "UPDATE run_counter SET count = 3 WHERE kind = 'product' AND figure = 'created'",
            ["product created: booked 3, counted 2 (product 10, product 11)"],
        ),
        (
            "UPDATE item_status SET outcome = 'updated' WHERE kind = 'product' AND source_id = 11",
            ["product created: booked 2, counted 1 (product 10)", "product updated: booked 0, counted 1 (product 11)"],
        ),
        (
            "UPDATE run_counter SET count = 1 WHERE kind = 'product' AND figure = 'known'",
            ["product: 1 more outcomes than items (product 10, product 11)"],
        ),
    ],
    ids=["an outcome is lost", "a category's outcome is lost", "booked twice", "another outcome", "unknown items"],
)
def test_books_that_do_not_close_fail_the_run_and_name_the_items(
    open_shop: Open, statement: str, reasons: list[str]
) -> None:
    shop = open_shop(SOURCE)
    shop.stage.wrap = lambda inner: Burglar(inner, shop, statement)
    entry = shop.run()
    assert entry.state == "failed"
    ((level, told),) = [(one.level, one.text) for one in shop.messages(entry) if one.code == "books_do_not_close"]
    assert level == "error"
    assert [reason for reason in reasons if reason not in told] == []


def test_what_another_run_has_announced_is_not_this_ones_affair(open_shop: Open) -> None:
    """Left behind by a run that was cancelled, or closed by a worker of a version without this check."""
    shop = open_shop(SOURCE)
    left = (
        "INSERT INTO announced (tenant_id, connector_id, run_id, kind, storefront_id, ids)"
        " SELECT tenant_id, connector_id, id + 1000, 'product', 0, '{99}' FROM run"
    )
    shop.stage.wrap = lambda inner: Burglar(inner, shop, left)
    assert shop.run().state == "completed"


def test_untouched_books_close_and_leave_nothing_announced(open_shop: Open) -> None:
    shop = open_shop(SOURCE)
    assert shop.run().state == "completed"
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        assert session.scalar(text("SELECT count(*) FROM announced")) == 0
