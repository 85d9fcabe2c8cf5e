"""Tenants, keys and the overview by way of the HTTP API, and keys at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.operators import Operator
from tests.visitors import Door, Visitor

AConnector = Callable[..., Any]


def test_an_operator_adds_a_tenant_and_its_first_key(door: Door) -> None:
    ops = door.operator()
    made = ops.asks("POST", "/v1/tenants", status=201, json={"name": "acme", "weight": 2, "time_zone": "Europe/Madrid"})
    tenant = made.json()
    assert made.headers["location"] == f"/v1/tenants/{tenant['id']}"
    assert tenant == {
        "id": tenant["id"], "name": "acme", "weight": 2.0, "max_slots": None, "connectors": 0,
        "time_zone": "Europe/Madrid",
    }  # fmt: skip
    assert ops.posts("/v1/tenants", {"name": "acme"}, status=409)["code"] == "taken"
    acting = Visitor(door.client, ops.headers | {"X-Tenant": "acme"})
    key = acting.posts("/v1/keys", {"name": "backend", "scope": "write"}, status=201)
    backend = Visitor(door.client, {"Authorization": f"Bearer {key['token']}"})
    assert backend.reads("/v1/connectors") == {"connectors": []}
    assert [one["name"] for one in backend.reads("/v1/keys")["keys"]] == ["backend"]
    assert key["token"] not in json.dumps(backend.reads("/v1/keys"))


def test_what_is_not_given_of_a_plan_stays(door: Door, a_connector: AConnector) -> None:
    ops, path = door.operator(), f"/v1/tenants/{a_connector(weight=3.0, max_slots=2).tenant_id}"
    assert ops.asks("PATCH", path, json={"weight": 4}).json()["max_slots"] == 2
    changed = ops.asks("PATCH", path, json={"max_slots": None, "time_zone": "America/New_York"}).json()
    assert (changed["weight"], changed["max_slots"], changed["time_zone"]) == (4.0, None, "America/New_York")
    assert ops.reads(path) == changed
    for wrong, field in (
        ({"weight": 0}, "weight"),
        ({"max_slots": 0}, "max_slots"),
        ({"time_zone": "Mars"}, "time_zone"),
    ):
        told = ops.asks("PATCH", path, json=wrong, status=422).json()
        assert [one["field"] for one in told["errors"]] == [f"body.{field}"]
    ops.asks("PATCH", "/v1/tenants/999", json={}, status=404)


def test_tenants_and_the_overview_are_listed_page_by_page(door: Door, a_connector: AConnector) -> None:
    made = [a_connector(f"c{n}", tenant=f"t{n}").id for n in range(5)]
    ops = door.operator()
    for path, what, name, wanted in (
        ("/v1/tenants", "tenants", "name", [f"t{n}" for n in range(5)]),
        ("/v1/overview", "connectors", "id", made),
    ):
        seen, after = [], None
        while True:
            page = ops.reads(path, params={"limit": 2} | ({"after": after} if after else {}))
            seen += [one[name] for one in page[what]]
            after = page["next"]
            if after is None:
                break
        assert seen == wanted
    line = ops.reads("/v1/overview")["connectors"][0]
    assert (line["tenant"], line["connector"], line["turn"], line["enabled"]) == ("t0", "c0", "parked", True)


def test_tenants_of_long_names_in_any_script_are_listed_page_by_page(door: Door) -> None:
    names = [letter * 98 + str(n) for letter in ("é", "株", "\U0001f600", '"') for n in (1, 2)]
    ops, seen, after = door.operator(), set[str](), None
    for name in names:
        ops.posts("/v1/tenants", {"name": name}, status=201)
    for _ in names:
        page = ops.reads("/v1/tenants", params={"limit": 1} | ({"after": after} if after else {}))
        seen |= {one["name"] for one in page["tenants"]}
        after = page["next"]
    assert (seen, after) == (set(names), None)


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/operator-keys"])
def test_keys_are_rotated_with_an_overlap_and_revoked(door: Door, a_tenant: Callable[[str], int], path: str) -> None:
    a_tenant("acme")
    visitor = door.operator(acting_for="acme")
    key = visitor.posts(path, {"name": "k"} | ({"scope": "read"} if path == "/v1/keys" else {}), status=201)
    holder = Visitor(door.client, {"Authorization": f"Bearer {key['token']}"})
    asked = "/v1/connectors" if path == "/v1/keys" else "/v1/tenants"
    holder.reads(asked)
    new = visitor.posts(f"{path}/{key['id']}/rotate", {"overlap": 60}, status=201)
    assert (new["name"], new["scope"], new["id"] != key["id"]) == (key["name"], key["scope"], True)
    holder.reads(asked)
    expires = {one["id"]: one["expires"] for one in visitor.reads(path)["keys"]}
    assert expires[key["id"]] is not None
    assert expires[new["id"]] is None
    visitor.posts(f"{path}/{new['id']}/rotate", {"overlap": 0}, status=201)
    Visitor(door.client, {"Authorization": f"Bearer {new['token']}"}).asks("GET", asked, status=401)
    visitor.asks("DELETE", f"{path}/{key['id']}", status=204)
    holder.asks("GET", asked, status=401)
    assert visitor.asks("DELETE", f"{path}/{key['id']}", status=404).json()["code"] == "unknown"
    assert visitor.posts(f"{path}/{key['id']}/rotate", status=404)["code"] == "unknown"


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/operator-keys"])
def test_what_follows_a_key_that_expires_does_so_on_the_same_day(
    door: Door, a_tenant: Callable[[str], int], path: str
) -> None:
    a_tenant("acme")
    visitor = door.operator(acting_for="acme")
    asked = {"name": "k", "expires_in": 86_400} | ({"scope": "read"} if path == "/v1/keys" else {})
    key = visitor.posts(path, asked, status=201)
    assert key["expires"] is not None
    new = visitor.posts(f"{path}/{key['id']}/rotate", {"overlap": 60}, status=201)
    assert new["expires"] == key["expires"]
    again = visitor.posts(f"{path}/{new['id']}/rotate", {"overlap": 60}, status=201)
    assert again["expires"] == key["expires"]


def test_a_tenants_key_opens_no_more_than_a_tenants(door: Door, a_tenant: Callable[[str], int]) -> None:
    told = door.writer(a_tenant("acme")).posts("/v1/keys", {"name": "k", "scope": "operator"}, status=422)
    assert [one["field"] for one in told["errors"]] == ["body.scope"]


def test_the_first_operators_key_comes_from_the_command_line(door: Door, operator: Operator) -> None:
    told = operator.says("key", "add", "ops", "--operator")
    ops = Visitor(door.client, {"Authorization": f"Bearer {told.stdout.strip()}"})
    assert ops.reads("/v1/tenants") == {"tenants": [], "next": None}
    operator.says("tenant", "add", "acme")
    key = operator.reads("key", "add", "reader", "--tenant", "acme", "--scope", "read", "--days", "1", shape="key add")
    reader = Visitor(door.client, {"Authorization": f"Bearer {key['token']}"})
    reader.reads("/v1/connectors")
    [line] = operator.reads("key", "list", "--tenant", "acme", shape="key list")["keys"]
    assert (line["id"], line["scope"], line["last_used"] is None) == (key["id"], "read", False)
    new = operator.reads("key", "rotate", key["id"], "--tenant", "acme", "--overlap", "0", shape="key add")
    reader.asks("GET", "/v1/connectors", status=401)
    operator.says("key", "revoke", new["id"], "--tenant", "acme")
    Visitor(door.client, {"Authorization": f"Bearer {new['token']}"}).asks("GET", "/v1/connectors", status=401)
    for wrong in (("add", "x"), ("add", "x", "--operator", "--tenant", "acme"), ("revoke", "0" * 16, "--operator"),
                  ("add", "x", "--tenant", "acme", "--scope", "operator")):  # fmt: skip
        operator.says("key", *wrong, code=2)
