"""Who may look: links, cookies, and what keeps everybody else out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from itsdangerous import TimestampSigner

from api.pages.signing import NotOurs, Seals, View
from models.vocabulary import Scope
from tests.builders import RING
from tests.lookers import Looker, a_looker, fresh, opened
from tests.visitors import Door, a_door
from worker.ledger.vault import Vault

AConnector = Callable[..., Any]
OTHER_KEY = "k0:" + "B" * 43 + "="


def test_a_link_opens_the_pages_of_one_connector(door: Door, a_connector: AConnector) -> None:
    made, beside = a_connector(), a_connector("second")
    link = door.writer(made.tenant_id).posts(f"/v1/connectors/{made.id}/view-link", {"name": "Ana", "may": "write"})
    assert link["url"].startswith(f"http://127.0.0.1:8000/connectors/{made.id}/open?key=")
    client = fresh(door)
    answer = client.get(link["url"].removeprefix("http://127.0.0.1:8000"), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/connectors/{made.id}")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("slbc_view=")
    assert attributes == ["Max-Age=28800", f"Path=/connectors/{made.id}", "HttpOnly", "SameSite=Lax"]
    assert "Activity Register" in client.get(f"/connectors/{made.id}").text
    assert client.get(f"/connectors/{beside.id}").status_code == 403
    # Not by its path alone: the same cookie, shown at another connector, opens nothing.
    shown = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert fresh(door).get(f"/connectors/{made.id}", headers=shown).status_code == 200
    for path in (f"/connectors/{beside.id}", f"/connectors/{beside.id}/items", "/overview"):
        assert fresh(door).get(path, headers=shown).status_code == 403


def test_without_a_link_nothing_is_shown(door: Door, a_connector: AConnector) -> None:
    made, client = a_connector(), fresh(door)
    for path in ("", "/runs/1", "/runs/1/live", "/runs/1/now", "/items", "/items.csv", "/items/product/1", "/settings"):
        answer = client.get(f"/connectors/{made.id}{path}")
        assert answer.status_code == 403, path
        assert "needs a fresh link" in answer.text or "need a fresh link" in answer.text
    assert client.get("/overview").status_code == 403


@pytest.mark.parametrize("spoilt", ["", "x", "eyJuIjoiQW5hIn0.aaaa.bbbb"])
def test_a_link_that_is_not_ours_is_refused_on_a_plain_page(door: Door, a_connector: AConnector, spoilt: str) -> None:
    made = a_connector()
    answer = fresh(door).get(f"/connectors/{made.id}/open", params={"key": spoilt}, follow_redirects=False)
    assert answer.status_code == 403
    assert "This link has expired, or is not whole." in answer.text
    assert "set-cookie" not in answer.headers


def test_one_letter_changed_makes_another_link(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    key = a_looker(door, made.tenant_id, made.id).link.rpartition("key=")[2]
    for place in (0, len(key) // 2, len(key) - 2):
        changed = key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]
        assert fresh(door).get(f"/connectors/{made.id}/open?key={changed}").status_code == 403


def test_links_and_views_end(door: Door, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    looker.sees()
    now = time.time()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: int(now + 301))
    assert fresh(door).get(looker.link.removeprefix("http://127.0.0.1:8000")).status_code == 403
    looker.sees()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: int(now + 28_802))
    assert "This view has expired" in looker.sees(status=403)


def test_a_cookie_is_no_link_and_a_link_no_cookie() -> None:
    seals = Seals(Vault.from_ring(RING))
    view = View("Ana", "write", 1, 7)
    assert seals.opened(seals.link(view), within=10) == view
    assert seals.seen(seals.ticket(view), within=10) == view
    with pytest.raises(NotOurs):
        seals.seen(seals.link(view), within=10)
    with pytest.raises(NotOurs):
        seals.opened(seals.ticket(view), within=10)


def test_links_outlive_the_turning_of_the_ring() -> None:
    view = View("Ana", "read", 1, 7)
    before, turned, after = (Seals(Vault.from_ring(ring)) for ring in (RING, f"{OTHER_KEY},{RING}", OTHER_KEY))
    assert turned.opened(before.link(view), within=10) == view
    assert after.opened(turned.link(view), within=10) == view, "the first key signs"
    with pytest.raises(NotOurs):
        after.opened(before.link(view), within=10)


def test_who_may_only_read_hands_out_no_more(door: Door, a_connector: AConnector) -> None:
    made, theirs = a_connector(), a_connector("theirs", tenant="other")
    path = f"/v1/connectors/{made.id}/view-link"
    reader = door.reader(made.tenant_id)
    assert reader.posts(path, {"name": "Ana", "may": "write"}, status=403)["code"] == "not_allowed"
    assert "open?key=" in reader.posts(path, {"name": "Ana"})["url"]
    writer = door.writer(made.tenant_id)
    assert writer.posts(f"/v1/connectors/{theirs.id}/view-link", {"name": "Ana"}, status=404)["code"] == "unknown"
    assert writer.posts("/v1/view-link", {"name": "Ana"}, status=403)["code"] == "not_allowed"
    for wrong in ({}, {"name": ""}, {"name": "a\nb"}, {"name": "Ana", "may": "all"}, {"name": "Ana", "more": 1}):
        assert writer.posts(path, wrong, status=422)["code"] == "not_valid"


def test_an_operator_sees_all_and_goes_into_each(door: Door, a_connector: AConnector) -> None:
    made, theirs = a_connector("first"), a_connector("second", tenant="other")
    operator = door.with_key(Scope.OPERATOR, name="ops")
    looker = opened(door, operator.posts("/v1/view-link", {"name": "Olu", "may": "write"})["url"])
    page = looker.sees()
    assert ">first<" in page
    assert ">second<" in page
    assert ">first<" not in looker.sees("?q=SECO")
    for one in (made, theirs):
        inside = Looker(looker.client, f"/connectors/{one.id}", "")
        assert "All connectors" in inside.sees()
        inside.sends("/request")
    assert looker.client.get("/connectors/999999").status_code == 404
    assert "A run waits for its turn." in looker.sees("?only=running")
    assert "No connector is like that" in looker.sees("?only=act")


def test_a_tenants_view_does_not_open_the_overview(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    assert looker.client.get("/overview").status_code == 403


def test_in_a_frame_the_cookie_is_the_frames_own(database_url: str, key_ring: str, a_connector: AConnector) -> None:
    made = a_connector()
    settings = {
        "public_url": "https://sync.example.com/shop",
        "frame_origins": "https://app.example.com https://b.example.com; script-src *",
    }
    with a_door(database_url, key_ring, **settings) as door:
        visitor = door.writer(made.tenant_id)
        url = visitor.posts(f"/v1/connectors/{made.id}/view-link", {"name": "Ana", "may": "write"})["url"]
        assert url.startswith(f"https://sync.example.com/shop/connectors/{made.id}/open?key=")
        client = fresh(door)
        answer = client.get(url.removeprefix("https://sync.example.com/shop"), follow_redirects=False)
        assert answer.headers["location"] == f"/shop/connectors/{made.id}"
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert attributes[1:] == [
            f"Path=/shop/connectors/{made.id}",
            "HttpOnly",
            "Secure",
            "SameSite=None",
            "Partitioned",
        ]
        page = client.get(f"/connectors/{made.id}", headers={"cookie": cookie})
        assert f'href="/shop/connectors/{made.id}/items"' in page.text
        policy = page.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors https://app.example.com")
        assert "x-frame-options" not in page.headers


def test_without_a_key_ring_it_says_whose_affair_that_is(database_url: str, a_connector: AConnector) -> None:
    made = a_connector()
    with a_door(database_url, "") as door:
        answer = fresh(door).get(f"/connectors/{made.id}")
        assert answer.status_code == 503
        assert "its operator has to look at its keys" in answer.text


def test_a_connector_that_is_gone_is_not_found(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    looker = a_looker(door, made.tenant_id, made.id)
    door.writer(made.tenant_id).asks("DELETE", f"/v1/connectors/{made.id}", status=204)
    for place in ("", "/items", "/settings", "/runs/1", "/items/product/1"):
        looker.sees(place, status=404)
