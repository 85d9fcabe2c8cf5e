"""What the buttons of the pages do, and who cannot press them."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from markupsafe import escape
from sqlalchemy import Engine, text

from api.pages import notices
from tests.lookers import Looker, a_looker
from tests.visitors import Door
from worker.catalog.profile import Profile
from worker.commands import choices
from worker.commands import connectors as commands
from worker.commands.desk import Desk
from worker.errors import WorkerError
from worker.ledger import connectors, journal, runs, store_facts
from worker.ledger.session import as_tenant
from worker.meet import meet

AConnector = Callable[..., Any]
ARow = Callable[..., int]


def deeds(engine: Engine, made: Any) -> list[tuple[str, str]]:
    with as_tenant(engine, made.tenant_id) as session:
        return [(one.who, one.what.value) for one in journal.entries(session, made.id)]


def profile(engine: Engine, made: Any) -> Profile:
    with as_tenant(engine, made.tenant_id) as session:
        known = connectors.load(session, made.id)
    assert known is not None
    return known.profile


def test_a_run_is_requested_held_and_let_go(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    place = looker.sends("/request").headers["location"]
    assert re.fullmatch(rf"/connectors/{made.id}/runs/\d+\?said=requested\.[\w.-]+", place)
    run_id = int(place.partition("?")[0].rpartition("/")[2])
    assert "by <bdi>Ana Pérez (pages)</bdi>" in looker.sees(f"/runs/{run_id}")
    assert "A run waits already" in looker.client.get(looker.sends("/request").headers["location"]).text
    this = str(run_id)
    back = looker.sends("/pause", back=f"runs/{run_id}", run=this).headers["location"]
    assert back.startswith(f"/connectors/{made.id}/runs/{run_id}?said=paused.")
    assert "Resume" in looker.sees(f"/runs/{run_id}")
    looker.sends("/resume", back="https://elsewhere.example", run=this)
    place = looker.sends("/cancel", back="//elsewhere.example", run=this).headers["location"]
    assert place.startswith(f"/connectors/{made.id}?said=cancelled.")
    assert "no run that could be cancelled" in looker.sends("/cancel", status=409, run=this).text
    told = [("Ana Pérez (pages)", what) for what in ("cancelled", "resumed", "paused")]
    assert deeds(engine, made) == told
    with as_tenant(engine, made.tenant_id) as session:
        assert session.scalar(text("SELECT requested_by FROM run")) == "Ana Pérez (pages)"
    assert looker.sends("/request", refresh="yes").status_code == 303
    with as_tenant(engine, made.tenant_id) as session:
        assert session.scalar(text("SELECT refresh FROM run ORDER BY id DESC LIMIT 1"))


def test_a_page_says_only_what_was_done_there_and_just_now(
    door: Door, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_connector()
    looker, other = (a_looker(door, made.tenant_id, made.id, name=name) for name in ("Ana", "Ben"))
    place = looker.sends("/request").headers["location"].removeprefix(looker.path)
    says = "A run is requested."
    assert says in looker.sees(place)
    assert says not in other.sees(place), "an address that was handed on says nothing"
    for forged in ("said=requested", "said=approved", "said=", "said=%C3%A9.x.y", f"said=approved{place[-60:]}"):
        for page in ("", "/settings", place.partition("?")[0]):
            assert 'class="notice good"' not in looker.sees(f"{page}?{forged}")
    monkeypatch.setattr(notices, "SECONDS", -1.0)
    assert says not in looker.sees(place), "it is too old"


HELD_BY = {"approve": "awaiting_approval", "pause": "preparing", "resume": "paused", "cancel": "synchronizing"}


@pytest.mark.parametrize(("act", "state"), HELD_BY.items())
def test_a_button_is_about_the_run_that_its_page_shows(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine, act: str, state: str
) -> None:
    made = a_connector()
    stale = a_row(made.tenant_id, "run", connector_id=made.id, state=state, trigger="request", listed=True)
    looker = a_looker(door, made.tenant_id, made.id)
    for place in (f"/runs/{stale}", "", "/settings"):
        forms = re.findall(rf'action="[^"]+/{act}".*?</form>', looker.sees(place), re.DOTALL)
        assert forms or place != f"/runs/{stale}"
        assert all(f'name="run" value="{stale}"' in form for form in forms)
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text("UPDATE run SET state = 'cancelled', ended_at = now() WHERE id = :id"), {"id": stale})
    held = a_row(made.tenant_id, "run", connector_id=made.id, state=state, trigger="request", listed=True)
    page = looker.sends(f"/{act}", status=409, run=str(stale)).text
    assert f"by now it is run {held}" in page
    for odd in ("", "x", "9" * 30, "-1"):
        looker.sends(f"/{act}", status=422, run=odd)
    assert state_of(engine, made, held) == state
    assert deeds(engine, made) == []
    looker.sends(f"/{act}", run=str(held))
    assert state_of(engine, made, held) != state


def test_an_approval_is_about_the_plan_that_its_page_shows(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made = a_connector()
    held = a_row(
        made.tenant_id, "run", connector_id=made.id, state="awaiting_approval", trigger="request", started_at="now()"
    )
    a_row(made.tenant_id, "run_counter", run_id=held, kind="product", storefront_id=0, figure="to_disable", count=107)
    looker = a_looker(door, made.tenant_id, made.id)
    assert 'name="shown" value="107"' in looker.sees(f"/runs/{held}")
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text("UPDATE run_counter SET count = 290"))
    page = looker.sends("/approve", status=409, run=str(held), shown="107").text
    assert "290 items by now, not 107" in page
    assert state_of(engine, made, held) == "awaiting_approval"
    looker.sends("/approve", run=str(held), shown="290")
    assert state_of(engine, made, held) == "preparing"


def state_of(engine: Engine, made: Any, run_id: int) -> str:
    with as_tenant(engine, made.tenant_id) as session:
        return str(session.scalar(text("SELECT state FROM run WHERE id = :id"), {"id": run_id}))


def test_switching_off_says_why_and_on_again(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    looker.sends("/disable", reason="we move house", back="settings")
    page = looker.sees()
    assert "It is switched off: we move house." in page
    assert "Sync now" not in page
    assert "switched the connector off: <bdi>we move house</bdi>" in re.sub(r"\s+", " ", page)
    assert "enable it first" in looker.sends("/request", status=409).text
    looker.sends("/enable")
    assert [what for _, what in deeds(engine, made)] == ["enabled", "disabled"]


CROSS_SITE = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "https://evil.example", "host": "testserver"},
)


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_a_form_of_another_page_is_refused(
    door: Door, a_connector: AConnector, engine: Engine, headers: dict[str, str]
) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    assert "did not come from a page of yours" in looker.sends("/request", status=403, headers=headers).text
    assert runs_of(engine, made) == 0
    looker.sends("/request", headers={"origin": "http://testserver"})
    looker.sends("/request", headers={"origin": "null"})
    assert runs_of(engine, made) == 1


def runs_of(engine: Engine, made: Any) -> int:
    with as_tenant(engine, made.tenant_id) as session:
        return int(session.scalar(text("SELECT count(*) FROM run WHERE connector_id = :id"), {"id": made.id}))


def test_a_form_without_its_token_or_with_another_viewers_is_refused(
    door: Door, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    looker, other = (a_looker(door, made.tenant_id, made.id, name=name) for name in ("Ana", "Ben"))
    for token in ("", "x", other.token(), looker.token()[:-1]):
        looker.sends("/request", status=403, token=token)
    assert runs_of(engine, made) == 0
    sent = looker.client.post(f"{looker.path}/request", json={"token": looker.token()})
    assert sent.status_code == 422
    assert looker.client.post(f"{looker.path}/request", content=b"token=%ff%fe", headers={
        "content-type": "application/x-www-form-urlencoded"}).status_code == 422  # fmt: skip
    assert runs_of(engine, made) == 0


ACTS = ("request", "retry", "pause", "resume", "cancel", "approve", "enable", "disable", "settings/switches",
        "settings/storefronts", "settings/profile", "items/product/7/synchronise")  # fmt: skip


def test_who_may_only_look_has_no_button_and_is_refused(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="preparing", trigger="request")
    before = profile(engine, made)
    looker = a_looker(door, made.tenant_id, made.id, may="read")
    for place in ("", f"/runs/{run_id}", "/settings", "/items"):
        posts = re.findall(r'<form method="post" action="([^"]+)"', looker.sees(place))
        allowed = {f"{looker.path}/settings/validate", *(f"{looker.path}/{act}" for act in ACTS if "settings" in act)}
        assert set(posts) <= allowed, place
    assert "Save" not in looker.sees("/settings")
    for act in ACTS:
        assert "You may look at this connector, not act on it." in looker.sends(f"/{act}", status=403).text, act
    assert deeds(engine, made) == []
    assert profile(engine, made) == before
    assert runs_of(engine, made) == 1


def test_every_act_is_known_to_the_test_above(door: Door) -> None:
    pattern = re.compile(r"/connectors/\{connector_id\}/(.+)")
    app: Any = door.client.app
    found = {
        matched[1].replace("{kind}/{source_id}", "product/7")
        for path, methods in _routes(app.routes)
        if "POST" in methods and not path.startswith("/v1") and (matched := pattern.fullmatch(path))
    }
    assert found == {*ACTS, "settings/validate"}


def _routes(found: Any) -> list[tuple[str, set[str]]]:
    listed = []
    for one in found:
        path, methods = getattr(one, "path", None), getattr(one, "methods", None)
        if path is not None and methods:
            listed.append((path, set(methods)))
        inner = getattr(one, "routes", None) or getattr(getattr(one, "original_router", None), "routes", None)
        listed += _routes(inner or [])
    return listed


SWITCHES: dict[str, Any] = {
    "overwrite_stock": "yes",
    "option_display": "as_created",
    "language": "de",
    "check_every_seconds": "60",
    "brake": "12,5",
    "quota_left_to_others": "10",
    "schedule.cron": "0 3 * * *",
}


def test_switches_are_saved_and_told(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    assert "/settings?said=saved." in looker.sends("/settings/switches", **SWITCHES).headers["location"]
    now = profile(engine, made)
    assert (now.switches.overwrite_stock, now.switches.overwrite_prices) == (True, False)
    assert (now.switches.option_display, now.language) == ("as_created", "de")
    assert (now.check_every_seconds, now.brake, now.quota_left_to_others) == (60, 0.125, 0.1)
    assert now.schedule is not None
    assert now.schedule.cron == "0 3 * * *"
    assert deeds(engine, made) == [("Ana Pérez (pages)", "profile_changed")]
    page = re.sub(r"\s+", " ", looker.sees())
    assert "check every seconds</span>: <del><bdi>300</bdi></del> → <ins><bdi>60</bdi></ins>" in page
    again = looker.sends("/settings/switches", **SWITCHES)
    assert "?said=as_it_was." in again.headers["location"]
    assert len(deeds(engine, made)) == 1


@pytest.mark.parametrize(
    ("field", "given", "says"),
    [
        ("check_every_seconds", "5", "greater than or equal to 10"),
        ("check_every_seconds", "often", "is no number"),
        ("brake", "130", "less than or equal to 1"),
        ("quota_left_to_others", "95", "less than or equal to 0.9"),
        ("quota_left_to_others", "nan", "is no number"),
        ("brake", "1e999", "is no number"),
        ("check_every_seconds", "1.5", "valid integer"),
        ("option_display", "<b>", "dropdown_and_swatch"),
        ("schedule.cron", "0 3", "a cron expression has five parts"),
        ("schedule.every_seconds", "60", "give either every_seconds or cron"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(
    door: Door, a_connector: AConnector, engine: Engine, field: str, given: str, says: str
) -> None:
    made = a_connector()
    before = profile(engine, made)
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sends("/settings/switches", status=422, **{**SWITCHES, field: given}).text
    assert "Nothing was saved." in page
    assert says in page
    assert 'value="de"' in page, "what was filled in is there still"
    assert profile(engine, made) == before
    assert deeds(engine, made) == []


def test_storefronts_are_linked(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    looker.sends("/settings/storefronts", root_1="all", root_2="17", root_3="")
    linked = [(link.storefront, link.root) for link in profile(engine, made).storefronts]
    assert linked == [(1, None), (2, 17)]
    assert 'value="17" selected' in looker.sees("/settings")
    wrongs: tuple[dict[str, Any], ...] = (
        {"root_1": "x"},
        {"root_x": "all"},
        {"root_-1": "all"},
        {"root_1": "9" * 5000},
    )
    for wrong in wrongs:
        assert "Nothing was saved." in looker.sends("/settings/storefronts", status=422, **wrong).text
    assert [(link.storefront, link.root) for link in profile(engine, made).storefronts] == linked


DOES_NOT_SAY = "The store does not say just now which storefronts it has."


def test_storefronts_are_chosen_before_the_first_run(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector(store_hash="acmestore")
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sees("/settings")
    assert DOES_NOT_SAY in page
    assert 'name="root_' not in page
    channels = [{"id": 1, "name": "Main"}, {"id": 9, "name": "<b>Outlet</b>"}]
    door.stores.open("acmestore", "canary-store-token", plan="Enterprise", channels=channels)
    page = looker.sees("/settings")
    assert DOES_NOT_SAY not in page
    assert "&lt;b&gt;Outlet&lt;/b&gt;" in page
    looker.sends("/settings/storefronts", root_9="all")
    assert [(link.storefront, link.root) for link in profile(engine, made).storefronts] == [(9, None)]


def test_where_the_store_does_not_answer_those_of_the_last_run_are_offered(
    door: Door, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        store_facts.learn(session, made.id, {store_facts.STOREFRONTS: [[7, "Outlet"]]})
    page = a_looker(door, made.tenant_id, made.id).sees("/settings")
    assert f"{DOES_NOT_SAY} These are those of the last run." in page
    assert 'name="root_7"' in page


def test_nobody_waits_long_for_a_store_that_says_nothing(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        chosen = door.desk.settings.model_copy(update={"bigcommerce_url": address})
        desk = Desk(chosen, door.published.append, meet)
        desk.__dict__["broker"] = door.desk.broker
        began = time.monotonic()
        with pytest.raises(WorkerError):
            choices.storefronts(desk, made.tenant_id, made.id, within=0.5)
        assert 0.5 <= time.monotonic() - began < 3
        desk.engine.dispose()


def test_the_whole_profile_is_edited_as_json(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    told = profile(engine, made).model_dump(mode="json") | {"product_url": "long"}
    looker.sends("/settings/profile", profile=json.dumps(told))
    assert profile(engine, made).product_url == "long"
    page = looker.sends("/settings/profile", status=422, profile='{"brake": }').text
    assert "That is no JSON (line 1)." in page
    assert "{&#34;brake&#34;: }" in page, "what was written is there still"
    page = looker.sends("/settings/profile", status=422, profile=json.dumps(told | {"nonsense": 1, "brake": 7})).text
    assert "nonsense is no field of a profile" in page
    assert "brake: should be less than or equal to 1" in page
    for odd in ("[]", "7", "null", "[" * 5000, '{"brake": 1e999}'):
        looker.sends("/settings/profile", status=422, profile=odd)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"language": "\ud800"}, "language: it holds a letter that is no text"),
        ({"language\udfff": "de"}, "language: it holds a letter that is no text"),
        ({"mapping": {"product": {"name": "a\0b"}}}, "mapping.product.name: it holds a letter that is no text"),
        ({"mapping": {"product": {"na\0me": "a"}}}, "mapping.product.name: it holds a letter that is no text"),
        ({"custom_fields": ["a", "b\0"]}, "custom_fields.1: it holds a letter that is no text"),
        ({"metafields": {"product": [{"key": "k", "column": "\udc00"}]}}, "metafields.product.0.column: it holds"),
        (["\0"], "0: it holds a letter that is no text"),
        ("\0", "the profile: it holds a letter that is no text"),
    ],
)
def test_letters_that_are_no_text_are_refused_by_their_field(
    door: Door, a_connector: AConnector, engine: Engine, given: Any, field: str
) -> None:
    made = a_connector()
    before = profile(engine, made)
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sends("/settings/profile", status=422, profile=json.dumps(given)).text
    assert "Nothing was saved." in page
    assert field in page
    assert profile(engine, made) == before


def test_what_somebody_else_saved_meanwhile_is_not_undone(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    ana, ben = (a_looker(door, made.tenant_id, made.id, name=name) for name in ("Ana", "Ben"))
    seen = ana.seen()
    told = profile(engine, made).model_dump(mode="json")
    ben.sends("/settings/storefronts", root_1="17")
    theirs = profile(engine, made)
    written = json.dumps(told | {"product_url": "long"})
    for form, fields in (("switches", SWITCHES), ("storefronts", {"root_2": "all"}), ("profile", {"profile": written})):
        page = ana.sends(f"/settings/{form}", status=409, seen=seen, **fields).text
        assert "Nothing was saved: somebody has changed the settings" in page
        assert 'value="17" selected' in page, "what is there now"
        assert (escape(written) in page) == (form == "profile"), "and what would be lost otherwise"
        ana.sends(f"/settings/{form}", status=409, seen="", **fields)
    assert profile(engine, made) == theirs
    assert deeds(engine, made) == [("Ben (pages)", "profile_changed")]
    wrong = ana.sends("/settings/switches", status=422, seen=seen, **{**SWITCHES, "brake": "x"}).text
    assert f'name="seen" value="{seen}"' in wrong, "it is not newer for being wrong"
    ana.sends("/settings/switches", **SWITCHES)
    assert profile(engine, made).storefronts == theirs.storefronts


def test_of_two_who_save_at_once_one_is_told(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    seen, before = a_looker(door, made.tenant_id, made.id).seen(), profile(engine, made)
    with ThreadPoolExecutor(4) as several:
        saved = list(several.map(lambda share: commands.change_profile(
            door.desk, made.tenant_id, made.id, before.model_copy(update={"brake": share}), who="x", seen=seen,
        ), (0.1, 0.2, 0.4, 0.5)))  # fmt: skip
    assert sorted(saved) == [False, False, False, True]
    assert len(deeds(engine, made)) == 1


def test_one_item_is_synchronised(door: Door, a_connector: AConnector, a_row: ARow, engine: Engine) -> None:
    made = a_connector()
    a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=7, cells={"REF": "A"},
          raw_hash="x", due=False, gone=False)  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    place = looker.sends("/items/product/7/synchronise").headers["location"]
    assert place.startswith(f"/connectors/{made.id}/items/product/7?said=synchronising.")
    with as_tenant(engine, made.tenant_id) as session:
        assert session.scalar(text("SELECT due FROM source_item"))
        assert runs.queued(session, made.id) is not None
    looker.sends("/items/product/8/synchronise", status=404)
    looker.sends("/items/brick/7/synchronise", status=422)


def test_failed_items_are_retried_by_cause(door: Door, a_connector: AConnector, a_row: ARow, engine: Engine) -> None:
    made = a_connector()
    run_id = a_row(made.tenant_id, "run", connector_id=made.id, state="completed_with_errors", trigger="request")
    for source_id, code in ((7, "name_taken"), (8, "refused_by_store")):
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=source_id, cells={},
              raw_hash="x", due=False, gone=False)  # fmt: skip
        a_row(made.tenant_id, "item_status", connector_id=made.id, kind="product", source_id=source_id,
              storefront_id=0, run_id=run_id, outcome="failed", code=code, message="no")  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    page = looker.sees(f"/runs/{run_id}")
    assert "Retry all that failed" in page
    assert page.count("Retry this one") == 2
    looker.sends("/retry", code="name_taken")
    with as_tenant(engine, made.tenant_id) as session:
        due = session.scalars(text("SELECT source_id FROM source_item WHERE due")).all()
    assert list(due) == [7]
    assert "No item of" in looker.sends("/retry", status=409, code="unheard_of").text


def test_validating_is_for_who_may_only_look_too(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id, may="read")
    page = looker.sends("/settings/validate", status=200).text
    assert "Check the store hash" in page or "check the address" in page.casefold() or "right ones" in page


def test_a_looker_of_one_tenant_reaches_no_other(
    door: Door, a_connector: AConnector, a_row: ARow, engine: Engine
) -> None:
    made, theirs = a_connector(), a_connector("theirs", tenant="other")
    run_id = a_row(theirs.tenant_id, "run", connector_id=theirs.id, state="queued", trigger="request")
    a_row(theirs.tenant_id, "source_item", connector_id=theirs.id, kind="product", source_id=7, cells={},
          raw_hash="x", due=False, gone=False)  # fmt: skip
    looker = a_looker(door, made.tenant_id, made.id)
    for place in (f"/runs/{run_id}", f"/runs/{run_id}/now", f"/runs/{run_id}/live", "/items/product/7"):
        looker.sees(place, status=404)
    looker.sends("/items/product/7/synchronise", status=404)
    beyond = Looker(looker.client, f"/connectors/{theirs.id}", "")
    token = looker.token()
    for act in ACTS:
        beyond.sends(f"/{act}", status=403, token=token)
    assert deeds(engine, theirs) == []
    assert runs_of(engine, theirs) == 1
