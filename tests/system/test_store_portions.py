"""The store is read in portions, however large its families are, and nothing is lost between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.playing import Shop
from tests.system.test_standing import catalogue
from worker.bigcommerce import reads
from worker.ledger import store_items
from worker.ledger.session import as_tenant
from worker.steps import read_store

Open = Callable[..., Shop]


class Books:
    """What was asked of the store, and what was kept of it at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limits: list[int] = []
        self.kept: list[int] = []
        ask, keep = reads.products, store_items.keep

        def products(client: Any, after_id: int = 0, limit: int = 0) -> Any:
            self.limits.append(limit)
            return ask(client, after_id=after_id, limit=limit)

        def kept(session: Any, tenant: int, connector: int, page: int, rows: Any, *more: Any) -> Any:
            self.kept.append(len(rows))
            return keep(session, tenant, connector, page, rows, *more)

        monkeypatch.setattr(reads, "products", products)
        monkeypatch.setattr(store_items, "keep", kept)


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    return Books(monkeypatch)


def held(shop: Shop) -> list[tuple[str, int]]:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return sorted(map(tuple, session.execute(text("SELECT kind, store_id FROM store_item"))))


def slices(shop: Shop) -> int:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return int(session.scalar(text("SELECT slices FROM run ORDER BY id DESC LIMIT 1")) or 0)


@pytest.mark.parametrize("slice_seconds", [600.0, 0.0001])
@pytest.mark.parametrize(("rows", "portions"), [(1, [3, 3]), (3, [3, 3]), (4, [6]), (1_500, [6])])
def test_a_page_is_kept_by_portions_and_a_slice_may_end_after_each(
    open_playing: Open,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
    slice_seconds: float,
    rows: int,
    portions: list[int],
) -> None:
    """Two products with two variants each; a slice that has no time ends after its first save."""
    shop = open_playing(catalogue())
    assert shop.run() == "completed"
    monkeypatch.setattr(read_store, "MOST_ROWS", rows)
    shop.stage.settings = shop.stage.settings.model_copy(update={"slice_seconds": slice_seconds})
    books.kept.clear()
    assert shop.run(refresh=True) == "completed"
    assert [number for number in books.kept if number] == [2, *portions], "the categories, and then the products"
    assert (slices(shop) > 2 + len(portions)) == (slice_seconds < 1)
    assert len(held(shop)) == 2 + 2 + 4
    assert shop.writes() == []
    assert [code for code, _ in shop.messages()] == [], "nothing has vanished"
    assert shop.run(refresh=True) == "completed"
    assert len(held(shop)) == 2 + 2 + 4


def test_a_page_that_is_too_large_is_followed_by_smaller_ones(
    open_playing: Open, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_playing(catalogue())
    assert shop.run() == "completed"
    monkeypatch.setattr(read_store, "PRODUCTS_PER_PAGE", 1)
    monkeypatch.setattr(read_store, "SMALLEST_PAGE", 1)
    monkeypatch.setattr(read_store, "MOST_BYTES", 1)
    books.limits.clear()
    assert shop.run(refresh=True) == "completed"
    assert books.limits == [1, 1]
    monkeypatch.setattr(read_store, "PRODUCTS_PER_PAGE", 250)
    monkeypatch.setattr(read_store, "SMALLEST_PAGE", 7)
    monkeypatch.setattr(reads, "_pagination", lambda _answer: {"total": 1_000})
    books.limits.clear()
    assert shop.run(refresh=True) == "completed"
    assert books.limits == [250, 7], "the second finds nothing more behind the first"
    assert len(held(shop)) == 2 + 2 + 4
