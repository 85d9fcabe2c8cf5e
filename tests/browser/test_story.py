"""The whole story in a browser: from a link to a synchronised item, and back to the overview."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from sandbox.stage.stage import Cast
from tests.looking import Looked, a_catalogue
from worker.ledger.session import as_tenant

pytestmark = pytest.mark.timeout(90)
Open = Callable[..., Page]
Keep = Callable[[Page, str], None]
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
SLOW = {"latency": {"median": 0.12, "sigma": 0.2}}


def run_of(page: Page) -> int:
    return int(page.url.partition("?")[0].rpartition("/")[2])


def seen_to_its_end(page: Page, *, seconds: float = 40.0) -> list[int]:
    """The figures of changes dealt with, as the page told them until the run had ended."""
    told, give_up_at = list[int](), time.monotonic() + seconds
    while not page.get_by_text("This run has ended.").is_visible():
        assert time.monotonic() < give_up_at, page.locator("#live").inner_text()
        # In one breath: the figure goes with the run's end, and what was counted need not be there to be read.
        said = page.evaluate("() => document.querySelector('span[data-grows]')?.textContent")
        told += [int(said.replace(",", ""))] if said else []
        page.wait_for_timeout(60)
    return told


def test_from_the_link_to_the_item(looked: Looked, open_page: Open, keep: Keep) -> None:
    looked.rest()
    cast = looked.stage.connect("story", a_catalogue(seed=11, products=30), name="story", store=SLOW)
    page = open_page()

    page.goto(looked.link(cast))
    expect(page).to_have_url(f"{looked.address}/connectors/{cast.connector_id}")
    expect(page.get_by_role("heading", name="Nothing has run yet")).to_be_visible()

    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("A run is requested.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))  # a reload does not say it again
    expect(page.get_by_text("Why it waits")).to_be_visible()
    run_id = run_of(page)
    looked.play()
    told = seen_to_its_end(page)
    assert told == sorted(told), "numbers never jump backwards"
    assert len(set(told)) > 2, "it was seen live"
    expect(page.locator(".big")).to_have_text("Completed with errors")
    expect(page.locator("[data-says]")).to_contain_text("Completed with errors")
    expect(page.get_by_role("heading", name="Errors by cause")).to_be_visible()
    keep(page, "story-run-ended")

    # An error group leads to its items, and what failed is sent again.
    group = page.locator("article.cause", has_text="name_taken")
    expect(group).to_contain_text("What to do: Rename one of the two.")
    group.get_by_role("button", name=re.compile("^Retry (this one|these)")).click()
    expect(page.get_by_text("The failed items are sent again")).to_be_visible()
    assert run_of(page) > run_id
    looked.until_ended(cast, run_of(page))
    page.get_by_role("link", name="Activity Register").click()
    expect(page.locator("li.run")).to_have_count(2)
    page.get_by_label("Only runs that changed something").check()
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("li.run")).to_have_count(1)
    assert "changed=1" in page.url

    # A number of the table leads to the items; a part of a name finds one.
    page.get_by_role("link", name=f"Run {run_id}", exact=True).click()
    page.get_by_role("link", name=re.compile("created: product")).click()
    expect(page.locator("table.items tbody tr").first).to_contain_text("Created")
    first = page.locator("table.items tbody td.what a").first.inner_text()
    page.get_by_role("navigation", name="Pages of this connector").get_by_role("link", name="Items").click()
    page.get_by_label("Name, SKU, reference or id").fill(first[2:9].upper())
    page.get_by_role("button", name="Search").click()
    found = page.get_by_role("link", name=first, exact=True)
    expect(found.first).to_be_visible()
    found.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    expect(page.get_by_role("columnheader", name="Last sent")).to_be_visible()
    name = page.locator("table.fields tr", has=page.get_by_role("rowheader", name="name", exact=True))
    assert name.locator("td .long").all_inner_texts() == [first, first, first]

    # This item now: it is sent though nobody changed it.
    page.get_by_role("button", name="Synchronise this item now").click()
    expect(page.get_by_text("The item is compared with the store anew")).to_be_visible()
    until_idle(looked, cast)
    page.reload()
    expect(page.locator("ol.history li")).not_to_have_count(0)


def until_idle(looked: Looked, cast: Cast) -> None:
    """Until no run of the connector is under way."""
    looked.play()
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        with as_tenant(looked.desk.engine, cast.tenant_id) as session:
            if not session.scalar(text("SELECT count(*) FROM run WHERE ended_at IS NULL")):
                return
        time.sleep(0.1)
    raise AssertionError("a run is under way still")


def test_settings_pause_and_overview(looked: Looked, open_page: Open) -> None:
    looked.rest()
    looked.stage.connect("holder", a_catalogue(seed=12, products=60, dirty=False), name="holder", store=SLOW)
    page = open_page()
    page.goto(looked.operators_link())
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_label("Tenant or connector").fill("holder")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="holder", exact=True).click()

    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_label("Storefront 1")).to_have_value("")
    page.get_by_label("Overwrite stock").check()
    page.get_by_label("Ask the source every (seconds)").fill("5")
    page.get_by_role("button", name="Save switches").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    assert page.get_by_label("Ask the source every (seconds)").get_attribute("aria-invalid") == "true"
    page.get_by_label("Ask the source every (seconds)").fill("120")
    page.get_by_role("button", name="Save switches").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("All is in order.")).to_be_visible()

    page.get_by_role("link", name="Activity", exact=True).click()
    expect(page.locator("li.deed")).to_contain_text("Olu (operations) (pages) changed the profile")
    page.get_by_role("button", name="Sync now").click()
    looked.play()
    expect(page.get_by_text("changes dealt with")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".big")).to_have_text("Paused")
    expect(page.get_by_text("The run is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The run goes on where it was.")).to_be_visible()
    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".big")).to_have_text("Cancelled")
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("All is in order.")).to_be_visible()
    page.get_by_role("link", name="All connectors").click()
    expect(page.get_by_role("row", name=re.compile("holder"))).to_contain_text("Cancelled")


def test_figures_are_right_at_the_end_also_where_somebody_is_at_them(looked: Looked, open_page: Open) -> None:
    looked.rest()
    cast = looked.stage.connect("figures", a_catalogue(seed=16, products=30, dirty=False), name="figures", store=SLOW)
    page = open_page()
    page.goto(looked.link(cast))
    page.get_by_role("button", name="Sync now").click()
    looked.play()
    expect(page.get_by_text("changes dealt with")).to_be_visible()
    page.locator("#part-counters th").first.click()
    at_it = "document.activeElement.matches('#part-counters .scroll')"
    assert page.evaluate(at_it)
    during = page.locator("#part-counters table").inner_text()
    seen_to_its_end(page)
    at_the_end = page.locator("#part-counters table").inner_text()
    assert page.evaluate(at_it), "who was at the table is there still"
    page.reload()
    assert at_the_end == page.locator("#part-counters table").inner_text()
    assert at_the_end != during


def test_where_no_stream_comes_through_the_page_asks(looked: Looked, open_page: Open) -> None:
    looked.rest()
    cast = looked.stage.connect("asking", a_catalogue(seed=13, products=5, dirty=False), name="asking")
    page = open_page()
    page.route("**/live", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=""))
    page.goto(looked.link(cast))
    page.route("**/live", lambda route: route.fulfill(status=204))
    with page.expect_response("**/now"):
        page.get_by_role("button", name="Sync now").click()
    looked.play()
    seen_to_its_end(page)
    expect(page.locator(".big")).to_have_text("Completed")


def test_a_hidden_tab_asks_for_nothing(looked: Looked, open_page: Open) -> None:
    looked.rest()
    cast = looked.stage.connect("hidden", a_catalogue(seed=14, products=5, dirty=False), name="hidden")
    run_id = looked.stage.request(cast)
    page = open_page()
    page.goto(looked.link(cast))
    page.goto(f"{looked.address}/connectors/{cast.connector_id}/runs/{run_id}")
    expect(page.get_by_text("Updated just now.")).to_be_visible()
    page.evaluate(HIDE, True)
    expect(page.get_by_text("Paused while this tab is hidden.")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    looked.until_ended(cast, run_id)
    page.wait_for_timeout(500)
    assert asked == []
    expect(page.locator(".big")).to_have_text("Queued")
    page.evaluate(HIDE, False)
    expect(page.locator(".big")).to_have_text("Completed")


def test_without_a_script_all_but_the_live_part_works(looked: Looked, open_page: Open) -> None:
    looked.rest()
    cast = looked.stage.connect("plain", a_catalogue(seed=15, products=5), name="plain")
    page = open_page(java_script_enabled=False)
    page.goto(looked.link(cast))
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Load the page again")).to_be_visible()
    looked.until_ended(cast, run_of(page))
    page.reload()
    expect(page.locator(".big")).to_have_text(re.compile("Completed"))
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_label("Overwrite prices").uncheck()
    page.get_by_role("button", name="Save switches").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="Activity", exact=True).click()
    page.get_by_label("State").select_option("failed")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="No run is like that")).to_be_visible()
