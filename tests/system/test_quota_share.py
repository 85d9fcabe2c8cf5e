"""The share of the store's quota that the profile leaves to other apps is theirs, in every window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.playing import Shop, a_catalogue
from worker.ledger.session import as_scheduler

Open = Callable[..., Shop]
QUOTA = 30


class Watched(httpx.BaseTransport):
    """Notes what the store's window has left behind each of our calls to it."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop, left: list[int]) -> None:
        self._inner, self._shop, self._left = inner, shop, left

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if request.url.path.startswith("/stores/"):
            self._left.append(int(answer.headers["X-Rate-Limit-Requests-Left"]))
        return answer


def least_left(open_playing: Open, **profile: Any) -> tuple[int, int]:
    """(the least that a window had left, the calls) of a first run of 30 products with that profile."""
    products = [
        {"ID": 300 + n, "ID_catalogue": 1, "name": f"Cup {n}", "sku": f"C-{n}", "price": "9", "weight": "1"}
        for n in range(30)
    ]
    shop = open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}], products), profile=profile)
    left: list[int] = []
    shop.store.configure(quota=QUOTA, window_seconds=1.0)
    shop.stage.haste = 1
    shop.stage.wrap = lambda inner: Watched(inner, shop, left)
    assert shop.run() == "completed"
    assert len(shop.products()) == 30
    return min(left), len(left)


def test_what_the_profile_leaves_to_other_apps_is_never_used(open_playing: Open) -> None:
    least, calls = least_left(open_playing, quota_left_to_others=0.5)
    assert calls > QUOTA, "more than one window"
    assert least >= QUOTA / 2


def test_without_a_share_the_window_is_used(open_playing: Open) -> None:
    least, _ = least_left(open_playing)
    assert least < QUOTA / 2


def test_a_spent_window_parks_the_connector_until_it_turns_when_others_wait(open_playing: Open) -> None:
    shop, other = (open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}])) for _ in range(2))
    shop.store.configure(quota=150, window_seconds=30.0)
    shop.stage.haste = 1
    shop.stage.wrap = lambda inner: EatenUp(inner, shop)
    shop.stage.request(shop.cast)
    shop.stage.request(other.cast)  # its message waits for a worker as long as this slice lasts
    began = time.monotonic()
    assert shop.stage.play_one() == "quota_spent"
    assert time.monotonic() - began < 15
    with as_scheduler(shop.stage.engine) as session:
        due = session.scalar(
            text(
                "SELECT extract(epoch FROM not_before - now()) FROM turn WHERE state = 'parked' AND connector_id = :id"
            ),
            {"id": shop.cast.connector_id},
        )
    assert float(due or 0) == pytest.approx(shop.store.window.remaining_seconds, abs=1)
    assert shop.store.log.counters()["too_many_requests"] == 0


class EatenUp(httpx.BaseTransport):
    """Another app uses up the window, but for our second call."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop) -> None:
        self._inner, self._shop, self._calls = inner, shop, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/stores/"):
            self._calls += 1
            if self._calls == 2:
                self._shop.store.window.eat(self._shop.store.window.left - 1)
        return self._inner.handle_request(request)
