"""What the pages show, how they are written, and what their answers carry."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api import places
from api.pages import bars, words
from models.vocabulary import Deed, Outcome, RunState, Trigger
from tests.lookers import Looker, a_looker, fresh, opened
from tests.looking import HOSTILE
from tests.visitors import Door
from worker.catalog import causes
from worker.ledger import journal, store_facts
from worker.ledger.session import as_tenant

AConnector = Callable[..., Any]
ARow = Callable[..., int]

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


def filled(door: Door, made: Any, a_row: ARow, engine: Engine, name: str) -> tuple[Looker, int]:
    """A connector in which everything that the source, the store or a person can name is named so."""
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors", trigger="request",
                   requested_by=name)  # fmt: skip
    for kind, source_id, outcome in (("category", 3, "failed"), ("product", 7, "rejected"), ("variant", 9, "blocked")):
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind=kind, source_id=source_id, raw_hash="x",
              cells={"REF": name, "product_name": name, "section_name": name},
              parent_id=7 if kind == "variant" else None)  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind=kind, source_id=source_id,
              storefront_id=1 if kind == "category" else 0, run_id=run_id, outcome=outcome, code=name[:30],
              message=name, answer=name, problems=[{"code": "x", "field": name, "text": name}])  # fmt: skip
    a_row(made.tenant_id, "pending_change", connector_id=made.id, run_id=run_id, kind="product", source_id=7,
          storefront_id=0, action="update", wave=1, payload={"fingerprints": {name: "x"}})  # fmt: skip
    a_row(made.tenant_id, "run_message", run_id=run_id, level="warning", code="x", text=name)
    a_row(made.tenant_id, "run_counter", run_id=run_id, kind="category", storefront_id=1, figure="failed", count=1)
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(
            text("INSERT INTO storefront (connector_id, storefront_id, tenant_id, name, tree_id)"
                 " VALUES (:id, 1, :tenant, :name, 1)"),
            {"id": made.id, "tenant": made.tenant_id, "name": name},
        )  # fmt: skip
        store_facts.learn(session, made.id, {store_facts.STOREFRONTS: [[1, name]]})
        journal.write(session, made.tenant_id, made.id, who=name, what=Deed.DISABLED, reason=name)
        journal.write(
            session, made.tenant_id, made.id, who=name, what=Deed.PROFILE_CHANGED, changed={name: [name, [name]]}
        )
        session.execute(text("UPDATE connector SET enabled = false, disabled_reason = :why"), {"why": name})
    return a_looker(door, made.tenant_id, made.id, name=name[:100]), run_id


class Tags(HTMLParser):
    """The tags, the attributes and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_name_holds_is_never_more_than_a_text(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine, name: str
) -> None:
    made = a_connector()
    looker, run_id = filled(door, made, a_row, engine, name)
    operator = opened(door, door.operator().posts("/v1/view-link", {"name": name[:100]})["url"])
    pages = [operator.sees("")]
    pages += [
        looker.sees(place)
        for place in ("", f"/runs/{run_id}", "/items", "/items?q=a", "/items/product/7", "/items/category/3",
                      "/items/variant/9", "/settings", f"/runs/{run_id}/planned?kind=product&action=update")
    ]  # fmt: skip
    pages.append(looker.client.get(f"{looker.path}/runs/{run_id}/now").json()["html"])
    for page in pages:
        for tag, attributes in Tags(page).found:
            assert tag not in {"img", "b", "iframe"}
            assert not {one for one in attributes if one.startswith("on") or one == "style"}
            assert not str(attributes.get("href", "")).startswith("javascript:")
            if tag == "script":
                assert str(attributes["src"]).startswith("/pages/pages.js?v=")
    assert sum(name[:20] in _as_text(page) for page in pages) >= 8, "it is shown all the same"


def _as_text(page: str) -> str:
    return "".join(Tags(page).texts)


