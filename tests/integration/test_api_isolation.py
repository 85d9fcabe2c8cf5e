"""Every operation, tried with what belongs to another tenant, and by each scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from api.app import build
from api.routes import events
from models.vocabulary import Scope
from tests.furnished import Furnished, everything, furnish
from tests.visitors import PROBLEM, Door, Visitor
from worker.commands.desk import Desk
from worker.ledger.vault import Vault
from worker.settings import Settings


def _nowhere(*_: Any) -> Any:
    raise AssertionError


FILE = {"name": "new-shop", "source": {"code": "CN1", "secret": "s"}, "store": {"hash": "abc", "access_token": "t"}}
BODIES: dict[str, Any] = {
    "POST /v1/tenants": {"name": "newcomer"},
    "PATCH /v1/tenants/{tenant_id}": {"weight": 2.0},
    "POST /v1/operator-keys": {"name": "new"},
    "POST /v1/operator-keys/{key_id}/rotate": {"overlap": 60},
    "POST /v1/keys": {"name": "new", "scope": "read"},
    "POST /v1/keys/{key_id}/rotate": {"overlap": 60},
    "POST /v1/connectors": FILE,
    "PUT /v1/connectors/{connector_id}/profile": {"check_every_seconds": 60},
    "PUT /v1/connectors/{connector_id}/credentials": {"source": {"code": "CN2", "secret": "x"}},
    "POST /v1/connectors/{connector_id}/disable": {"reason": "by a stranger"},
    "POST /v1/connectors/{connector_id}/runs": {"refresh": True},
    "POST /v1/connectors/{connector_id}/retry": {},
    **{f"POST /v1/connectors/{{connector_id}}/{verb}": {} for verb in ("approve", "pause", "resume", "cancel")},
    "POST /v1/connectors/{connector_id}/view-link": {"name": "a stranger"},
    "POST /v1/view-link": {"name": "an operator"},
    "POST /v1/webhooks": {"url": "https://mine.example.com/"},
    "PUT /v1/webhooks/{webhook_id}": {"url": "https://mine.example.com/"},
    "POST /v1/webhooks/{webhook_id}/rotate-secret": {},
}
"""What is sent; an operation with a body that does not stand here fails the test."""
ASKED: dict[str, Any] = {
    "GET /v1/connectors/{connector_id}/runs/{run_id}/planned": {"kind": "product", "action": "disable"}
}
"""What the address must say besides."""
OPERATORS = {"/v1/view-link", "/v1/tenants", "/v1/tenants/{tenant_id}", "/v1/overview", "/v1/operator-keys"} | {
    "/v1/operator-keys/{key_id}/rotate",
    "/v1/operator-keys/{key_id}",
}
FOR_ALL = {"/livez", "/readyz", "/v1/profile-schema"}
READING_POSTS = {"/v1/connectors/{connector_id}/validate", "/v1/connectors/{connector_id}/view-link"}
"""They write nothing."""
PLACES = {"tenant_id", "connector_id", "run_id", "key_id", "kind", "source_id", "webhook_id", "delivery_id"}


def operations() -> list[Any]:
    document = build(Desk(Settings(), _nowhere, _nowhere)).openapi()
    return [
        pytest.param(method.upper(), path, operation, id=f"{method.upper()} {path}")
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


@pytest.fixture
def mine(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int], vault: Vault) -> Furnished:
    return furnish(engine, a_connector, a_row, vault, tenant="mine")


@pytest.fixture
def theirs(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int], vault: Vault) -> Furnished:
    return furnish(engine, a_connector, a_row, vault, tenant="theirs")


def ask(visitor: Visitor, method: str, path: str, operation: dict[str, Any], ids: dict[str, Any]) -> Any:
    """The answer of the operation, asked with these ids."""
    named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
    assert named <= PLACES, "a place in the path that this test does not know: teach it which is another tenant's"
    body = None
    if "requestBody" in operation:
        assert f"{method} {path}" in BODIES, "an operation whose body this test does not know: teach it"
        body = BODIES[f"{method} {path}"]
    asked = ASKED.get(f"{method} {path}")
    return visitor.client.request(method, path.format(**ids), headers=visitor.headers, json=body, params=asked)


@pytest.fixture(autouse=True)
def _not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.0)


def test_nobody_comes_at_what_is_another_tenants(
    door: Door, engine: Engine, mine: Furnished, theirs: Furnished
) -> None:
    before = everything(engine, theirs.tenant_id)
    strangers = {scope: door.with_key(scope, mine.tenant_id) for scope in (Scope.READ, Scope.WRITE)}
    for method, path, operation in (one.values for one in operations()):
        for scope, stranger in strangers.items():
            answer = ask(stranger, method, path, operation, theirs.ids)
            if path in OPERATORS:
                assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
            elif "{" in path:
                may_ask = scope is Scope.WRITE or method == "GET" or path in READING_POSTS
                assert answer.status_code == (404 if may_ask else 403), (method, path, answer.text)
                assert answer.headers["content-type"] == PROBLEM
            # Nobody is told even that it is there.
            assert "theirs" not in answer.text, (method, path)
            assert everything(engine, theirs.tenant_id) == before, (method, path)


def test_anothers_run_is_no_run_of_ones_own_connector(
    door: Door, engine: Engine, mine: Furnished, theirs: Furnished, a_connector: Callable[..., Any]
) -> None:
    before = everything(engine, theirs.tenant_id)
    second = a_connector("second", tenant="mine")
    writer = door.writer(mine.tenant_id)
    asked = [one.values for one in operations() if "{run_id}" in one.values[1]]
    assert asked
    for method, path, operation in asked:
        for ids in ({**mine.ids, "run_id": theirs.run_id}, {**mine.ids, "connector_id": second.id}):
            answer = ask(writer, method, path, operation, ids)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown"), (method, path)
    assert everything(engine, theirs.tenant_id) == before


@pytest.mark.parametrize(("method", "path", "operation"), operations())
def test_a_scope_opens_what_it_says_and_no_more(
    door: Door, engine: Engine, mine: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    nobody = Visitor(door.client, {})
    if path in {"/livez", "/readyz"}:
        assert ask(nobody, method, path, operation, mine.ids).status_code == 200
        return
    assert ask(nobody, method, path, operation, mine.ids).status_code == 401
    # An operator acts in a tenant's name, or for all: never for nobody.
    without = ask(door.operator(), method, path, operation, mine.ids)
    if path not in OPERATORS | FOR_ALL:
        assert (without.status_code, without.json()["code"]) == (403, "no_tenant")
    before = everything(engine, mine.tenant_id)
    reader = ask(door.reader(mine.tenant_id), method, path, operation, mine.ids)
    if path in OPERATORS or (method != "GET" and path not in READING_POSTS):
        assert reader.status_code == 403
        assert reader.json()["code"] == "not_allowed"
        after = everything(engine, mine.tenant_id)
        assert [one for one in after if after[one] != before[one]] == ["api_key"], "the reader's own key, no more"
    else:
        assert reader.status_code not in {401, 403, 404}, reader.text
    # What may be done may be done: the test would else pass for a door that is shut for all.
    by = door.operator() if path in OPERATORS else door.writer(mine.tenant_id)
    allowed = ask(by, method, path, operation, mine.ids)
    assert allowed.status_code not in {401, 403}, allowed.text
