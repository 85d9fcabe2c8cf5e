"""Flower's page of tasks in a browser, while three tenants share two slots; docs/images/flower.png is its picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from models.vocabulary import Phase, SliceEnd
from tests.watching import AUTH, TRADERS, Watched, until, watched

pytestmark = pytest.mark.timeout(200)
Open = Callable[..., Page]
Keep = Callable[[Page, str], None]
ON_THE_PAGE = 12
"""Tasks that surely stand on the first page, a few more may come meanwhile."""


@pytest.fixture(scope="module")
def here() -> Iterator[Watched]:
    products = {"spring-shop": 2, "outlet": 20, "main": 20, "wholesale": 20}
    with watched(products=products, latency=0.4, yields=6.0) as opened:
        yield opened


def test_who_looks_reads_whose_slices_run_and_how_others_ended(here: Watched, open_page: Open, keep: Keep) -> None:
    page = open_page(width=1640, height=700, http_credentials={"username": AUTH[0], "password": AUTH[1]})
    asked = {trader: here.request(*trader) for trader in TRADERS}
    until(lambda: is_telling(here))
    page.goto(f"{here.address}/tasks")
    rows = page.locator("#tasks-table tbody tr")
    for tenant, connector in TRADERS:
        words = re.compile(rf"{tenant}, {connector}, run {asked[tenant, connector]}, ({'|'.join(Phase)}): \w+")
        shown = rows.filter(has_text=words)
        expect(shown.filter(has_text=f"{tenant}.{connector}.").first).to_be_visible()
    expect(rows.filter(has_text="STARTED").first).to_be_visible()
    expect(rows.filter(has_text="'wanted'").first).to_be_visible()
    expect(rows.filter(has_text="'work_done, parked ").first).to_be_visible()
    keep(page, "flower")


def is_telling(here: Watched) -> bool:
    """Whether the page has every connector and both kinds of an end on it, and somebody is still under way."""
    tasks = sorted(here.tasks().values(), key=lambda one: one["received"] or 0.0)[-ON_THE_PAGE:]
    traders = {(one["told"]["tenant"], one["told"]["connector"]) for one in tasks if "run" in one["told"]}
    under_way = [one for one in tasks if one["state"] == "STARTED" and "run" in one["told"]]
    ends = {(one["result"] or "").strip("'").partition(",")[0] for one in tasks}
    return traders >= set(TRADERS) and bool(under_way) and ends >= {SliceEnd.WANTED.value, SliceEnd.WORK_DONE.value}