def test_every_answer_carries_the_headers(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    answers = [looker.client.get(f"{looker.path}{place}") for place in
               ("", "/items", "/settings", "/items.csv", "/runs/9", "/nothing/here", "/items?kind=brick")]  # fmt: skip
    assert [one.status_code for one in answers] == [200, 200, 200, 200, 404, 404, 422]
    answers += [fresh(door).get("/overview"), looker.client.post(f"{looker.path}/request"),
                looker.client.get(f"{looker.path}/open", follow_redirects=False)]  # fmt: skip
    assert [one.status_code for one in answers[-3:]] == [403, 422, 403]
    for one in answers:
        assert one.headers["cache-control"] == "no-store"
        assert {name: one.headers.get(name) for name in HEADERS} == HEADERS
    address = re.search(r"/pages/pages\.css\?v=\w+", answers[0].text)
    assert address is not None
    style = looker.client.get(address[0])
    assert style.status_code == 200
    assert "immutable" in style.headers["cache-control"]
    assert {name: style.headers.get(name) for name in HEADERS} == HEADERS
    assert looker.client.get("/pages/../../app.py").status_code == 404
    assert looker.client.get("/pages/%2e%2e/door.py").status_code == 404


def test_no_page_holds_script_or_style_of_its_own(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    for place in ("", "/items", "/settings"):
        page = looker.sees(place)
        assert "<style" not in page
        assert not re.search(r"<script(?! type=\"module\" src=)", page)
        assert not re.search(r'\s(style|on\w+)="', page)


def test_the_register_goes_on_and_is_filtered(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    ids = [a_row(made.tenant_id, "run", connector_id=made.id, state="completed" if n % 2 else "failed",
                 trigger="request" if n < 25 else "refresh") for n in range(30)]  # fmt: skip
    a_row(made.tenant_id, "run_counter", run_id=ids[3], kind="product", storefront_id=0, figure="updated", count=4)
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sees()
    assert shown(page) == ids[:10:-1]
    more = re.search(r'href="[^"]*(\?before=\d+)">Older runs', page)
    assert more is not None
    older = looker.sees(more[1])
    assert shown(older) == ids[10::-1]
    assert "Older runs" not in older
    assert "Newest runs" in older
    assert shown(looker.sees("?state=failed&trigger=refresh")) == [ids[28], ids[26]]
    assert shown(looker.sees("?changed=1")) == [ids[3]]
    assert "4 products updated." in looker.sees("?changed=1")
    assert shown(looker.sees("?state=&trigger=&changed=1")) == [ids[3]], "as the form sends it"
    assert "No run is like that" in looker.sees("?state=cancelled")
    looker.sees("?state=finished", status=422)


def shown(page: str) -> list[int]:
    return [int(one) for one in re.findall(r">Run (\d+)</a></h2>", page)]


def test_what_people_did_stands_between_the_runs(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made = a_connector()
    first = a_row(made.tenant_id, "run", connector_id=made.id, state="completed", trigger="request")
    with as_tenant(engine, made.tenant_id) as session:
        changed = {"switches.overwrite_stock": [False, True]}
        journal.write(session, made.tenant_id, made.id, who="Ana", what=Deed.PROFILE_CHANGED, changed=changed)
    last = a_row(made.tenant_id, "run", connector_id=made.id, state="failed", trigger="request")
    page = a_looker(door, made.tenant_id, made.id).sees()
    places = [
        page.index(one) for one in (f">Run {last}<", "<bdi>Ana</bdi></strong> changed the profile", f">Run {first}<")
    ]
    assert places == sorted(places)
    assert "<del><bdi>no</bdi></del> → <ins><bdi>yes</bdi></ins>" in page


def test_what_was_done_early_stands_on_the_older_page_however_much_was_done_late(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made = a_connector()
    ids = []
    for number in range(25):
        ids.append(a_row(made.tenant_id, "run", connector_id=made.id, state="completed", trigger="request"))
        if number == 2:
            with as_tenant(engine, made.tenant_id) as session:
                journal.write(session, made.tenant_id, made.id, who="Early Eva", what=Deed.PAUSED, run=ids[2])
    with as_tenant(engine, made.tenant_id) as session:
        for _ in range(210):
            journal.write(session, made.tenant_id, made.id, who="Late Leo", what=Deed.PAUSED, run=ids[-1])
    looker = a_looker(door, made.tenant_id, made.id)
    newest, older = looker.sees(), looker.sees(f"?before={ids[6]}")
    assert ("Late Leo" in newest, "Early Eva" in newest) == (True, False)
    assert shown(older) == ids[5::-1]
    assert ("Late Leo" in older, "Early Eva" in older) == (False, True)


def test_an_empty_register_teaches_the_next_step(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    assert "press <em>Sync now</em>" in a_looker(door, made.tenant_id, made.id).sees()
    page = a_looker(door, made.tenant_id, made.id, may="read").sees()
    assert "Nothing has run yet" in page
    assert "Sync now" not in page
    assert "Statuses come with the first run." in a_looker(door, made.tenant_id, made.id).sees("/items")


def test_what_is_prepared_and_not_sent_is_there_to_see(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="prepared", trigger="request", step="send")
    a_row(made.tenant_id, "run_counter", run_id=run_id, kind="product", storefront_id=0, figure="to_create", count=12)
    looker = a_looker(door, made.tenant_id, made.id)
    for place in ("", f"/runs/{run_id}"):
        page = looker.sees(place)
        assert "<span>Prepared, nothing sent yet</span>" in page
        assert "12 products to create." in page
    told = looker.client.get(f"{looker.path}/runs/{run_id}/now").json()
    assert (told["state"], told["ended"]) == ("prepared", False)
    assert "of 12 changes dealt with" in told["html"]


def test_a_run_that_is_held_shows_where(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="awaiting_approval", trigger="request",
                   step="plan", started_at="2026-11-25 10:00:00+00")  # fmt: skip
    page = a_looker(door, made.tenant_id, made.id).sees(f"/runs/{run_id}")
    assert re.findall(r'<li class="step ([\w-]+)"', page) == ["done"] * 4 + ["held"] + ["to-come"] * 3
    assert "Approve and go on" in page


def test_a_planned_figure_leads_to_the_items_until_the_run_ends(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="awaiting_approval", trigger="request",
                   step="plan")  # fmt: skip
    earlier = a_row(made.tenant_id, "run", connector_id=made.id, state="failed", trigger="request")
    for source_id in range(1, 121):
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=source_id, raw_hash="x",
              cells={"REF": f"SHIRT-{source_id:03}", "product_name": f"Shirt {source_id}"})  # fmt: skip
        a_row(made.tenant_id, "pending_change", connector_id=made.id, kind="product", source_id=source_id,
              storefront_id=0, wave=1, run_id=earlier if source_id == 120 else run_id, payload={},
              action="update" if source_id % 10 == 0 else "disable")  # fmt: skip
    for figure, count in (("to_disable", 108), ("to_update", 11)):
        a_row(made.tenant_id, "run_counter", run_id=run_id, kind="product", storefront_id=0, figure=figure, count=count)
    looker = a_looker(door, made.tenant_id, made.id)
    links = re.findall(r'href="[^"]*/runs/\d+(/planned[^"]*)"', looker.sees(f"/runs/{run_id}"))
    assert links == [f"/planned?kind=product&amp;action={one}" for one in ("update", "disable")]
    seen: list[int] = []
    page = looker.sees(f"/runs/{run_id}" + links[1].replace("&amp;", "&"))
    assert "Products to disable" in page
    seen += ids(page)
    assert len(seen) == 50
    while (more := re.search(r'href="[^"]*/planned(\?[^"]*after=[^"]+)">Next page', page)) is not None:
        page = looker.sees(f"/runs/{run_id}/planned" + more[1].replace("&amp;", "&"))
        seen += ids(page)
    assert seen == [one for one in range(1, 121) if one % 10]
    assert ids(looker.sees(f"/runs/{run_id}/planned?kind=product&action=update")) == list(range(10, 120, 10))
    for odd in ("", "?kind=product", "?kind=product&action=prove", "?kind=product&action=update&after=x"):
        looker.sees(f"/runs/{run_id}/planned{odd}", status=422)
    looker.sees(f"/runs/{run_id + 99}/planned?kind=product&action=update", status=404)
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text("UPDATE run SET state = 'cancelled', ended_at = now() WHERE id = :id"), {"id": run_id})
    assert "/planned" not in looker.sees(f"/runs/{run_id}")


@pytest.mark.parametrize(("state", "due", "judged"), [
    (None, True, False), (None, False, False), ("cancelled", False, False), ("failed", True, False),
    ("preparing", False, False), ("completed", True, False), ("completed", False, True),
    ("completed_with_errors", False, True), ("unchanged", False, True)])  # fmt: skip
def test_an_item_is_unchanged_only_where_a_run_has_looked_at_it(
    door: Door, a_connector: AConnector, a_row: ARow, state: str | None, due: bool, judged: bool
) -> None:
    made = a_connector()
    if state is not None:
        a_row(made.tenant_id, "run", connector_id=made.id, state=state, trigger="request",
              ended_at=None if state == "preparing" else "2026-11-25 10:00:00+00")  # fmt: skip
    a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=7, raw_hash="x",
          cells={"product_name": "Shirt"}, due=due)  # fmt: skip
    page = a_looker(door, made.tenant_id, made.id).sees("/items/product/7")
    assert ("<span>Unchanged</span>" in page, "No run had to touch it." in page) == (judged, judged)
    assert ("<span>Not looked at yet</span>" in page) is not judged


def test_an_item_shows_the_last_call_that_was_made_for_it(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    item = {"connector_id": made.id, "kind": "product", "source_id": 7}
    a_row(made.tenant_id, "source_item", **item, raw_hash="x", cells={"product_name": "Shirt"})
    looker = a_looker(door, made.tenant_id, made.id)
    assert "Last write" not in looker.sees("/items/product/7")
    for run_id, status, told in ((5, None, "not answered"), (6, 422, "answered with 422")):
        a_row(made.tenant_id, "item_history", **item, storefront_id=0, run_id=run_id, outcome="failed",
              calls=[["update", [], False, [["PUT", "/v3/<b>", status, "req-7", None, 1795701792.5]]]])  # fmt: skip
        page = looker.sees("/items/product/7")
        [line] = re.findall(r'<p class="hint">Last write: (.+?)</p>', page)
        assert "<code>PUT /v3/&lt;b&gt;</code>" in line
        assert told in line
        assert 'datetime="2026-11-26T14:03:12' in line
        assert f'/runs/{run_id}">run {run_id}</a>' in line


def test_streams_have_an_end(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed", trigger="request")
    looker = a_looker(door, made.tenant_id, made.id)
    told = looker.client.get(f"{looker.path}/runs/{run_id}/live")
    assert told.headers["content-type"].startswith("text/event-stream")
    [event] = re.findall(r"^data: (.+)$", told.text, re.MULTILINE)
    assert json.loads(event)["ended"] is True
    app: Any = door.client.app
    assert app.state.streams.taken == 0, "its place is free again"
    other = a_connector("other", tenant="other")
    theirs = a_row(other.tenant_id, "run", connector_id=other.id, state="completed", trigger="request")
    stranger = a_looker(door, other.tenant_id, other.id)
    with ExitStack() as held:
        for _ in range(app.state.streams.of_one):
            held.enter_context(app.state.streams.one(made.tenant_id))
        full = looker.client.get(f"{looker.path}/runs/{run_id}/live", headers={"accept": "application/json"})
        assert (full.status_code, full.json()) == (503, {"says": places.STREAMS_SAY})
        # What one tenant holds leaves the others theirs.
        assert stranger.client.get(f"{stranger.path}/runs/{theirs}/live").status_code == 200


def test_blocked_items_are_folded_under_what_blocks_them(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors", trigger="request")
    rows: list[tuple[Any, ...]] = [("product", 7, "rejected", "no_valid_price", "price is missing", None)]
    rows += [("variant", one, "blocked", "product_refused", "its product 7 cannot be sent", 7) for one in (70, 71)]
    rows += [("category", 3, "failed", "name_taken", "category 2 has the same name", None)]
    rows += [
        ("category", one, "blocked", "parent_failed", "category 3 above it cannot be sent", 3) for one in (30, 31, 32)
    ]
    for kind, source_id, outcome, code, message, parent in rows:
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind=kind, source_id=source_id, raw_hash="x",
              cells={}, parent_id=parent)  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind=kind, source_id=source_id, storefront_id=0,
              run_id=run_id, outcome=outcome, code=code, message=message)  # fmt: skip
    page = a_looker(door, made.tenant_id, made.id).sees(f"/runs/{run_id}")
    assert "5 items wait for others" in page
    assert page.index("Category 3 blocks 3") < page.index("Product 7 blocks 2")
    assert words.plain(causes.remedy("no_valid_price")) in page


def test_what_is_new_since_the_last_run_says_so(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    before, run_id = (a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors",
                            trigger="request") for _ in range(2))  # fmt: skip
    for source_id, earlier in ((7, "name_taken"), (8, None), (9, "refused_by_store")):
        for run, code in ((before, earlier), (run_id, "name_taken")):
            if code is not None:
                a_row(made.tenant_id, "item_history", connector_id=made.id, kind="product", source_id=source_id,
                      storefront_id=0, run_id=run, outcome="failed", code=code, message="no")  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind="product", source_id=source_id,
              storefront_id=0, run_id=run_id, outcome="failed", code="name_taken", message="no")  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    assert "2 new since the last run" in looker.sees(f"/runs/{run_id}")
    then = looker.sees(f"/runs/{before}")
    assert "refused_by_store" in then
    assert "new since" not in then
    assert "Retry these" not in then, "what failed then is not what would be sent again"


def test_steps_tell_their_time_and_calls(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    steps = [{"step": "read_source", "at": 1000.0, "calls": 0, "source_calls": 0},
             {"step": "read_store", "at": 1060.0, "calls": 0, "source_calls": 3},
             {"step": "send", "at": 1070.5, "calls": 9, "source_calls": 3}]  # fmt: skip
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed", trigger="request", calls=1009,
                   source_calls=3, step="record", steps=steps, ended_at="1970-01-01 00:20:00+00")  # fmt: skip
    page = re.sub(r"\s+", " ", a_looker(door, made.tenant_id, made.id).sees(f"/runs/{run_id}"))
    assert "<span>1 min 0 s</span><span>3 calls</span>" in page
    assert "<span>10 s</span><span>9 calls</span>" in page
    assert "<span>2 min 10 s</span><span>1,000 calls</span>" in page


def test_items_are_searched_filtered_and_counted(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors", trigger="request")
    for source_id in range(1, 121):
        cells = {"REF": f"SHIRT-{source_id:03}"}
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=source_id, raw_hash="x",
              cells=cells, sku_key=cells["REF"].casefold())  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind="product", source_id=source_id,
              storefront_id=0, run_id=run_id, outcome="failed" if source_id % 10 == 0 else "created",
              code="name_taken" if source_id % 10 == 0 else None)  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sees("/items")
    assert len(ids(page)) == 50
    seen = ids(page)
    while (more := re.search(r'href="[^"]*items(\?[^"]*after=[^"]+)">Next page', page)) is not None:
        page = looker.sees("/items" + more[1].replace("&amp;", "&"))
        seen += ids(page)
    assert seen == list(range(1, 121))
    page = looker.sees("/items?outcome=failed")
    assert ids(page) == list(range(10, 121, 10))
    assert re.search(r"<bdi>Created</bdi> <span class=\"count\">108</span>", page)
    page = looker.sees("/items?q=hirt-01&outcome=created&kind=&storefront=")
    assert ids(page) == [11, 12, 13, 14, 15, 16, 17, 18, 19]
    assert re.search(r"<bdi>Failed</bdi> <span class=\"count\">1</span>", page)
    for odd in ("?q=%25%5C_", "?q=" + "x" * 5000, "?q=%E2%80%AE"):
        looker.sees(f"/items{odd}")
    for wrong in (
        "?q=%00",
        "?code=%00x",
        "?after=x",
        "?kind=brick",
        "?outcome=fine",
        "?storefront=x",
        f"?run={2**70}",
        "?run=-1",
    ):
        looker.sees(f"/items{wrong}", status=422)
    looker.sees(f"/items/product/{2**70}", status=422)


def ids(page: str) -> list[int]:
    return [int(one) for one in re.findall(r'<span class="sub">Product (\d+)', page)]


def test_a_download_holds_all_and_no_formula(door: Door, a_connector: AConnector, a_row: ARow) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors", trigger="request")
    for source_id, name in enumerate(("=1+1", "+x", "-2", "@a", "\tb", 'a "quoted", name\nof two lines'), 1):
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=source_id, raw_hash="x",
              cells={"REF": name})  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind="product", source_id=source_id,
              storefront_id=0, run_id=run_id, outcome="failed", code="name_taken", message=name)  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    answer = looker.client.get(f"{looker.path}/items.csv?outcome=failed")
    assert (
        answer.headers["content-disposition"] == f'attachment; filename="shop-items-{datetime.now(UTC):%Y-%m-%d}.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["reference"] for row in rows] == [
        "'=1+1",
        "'+x",
        "'-2",
        "'@a",
        "'\tb",
        'a "quoted", name\nof two lines',
    ]
    assert {row["fix"] for row in rows} == {causes.remedy("name_taken")}
    assert list(csv.reader(io.StringIO(looker.client.get(f"{looker.path}/items.csv?outcome=created").text)))[1:] == []


