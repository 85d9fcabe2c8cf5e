"""A neighbour that does not answer holds a few requests up, and the rest of the door stays open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio.to_thread
import httpx2 as httpx
import pytest

from api import places
from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from tests.lookers import a_looker
from tests.visitors import Door
from worker.commands.desk import WAIT_FOR_NEIGHBOURS
from worker.meet import meet

AConnector = Callable[..., Any]
SECONDS = 60.0
"""What a machine that stands still for a while needs at most."""


@dataclass(slots=True)
class Silence:
    """Stores that answer nobody before it is over."""

    door: Door
    asking: ThreadPoolExecutor
    is_over: threading.Event = field(default_factory=threading.Event)
    waited: list[float] = field(default_factory=list)

    def hold(self, seconds: float) -> None:
        """Let who asks wait."""
        self.waited.append(seconds)
        self.is_over.wait(SECONDS)

    def of(self, store_hash: str) -> None:
        """Let this store answer nobody."""
        self.door.stores.open(store_hash, "canary-store-token", plan="Enterprise")
        self.door.stores.store(store_hash).faults.add(Fault("slow", seconds=600))

    def asks(self, ask: Callable[[], httpx.Response], holding: int) -> Future[httpx.Response]:
        """The answer to come; so many wait for a neighbour by then."""
        answer = self.asking.submit(ask)
        until = time.monotonic() + SECONDS
        while len(self.waited) < holding:
            assert time.monotonic() < until, "it does not wait for a neighbour"
            time.sleep(0.02)
        return answer


@pytest.fixture
def silence(door: Door) -> Iterator[Silence]:
    """Stores of the door that do not answer, until the test is over."""
    with ThreadPoolExecutor(8) as asking:
        found = Silence(door, asking)
        door.desk.meeting = partial(
            meet,
            source_transport=SourceTransport(door.sources, sleep=found.hold),
            store_transport=StoreTransport(door.stores, sleep=found.hold),
            sleep=lambda _seconds: None,
        )
        yield found
        found.is_over.set()


def test_a_tenant_waits_for_its_neighbours_in_few_requests(
    door: Door, silence: Silence, a_connector: AConnector
) -> None:
    made, other = a_connector(store_hash="one"), a_connector("other", tenant="other", store_hash="two")
    visitor, stranger = door.reader(made.tenant_id), door.reader(other.tenant_id)
    looker, path = a_looker(door, made.tenant_id, made.id), f"/v1/connectors/{made.id}"
    token, seen = looker.token(), looker.seen()  # their page asks the store too: now, while nobody waits for it
    for store_hash in ("one", "two"):
        silence.of(store_hash)
    held = [
        silence.asks(lambda: door.client.get(f"{path}/storefronts", headers=visitor.headers), holding=number)
        for number in range(1, places.ASKING_OF_ONE + 1)
    ]
    for method, place in (("GET", "storefronts"), ("POST", "validate")):
        told = visitor.asks(method, f"{path}/{place}", status=503)
        assert told.json()["code"] == "unavailable"
        assert int(told.headers["retry-after"]) > 0
    assert places.ASKING_SAYS in looker.sends("/settings/validate", status=503, token=token, seen=seen).text
    assert visitor.reads(path)["id"] == made.id
    theirs = f"/v1/connectors/{other.id}/storefronts"
    held.append(
        silence.asks(lambda: door.client.get(theirs, headers=stranger.headers), holding=places.ASKING_OF_ONE + 1)
    )
    silence.is_over.set()
    assert {answer.result(SECONDS).status_code for answer in held} == {502}
    # Somebody waits: no call takes as long as a slice's may.
    assert max(silence.waited) <= WAIT_FOR_NEIGHBOURS < door.desk.settings.call_timeout_seconds
    visitor.asks("GET", f"{path}/storefronts", status=502)  # its places are free again


def test_a_process_is_ready_while_requests_hold_its_threads(
    door: Door, silence: Silence, a_connector: AConnector
) -> None:
    made = a_connector(store_hash="one")
    silence.of("one")
    visitor = door.reader(made.tenant_id)
    path = f"/v1/connectors/{made.id}/storefronts"
    held = silence.asks(lambda: door.client.get(path, headers=visitor.headers), holding=1)

    async def one_thread() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1

    portal = door.client.portal
    assert portal is not None
    portal.call(one_thread)
    for health in ("/livez", "/readyz"):
        assert silence.asking.submit(door.client.get, health).result(SECONDS / 2).status_code == 200
    assert not held.done()
