"""Somebody at the HTTP door, with an API key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fakeredis
import httpx2 as httpx
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import build
from models.vocabulary import Scope
from sandbox.bigcommerce.core import Sandbox as Stores
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.saleslayer.sandbox import Sandbox as Sources
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from tests.patient import patient_engine
from worker.commands.desk import Desk
from worker.ledger import api_keys
from worker.ledger.session import as_scheduler
from worker.ledger.turns import Dispatched
from worker.meet import meet
from worker.settings import Settings

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who asks with one key."""

    client: TestClient
    headers: dict[str, str]

    def asks(self, method: str, path: str, *, status: int = 200, **given: Any) -> httpx.Response:
        """The answer, once it is sure that its status is right, and a problem where it is one."""
        headers = self.headers | given.pop("headers", {})
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **given)
        assert answer.status_code == status, (answer.status_code, answer.text)
        if status >= 400:
            assert answer.headers["content-type"] == PROBLEM
            assert answer.json()["status"] == status
        return answer

    def reads(self, path: str, **given: Any) -> Any:
        """The JSON that is there."""
        return self.asks("GET", path, **given).json()

    def posts(self, path: str, body: Any = None, *, status: int = 200, **given: Any) -> Any:
        """The JSON that comes back, None where nothing does."""
        answer = self.asks("POST", path, status=status, json=body, **given)
        return answer.json() if answer.content else None


@dataclass(slots=True)
class Door:
    """The application on a real Postgres, with the sandbox as neighbours."""

    desk: Desk
    client: TestClient
    published: list[Dispatched]
    stores: Stores
    sources: Sources

    def with_key(self, scope: Scope, tenant_id: int | None = None, name: str = "backend") -> Visitor:
        """Somebody with a new key."""
        with as_scheduler(self.desk.engine) as session:
            _, written = api_keys.add(session, tenant_id=tenant_id, name=name, scope=scope)
        return Visitor(self.client, {"Authorization": f"Bearer {written}"})

    def writer(self, tenant_id: int, name: str = "backend") -> Visitor:
        """Somebody who may change what the tenant has."""
        return self.with_key(Scope.WRITE, tenant_id, name)

    def reader(self, tenant_id: int) -> Visitor:
        """Somebody who may look at what the tenant has."""
        return self.with_key(Scope.READ, tenant_id)

    def operator(self, *, acting_for: str | None = None) -> Visitor:
        """An operator, in the name of a tenant."""
        visitor = self.with_key(Scope.OPERATOR, name="ops")
        return Visitor(self.client, visitor.headers | ({"X-Tenant": acting_for} if acting_for else {}))


@contextmanager
def a_door(database_url: str, key_ring: str, **settings: Any) -> Iterator[Door]:
    """The application, until its connections are given back."""
    chosen = Settings(
        database_url=database_url, credential_keys=SecretStr(key_ring), redis_url="redis://127.0.0.1:1/0", **settings
    )
    published: list[Dispatched] = []
    stores, sources, broker = Stores(opens_stores=False), Sources(), fakeredis.FakeRedis()
    meeting: Callable[..., Any] = lambda chosen, vault, redis: meet(  # noqa: E731
        chosen,
        vault,
        redis,
        source_transport=SourceTransport(sources),
        store_transport=StoreTransport(stores),
        sleep=lambda _seconds: None,
    )
    desk = Desk(chosen, published.append, meeting, connections=patient_engine(database_url, pool=4))
    desk.__dict__["broker"] = broker
    with TestClient(build(desk), raise_server_exceptions=False) as client:
        yield Door(desk, client, published, stores, sources)