def test_every_word_has_its_mark() -> None:
    assert {state.value for state in RunState} == set(map(str, words.RUN_STATES))
    assert {outcome.value for outcome in Outcome} == set(map(str, words.OUTCOMES))
    assert {deed.value for deed in Deed} >= set(map(str, words.DEEDS))
    assert {trigger.value for trigger in Trigger} == set(map(str, words.TRIGGERS))
    assert {cause.who for cause in causes.CAUSES.values()} <= set(words.WHO_ACTS)
    good, errors = words.RUN_STATES[RunState.COMPLETED], words.RUN_STATES[RunState.COMPLETED_WITH_ERRORS]
    assert (good.icon, good.tone) != (errors.icon, errors.tone)
    assert good.icon != errors.icon, "not by colour alone"


def test_remedies_are_shown_without_their_marks() -> None:
    assert words.plain("Choose another URL ([decision 0007](decisions/0007-x.md)).") == "Choose another URL."
    assert words.plain("See [the page](x.md), *now* or `later`.") == "See the page, now or later."
    assert words.plain("Nothing.") == ""
    for cause in causes.CAUSES.values():
        assert not re.search(r"[\[\]`*]", words.plain(cause.do)), cause.code


def test_bars_fill_their_width_and_show_the_smallest_part() -> None:
    bar = bars.of({"product": {"-": {"created": 100_000, "failed": 1}}, "variant": {"-": {"created": 5}}})
    assert bar.says == "100,005 created, 1 failed"
    assert sum(part.width for part in bar.parts) == pytest.approx(100, abs=0.01)
    assert [part.outcome for part in bar.parts] == ["created", "failed"]
    assert bar.parts[1].width > 1
    assert bars.of({}).says == "nothing yet"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "\N{EN DASH}"), (0.04, "0.0 s"), (9.26, "9.3 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"),
     (90_000, "1 d 1 h")],
)  # fmt: skip
def test_durations_are_said_shortly(seconds: float | None, said: str) -> None:
    assert words.seconds(seconds) == said


def test_the_link_is_in_the_document_of_the_api(door: Door) -> None:
    document = json.loads(door.client.get("/openapi.json").text)
    assert "post" in document["paths"]["/v1/connectors/{connector_id}/view-link"]
    assert "post" in document["paths"]["/v1/view-link"]
    assert not [path for path in document["paths"] if path.startswith(("/connectors", "/overview"))]
