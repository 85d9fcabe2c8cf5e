"""Who may come in: API keys, their scopes, and in whose name an operator acts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, cast

import pytest
from fakeredis import FakeRedis, FakeServer
from fastapi import FastAPI
from sqlalchemy import Engine, text

from api import counting
from models.vocabulary import Scope
from tests.visitors import Door, Visitor, a_door
from worker.commands import desk
from worker.ledger import api_keys
from worker.ledger.session import as_scheduler, as_tenant

AConnector = Callable[..., Any]


@pytest.mark.parametrize("given", [None, "Basic YTpi", "Bearer", "Bearer nonsense", "Bearer slbc_0123_abc"])
def test_without_a_key_that_opens_anything_nobody_comes_in(door: Door, given: str | None) -> None:
    nobody = Visitor(door.client, {} if given is None else {"Authorization": given})
    answer = nobody.asks("GET", "/v1/connectors", status=401)
    assert answer.json()["code"] == "key_refused"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_is_kept_as_a_hash_and_shown_once(engine: Engine, a_tenant: Callable[[str], int]) -> None:
    with as_scheduler(engine) as session:
        key, written = api_keys.add(session, tenant_id=a_tenant("acme"), name="backend", scope=Scope.READ)
        kept = session.scalar(text("SELECT api_key::text FROM api_key"))
        assert key.id in kept
        assert written.rpartition("_")[2] not in kept
        assert api_keys.recognise(session, written[:-1] + ("A" if written[-1] != "A" else "B")) is None
        found = api_keys.recognise(session, written)
    assert found is not None
    assert (found.id, found.scope, found.last_used_at) == (key.id, Scope.READ, None)


def test_a_revoked_key_and_an_expired_one_open_nothing(
    door: Door, engine: Engine, a_tenant: Callable[[str], int]
) -> None:
    tenant_id = a_tenant("acme")
    visitor = door.reader(tenant_id)
    visitor.reads("/v1/connectors")
    with as_tenant(engine, tenant_id) as session:
        [key] = api_keys.listed(session, tenant_id=tenant_id)
        assert key.last_used_at is not None
        replaced = api_keys.rotate(session, key.id, tenant_id=tenant_id, overlap=60)
    assert replaced is not None
    visitor.reads("/v1/connectors")  # both open while they overlap
    Visitor(door.client, {"Authorization": f"Bearer {replaced[1]}"}).reads("/v1/connectors")
    with as_tenant(engine, tenant_id) as session:
        session.execute(text("UPDATE api_key SET expires_at = now() WHERE id = :id"), {"id": key.id})
        assert api_keys.rotate(session, key.id, tenant_id=tenant_id, overlap=60) is None
        assert api_keys.revoke(session, replaced[0].id, tenant_id=tenant_id)
    visitor.asks("GET", "/v1/connectors", status=401)
    Visitor(door.client, {"Authorization": f"Bearer {replaced[1]}"}).asks("GET", "/v1/connectors", status=401)


def test_a_key_opens_what_its_scope_says(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    path = f"/v1/connectors/{made.id}"
    assert door.reader(made.tenant_id).reads(path)["id"] == made.id
    assert door.reader(made.tenant_id).posts(f"{path}/runs", status=403)["code"] == "not_allowed"
    assert door.writer(made.tenant_id).posts(f"{path}/runs", status=202)["folded"] is False
    assert door.operator().asks("GET", path, status=403).json()["code"] == "no_tenant"
    assert door.operator(acting_for="acme").reads(path)["id"] == made.id
    assert door.operator(acting_for="nobody").asks("GET", path, status=404).json()["code"] == "unknown"
    # A tenant's key acts for its own tenant, whatever else it says.
    stranger = door.with_key(Scope.WRITE, a_connector("other", tenant="other").tenant_id)
    Visitor(door.client, stranger.headers | {"X-Tenant": "acme"}).asks("GET", path, status=404)


def test_a_key_that_asks_too_often_is_told_when_to_come_again(
    database_url: str, key_ring: str, a_connector: AConnector
) -> None:
    made = a_connector()
    with a_door(database_url, key_ring, api_calls_per_minute=3) as door:
        visitor, other = door.reader(made.tenant_id), door.reader(made.tenant_id)
        answers = [visitor.client.get("/v1/connectors", headers=visitor.headers) for _ in range(8)]
        refused = [one for one in answers if one.status_code == 429]
        assert len(refused) >= 2  # the minute may turn once in between
        assert 0 < int(refused[0].headers["retry-after"]) <= 60
        other.reads("/v1/connectors")


def test_a_redis_that_does_not_answer_is_left_in_peace_for_a_while(
    door: Door, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "WAIT_FOR_REDIS", 0.2)
    visitor = door.reader(a_connector().tenant_id)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        silent.setblocking(False)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        del door.desk.__dict__["broker"]
        door.desk.settings = door.desk.settings.model_copy(update={"redis_url": url})
        for _ in range(5):
            visitor.reads("/v1/connectors")
        assert came(silent) == 1


def came(listening: socket.socket) -> int:
    """How often somebody has connected."""
    found = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def test_calls_are_counted_again_once_redis_is_back(door: Door, a_connector: AConnector) -> None:
    redis, now = FakeServer(), [1000.0]
    door.desk.__dict__["broker"] = FakeRedis(server=redis)
    app = cast("FastAPI", door.client.app)
    app.state.counting = counting.Counting(clock=lambda: now[0])
    visitor = door.reader(a_connector().tenant_id)

    def counted() -> int:
        redis.connected = True
        return sum(int(one or 0) for one in (door.desk.broker.get(key) for key in door.desk.broker.keys("door:*")))

    redis.connected = False
    visitor.reads("/v1/connectors")
    assert counted() == 0
    visitor.reads("/v1/connectors")
    assert counted() == 0, "it is not asked yet"
    now[0] += counting.REST_SECONDS + 1
    for number in (1, 2, 3):
        visitor.reads("/v1/connectors")
        assert counted() == number
