"""How many calls are on their way at once, by endpoint (API facts §2.4): none beside a stock adjustment that writes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from tests.system.shirts import Shop, product, variant
from worker.settings import Settings

Make = Callable[..., Shop]
PRODUCTS = range(301, 311)
ADJUSTMENT = re.compile(r"PUT .*/v3/inventory/adjustments/.*")
CATALOGUE_WRITE = re.compile(r"(POST|PUT|DELETE) .*/v3/catalog/.*")
MOST = {
    r"GET .*/v3/catalog/trees/\d+/categories": 0,  # one at a time; the flat listing is read instead
    r"\w+ .*/v3/catalog/categories.*": 0,  # deprecated
    r"PUT .*/v3/pricelists/.*/records": 1,
    r"GET .*/v3/pricelists/.*/records": 10,
    r"PUT .*/v3/catalog/products/channel-assignments": 1,
    r"PUT .*/v3/inventory/.*": 1,
    r"\w+ .*/custom-fields.*": 40,
}


@dataclass
class Diary(httpx.BaseTransport):
    """Writes down when each call begins and ends; a call takes a moment, so that those side by side are seen."""

    inner: httpx.BaseTransport
    calls: list[tuple[str, float, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.monotonic()
        time.sleep(0.02)
        answer = self.inner.handle_request(request)
        with self.lock:
            self.calls.append((f"{request.method} {request.url.path}", began, time.monotonic()))
        return answer


def most_at_once(calls: list[tuple[str, float, float]]) -> int:
    """The most of these calls that were on their way at one moment."""
    moments = sorted([(began, 1) for _, began, _ in calls] + [(ended, -1) for _, _, ended in calls])
    most = now = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


def side_by_side(diary: list[tuple[str, float, float]], one: re.Pattern[str], other: re.Pattern[str]) -> list[str]:
    """Pairs of such calls that overlapped."""
    ones = [call for call in diary if one.fullmatch(call[0])]
    others = [call for call in diary if other.fullmatch(call[0])]
    return [f"{a[0]} | {b[0]}" for a in ones for b in others if a is not b and a[1] < b[2] and b[1] < a[2]]


def crossed(parent: int) -> list[dict[str, object]]:
    """Two fits of two sizes each, so that a new size for one of them is a rebuild."""
    first = (parent - 300) * 10
    looks = [("S", "Slim"), ("S", "Wide"), ("M", "Slim"), ("M", "Wide")]
    return [variant(first + n, parent, size=size, fit=fit, stock="5") for n, (size, fit) in enumerate(looks)]


def a_busy_shop(open_shirts: Make) -> tuple[Shop, list[tuple[str, float, float]]]:
    """Products created, updated, with rebuilt variants and with stock that changes in the same run; all its calls."""
    products = [product(one, product_colour="red", product_price="10") for one in PRODUCTS]
    variants = [row for one in PRODUCTS for row in crossed(one)]
    here = open_shirts(products, variants, switches={"overwrite_stock": True})
    diaries: list[Diary] = []

    def watched(inner: httpx.BaseTransport) -> httpx.BaseTransport:
        diaries.append(Diary(inner))
        return diaries[-1]

    here.stage.wrap = watched
    assert here.run() == "completed"
    here.merchant.post("/pricelists", json={"name": "Wholesale"}).raise_for_status()
    records = [{"variant_id": one, "currency": "EUR", "price": 9.5} for one in here.ids().values()]
    here.merchant.put("/pricelists/7/records", json=records).raise_for_status()
    for parent in PRODUCTS:
        here.set("products", parent, product_colour="blue", product_price="11")
        here.vary((parent - 300) * 10, size="XS")
        for n in range(4):
            here.vary((parent - 300) * 10 + n, stock="7")
    assert here.run() == "completed"
    return here, [call for diary in diaries for call in diary.calls]


def test_no_endpoint_gets_more_calls_at_once_than_it_takes(open_shirts: Make) -> None:
    here, diary = a_busy_shop(open_shirts)
    assert here.levels()["V10"] == 7
    assert side_by_side(diary, ADJUSTMENT, ADJUSTMENT) == []
    assert side_by_side(diary, ADJUSTMENT, CATALOGUE_WRITE) == []
    for endpoint, most in MOST.items():
        assert most_at_once([call for call in diary if re.fullmatch(endpoint, call[0])]) <= most, endpoint
    seen = {endpoint for endpoint in MOST if any(re.fullmatch(endpoint, call[0]) for call in diary)}
    assert len(seen) == 5, "all but the two that are never called"
    assert any(ADJUSTMENT.fullmatch(call[0]) for call in diary)
    assert most_at_once([call for call in diary if CATALOGUE_WRITE.fullmatch(call[0])]) > 2, "the others do overlap"
    assert here.log.counters()["too_many_requests"] == here.log.counters()["crowded"] == 0


def test_stock_is_kept_apart_also_where_the_waves_do_not(
    open_shirts: Make, monkeypatch: pytest.MonkeyPatch, config: Settings
) -> None:
    monkeypatch.setattr("worker.rules.ordering.STOCKED", 20)  # the wave of the updates
    monkeypatch.setattr("worker.rules.ordering.GIVEN_BACK", 40)  # that of the variants' updates
    _, diary = a_busy_shop(open_shirts)
    assert any(ADJUSTMENT.fullmatch(call[0]) for call in diary)
    assert side_by_side(diary, ADJUSTMENT, CATALOGUE_WRITE) == []
    assert config.calls_in_flight > 2
