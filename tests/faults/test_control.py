"""Paused, resumed, cancelled: no new call a second after the word, nothing lost, and the books are right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import text

from models.vocabulary import RunState, TurnState
from sandbox.stage.compare import content
from tests.shop import Shop, a_source
from worker.ledger import connectors, register, runs, turns
from worker.ledger.session import Session, as_scheduler, as_tenant
from worker.scheduling import dispatch
from worker.settings import Settings

PRODUCTS = 40


@dataclass(slots=True)
class Watch:
    """Counts the calls to the store, and says a word at the n-th."""

    at: int
    say: Callable[[], None] = lambda: None
    said_at: float | None = None
    calls: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrap(self, inner: httpx.BaseTransport) -> httpx.BaseTransport:
        """The transport, watched."""
        return _Watched(inner, self)

    def call(self) -> None:
        """A call is about to be sent."""
        with self._lock:
            self.calls.append(time.monotonic())
            if len(self.calls) == self.at:
                self.say()
                self.said_at = time.monotonic()

    def late(self) -> list[float]:
        """Calls that began more than a second after the word."""
        assert self.said_at is not None
        return [at for at in self.calls if at > self.said_at + 1.0]


class _Watched(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/stores/"):
            self._watch.call()
        return self._inner.handle_request(request)


def open_shop(config: Settings, latency: float = 0.1) -> Shop:
    source = a_source(products=[(300 + n, [1], f"P{n}", f"Product {n}", "10", "1") for n in range(PRODUCTS)])
    return Shop(config.model_copy(update={"calls_in_flight": 4}), source, store={"latency": latency})


@pytest.fixture
def shop(config: Settings) -> Iterator[Shop]:
    made = open_shop(config)
    made.stage.haste = 1
    yield made
    made.close()


def say(shop: Shop, word: Callable[..., object], run_id: int) -> Callable[[], None]:
    def speak() -> None:
        with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
            word(session, shop.cast.connector_id, run_id)

    return speak


def interrupted(shop: Shop, word: Callable[..., object], *, at: int) -> tuple[int, Watch]:
    """A run in which the word is said at the n-th call to the store, played until nothing moves."""
    watch = Watch(at)
    shop.stage.wrap = watch.wrap
    run_id = shop.stage.request(shop.cast)
    watch.say = say(shop, word, run_id)
    shop.stage.play()
    shop.stage.wrap = lambda transport: transport
    return run_id, watch


def state(shop: Shop, run_id: int) -> RunState:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        run = runs.load(session, run_id)
    assert run is not None
    return run.state


def resume(shop: Shop, run_id: int) -> RunState:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        into = runs.resume(session, run_id)
    dispatch.wake(shop.stage.engine, shop.stage.settings, shop.stage.messages.append, shop.cast.connector_id)
    shop.stage.play()
    return into


@pytest.mark.parametrize(("at", "into"), [(2, RunState.PREPARING), (12, RunState.SYNCHRONIZING)])
def test_a_paused_run_makes_no_call_a_second_later_and_goes_on_where_it_was(
    shop: Shop, at: int, into: RunState
) -> None:
    run_id, watch = interrupted(shop, runs.pause, at=at)
    assert state(shop, run_id) is RunState.PAUSED
    assert watch.late() == []
    assert len(shop.holds["products"]) < PRODUCTS
    assert resume(shop, run_id) is into
    assert state(shop, run_id) is RunState.COMPLETED
    assert len(shop.holds["products"]) == PRODUCTS
    made = shop.calls("^POST /v3/catalog/products$")
    assert len(made) == PRODUCTS, "none was made twice"


def test_a_cancelled_run_makes_no_call_a_second_later_and_the_next_one_does_the_rest(shop: Shop) -> None:
    run_id, watch = interrupted(shop, runs.cancel, at=12)
    assert state(shop, run_id) is RunState.CANCELLED
    assert watch.late() == []
    made = len(shop.holds["products"])
    assert 0 < made < PRODUCTS
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        created = register.counters(session, run_id)["product"]["-"]["created"]
        not_before = session.scalar(
            text("SELECT not_before < now() + interval '1 hour' FROM turn WHERE connector_id = :id"),
            {"id": shop.cast.connector_id},
        )
    assert created == made, "what was under way has come back and is in the books"
    assert not_before, "the connector is checked again in its time"
    entry = shop.run()
    assert entry.state is RunState.COMPLETED
    assert entry.counters["product"]["-"]["created"] == PRODUCTS - made


def test_a_request_behind_a_cancelled_run_has_its_turn(shop: Shop) -> None:
    watch = Watch(12)
    shop.stage.wrap = watch.wrap
    first = shop.stage.request(shop.cast)
    second: list[int] = []

    def cancel_and_request() -> None:
        say(shop, runs.cancel, first)()
        second.append(shop.stage.request(shop.cast))

    watch.say = cancel_and_request
    shop.stage.play()
    assert state(shop, first) is RunState.CANCELLED
    assert state(shop, second[0]) is RunState.COMPLETED
    assert len(shop.holds["products"]) == PRODUCTS


def test_a_run_that_is_cancelled_in_its_last_moment_stays_cancelled(config: Settings) -> None:
    # The word falls while nothing is left but to close the books.
    shop = open_shop(config, latency=0)
    try:
        shop.run()
        shop.edit("products", 300, product_price="11")
        shop.calls()
        run_id = shop.stage.request(shop.cast)
        shop.stage.play()
        last = len(shop.calls())
        shop.edit("products", 300, product_price="12")
        run_id, _ = interrupted(shop, runs.cancel, at=last)
        assert state(shop, run_id) is RunState.CANCELLED
        assert shop.run().state in (RunState.COMPLETED, RunState.UNCHANGED)
        assert float(shop.product("Product 0")["price"]) == 12
    finally:
        shop.close()


def test_a_run_that_waits_is_paused_and_resumed_before_it_begins(shop: Shop) -> None:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        run_id = runs.request(session, shop.cast.tenant_id, shop.cast.connector_id, refresh=False)
        runs.pause(session, shop.cast.connector_id, run_id)
    dispatch.wake(shop.stage.engine, shop.stage.settings, shop.stage.messages.append, shop.cast.connector_id)
    assert shop.stage.play() == ["stopped"]
    assert shop.calls() == []
    assert resume(shop, run_id) is RunState.QUEUED
    assert state(shop, run_id) is RunState.COMPLETED


def test_a_run_that_was_paused_before_it_began_gives_way_to_the_one_that_waits_by_now(shop: Shop) -> None:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        first = runs.request(session, shop.cast.tenant_id, shop.cast.connector_id, refresh=True)
        runs.pause(session, shop.cast.connector_id, first)
    second = shop.stage.request(shop.cast)
    shop.stage.play()
    assert (state(shop, first), state(shop, second)) == (RunState.PAUSED, RunState.QUEUED)
    assert resume(shop, first) is RunState.CANCELLED
    assert state(shop, second) is RunState.COMPLETED
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        entry = register.run(session, second)
    assert entry is not None
    assert entry.refresh


def test_paused_and_resumed_the_store_is_as_after_an_undisturbed_run(shop: Shop, config: Settings) -> None:
    calm = open_shop(config, latency=0)
    try:
        calm.run()
        run_id, _ = interrupted(shop, runs.pause, at=9)
        resume(shop, run_id)
        assert content(shop.holds) == content(calm.holds)
    finally:
        calm.close()


def test_a_paused_run_fails_where_what_comes_back_meanwhile_says_that_somebody_must_act(shop: Shop) -> None:
    """The call that is in the air when the run is paused is refused: the pause does not hide that."""
    store = shop.stage.stores.store(shop.cast.store_hash)

    def pause(session: Session, connector_id: int, run_id: int) -> None:
        runs.pause(session, connector_id, run_id)
        store.configure(token="another")

    run_id, watch = interrupted(shop, pause, at=12)
    assert state(shop, run_id) is RunState.FAILED
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        (said,) = [one.code for one in register.messages(session, run_id) if one.level == "error"]
        known = connectors.load(session, shop.cast.connector_id)
    assert said == "credentials_refused"
    assert known is not None
    assert not known.enabled
    assert watch.late() == []
    with as_scheduler(shop.stage.engine) as session:
        assert turns.state(session, shop.cast.connector_id) is TurnState.PARKED
