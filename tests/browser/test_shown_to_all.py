"""Every page for everybody: light and dark, narrow and wide, by keyboard, read aloud, and whatever names hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from api.app import build
from models.vocabulary import Deed
from tests.looking import Looked, a_catalogue
from tests.serving import served
from worker.commands.desk import Desk
from worker.ledger import journal
from worker.ledger.session import as_tenant
from worker.meet import meet

pytestmark = pytest.mark.timeout(120)
Open = Callable[..., Page]
Keep = Callable[[Page, str], None]
WIDTHS = (360, 768, 1280)


@dataclass(frozen=True, slots=True)
class Filled:
    """A connector whose pages are all full, its names hostile; and one that has not run."""

    link: str
    operators_link: str
    pages: dict[str, str]


@pytest.fixture(scope="module")
def filled(looked: Looked) -> Filled:
    cast = looked.stage.connect(
        "hostile",
        a_catalogue(seed=21, products=24, hostile=True),
        name="hostile",
        storefronts=2,
        store={"channels": [{"id": 1, "name": '<b>"Main"</b> & more'}, {"id": 2, "name": "Storefront" * 20}]},
        profile={"storefronts": [{"storefront": 1}, {"storefront": 2}]},
    )
    empty = looked.stage.connect("hostile", a_catalogue(seed=22, products=2), name="empty")
    run_id = looked.stage.request(cast)
    looked.until_ended(cast, run_id)
    looked.rest()
    with as_tenant(looked.desk.engine, cast.tenant_id) as session:
        changed = {"mapping.product.name": ["<script>", "Longword" * 40]}
        who = "<script>document.title='ran'</script> (pages)"
        journal.write(session, cast.tenant_id, cast.connector_id, who=who, what=Deed.PROFILE_CHANGED, changed=changed)
        item = session.execute(
            text("SELECT kind, source_id FROM item_status WHERE outcome = 'rejected' AND kind = 'product'")
        ).first()
        waiting = session.scalar(
            text("INSERT INTO run (tenant_id, connector_id, state, trigger, step, started_at) VALUES (:tenant, :id,"
                 " 'awaiting_approval', 'request', 'plan', now()) RETURNING id"),
            {"tenant": empty.tenant_id, "id": empty.connector_id},
        )  # fmt: skip
        session.execute(text("INSERT INTO run_counter (run_id, kind, storefront_id, figure, tenant_id, count) VALUES"
                             " (:run, 'product', 0, 'to_disable', :tenant, 40)"),
                        {"run": waiting, "tenant": empty.tenant_id})  # fmt: skip
        session.execute(
            text("INSERT INTO pending_change (tenant_id, connector_id, run_id, kind, source_id, storefront_id, action,"
                 " wave, payload) SELECT tenant_id, connector_id, :run, kind, source_id, 0, 'update', 1, :payload"
                 " FROM source_item WHERE connector_id = :id AND kind = 'product'"),
            {"run": run_id, "id": cast.connector_id, "payload": '{"fingerprints": {"price": "x", "seo": "x"}}'},
        )  # fmt: skip
    assert item is not None
    here, bare = f"/connectors/{cast.connector_id}", f"/connectors/{empty.connector_id}"
    return Filled(
        looked.link(cast),
        looked.operators_link("<img src=x onerror=alert(1)>"),
        {
            "register": here,
            "run": f"{here}/runs/{run_id}",
            "planned": f"{here}/runs/{run_id}/planned?kind=product&action=update",
            "items": f"{here}/items",
            "item": f"{here}/items/{item[0]}/{item[1]}",
            "settings": f"{here}/settings",
            "not-found": f"{here}/runs/987654",
            "awaiting-approval": f"{bare}/runs/{waiting}",
            "empty-items": f"{bare}/items",
            "overview": "/overview",
        },
    )


NAMES = ("register", "run", "planned", "items", "item", "settings", "not-found", "awaiting-approval", "empty-items",
         "overview")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_for_everybody(looked: Looked, filled: Filled, open_page: Open, keep: Keep, scheme: str) -> None:
    page = open_page(scheme=scheme, reduced_motion="reduce")
    page.goto(filled.operators_link)
    assert set(filled.pages) == set(NAMES)
    found: list[Any] = []
    for name, path in filled.pages.items():
        if name == "not-found":
            continue
        page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
        page.goto(looked.address + path)
        # What is folded is to be read as well.
        page.evaluate("document.querySelectorAll('details.fold').forEach(one => one.open = true)")
        found += [
            (name, width, one["id"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary", "")[:300])
            for width in ((WIDTHS[-1], WIDTHS[0]) if scheme == "light" else (WIDTHS[-1],))
            for one in checked(page, width)
        ]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            keep(page, f"{name}-{scheme}-{width}")
        assert [one for width in WIDTHS for one in out_of_sight(page, width)] == [], name
        assert page.title() != "ran", name
    assert found == []


def checked(page: Page, width: int) -> list[Any]:
    """What axe finds that keeps somebody out."""
    page.set_viewport_size({"width": width, "height": 900})
    return [one for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]


def out_of_sight(page: Page, width: int) -> list[Any]:
    """Where the sheets lie that buttons open, if that is not within the page."""
    page.set_viewport_size({"width": width, "height": 900})
    found = []
    for sheet in page.locator("details.sure").all():
        sheet.locator("summary").click()
        box = sheet.locator(".sheet").bounding_box()
        if box is None or box["x"] < 0 or box["x"] + box["width"] > width:
            found.append((width, sheet.inner_text(), box))
        page.keyboard.press("Escape")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_that_tell_a_trouble_are_for_everybody_too(
    looked: Looked, filled: Filled, browser: Browser, keep: Keep, scheme: Any
) -> None:
    """Chromium reports each of these answers as an error of the console, so none is opened by `open_page`."""
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        told = dict[str, tuple[int | None, str]]()

        def goes(name: str, address: str) -> None:
            answer = page.goto(address)
            assert answer is not None
            told[name] = (answer.status, page.get_by_role("heading", level=1).inner_text())
            shown(name)

        def shown(name: str) -> None:
            for width in WIDTHS:
                assert checked(page, width) == [], (name, width)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
                keep(page, f"trouble-{name}-{scheme}-{width}")

        goes("without-a-link", looked.address + filled.pages["register"])
        goes("spoilt-link", filled.link + "x")
        page.goto(filled.link)
        goes("no-such-run", looked.address + filled.pages["not-found"])
        assert "There is no run 987654 of this connector." in page.content()
        goes("no-such-filter", looked.address + filled.pages["items"] + "?outcome=nonsense")
        away = looked.desk.settings.model_copy(update={"database_url": "postgresql+psycopg2://service@127.0.0.1:9/x"})
        with served(build(Desk(away, looked.stage.messages.append, meet))) as without_database:
            goes("no-database", without_database + filled.pages["register"])
        assert told == {
            "without-a-link": (403, "This view is closed"),
            "spoilt-link": (403, "This view is closed"),
            "no-such-run": (404, "Nothing is here"),
            "no-such-filter": (422, "That is not understood"),
            "no-database": (503, "Not just now"),
        }
        cast = looked.stage.connect("late", a_catalogue(seed=24, products=2), name=f"late-{scheme}")
        late = looked.stage.request(cast)
        page.goto(looked.link(cast))
        stale = context.new_page()
        # It hears nothing of what happens meanwhile: or it might take its button away before that is pressed.
        stale.route(re.compile(r"/runs/\d+/(live|now)$"), lambda route: route.abort())
        for one in (page, stale):
            one.goto(f"{looked.address}/connectors/{cast.connector_id}/runs/{late}")
            # By the keyboard: what has the focus is left alone, where a pointer waits for a part that is drawn anew.
            one.get_by_text("Cancel", exact=True).press("Enter")
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.locator(".big")).to_have_text("Cancelled")
        page = stale
        with stale.expect_navigation() as navigation:
            stale.get_by_role("button", name="Cancel the run").click()
        assert navigation.value.status == 409
        shown("too-late")


def test_everything_is_reached_by_keyboard(looked: Looked, filled: Filled, open_page: Open) -> None:
    page = open_page()
    page.goto(filled.operators_link)
    for name in ("register", "run", "items", "item", "settings", "overview"):
        page.goto(looked.address + filled.pages[name])
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        reachable = page.evaluate(REACHABLE)
        reached, unseen = walk(page, reachable + 5)
        assert reached >= reachable, (name, reached, reachable)
        assert unseen == [], name


REACHABLE = """[...document.querySelectorAll('main a, main button, main summary, main input:not([type=hidden]),'
  + 'main select, main textarea, main [tabindex="0"]')].filter(one => one.checkVisibility()).length"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || !one.closest('main')) return null;
  const style = getComputedStyle(one);
  const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return [one.outerHTML.slice(0, 120), shown];
}"""


def walk(page: Page, most: int) -> tuple[int, list[str]]:
    """Tab through the content to its end: how many places were reached, and those where it cannot be seen."""
    unseen = list[str]()
    for reached in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            return reached, unseen
        unseen += [] if at[1] else [at[0]]
    raise AssertionError("the focus does not leave the content: a trap")


def test_a_run_is_asked_for_and_held_by_keyboard_alone(looked: Looked, open_page: Open) -> None:
    looked.rest()
    cast = looked.stage.connect("keys", a_catalogue(seed=23, products=2), name="keys")
    page = open_page()
    page.goto(looked.link(cast))
    to(page, "Sync now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run ")
    to(page, "Cancel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()
    page.wait_for_timeout(1500)  # news come in meanwhile, and close nothing
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cancel the run")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".big")).to_have_text("Cancelled")


def to(page: Page, label: str) -> None:
    """Tab until what has this label has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == label:
            return
    raise AssertionError(f"'{label}' is not reached by the keyboard")
