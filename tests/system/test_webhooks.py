"""What a real run tells an endpoint: its end, and that somebody must act; by a real worker, again after a failure."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import EventType, RunState
from sandbox.chaos import goods
from sandbox.chaos.ground import ground
from sandbox.chaos.platform import Platform
from sandbox.processes.broker import speak_to
from sandbox.receiver.receiver import NEVER, Received, Receiver, receiving
from sandbox.stage.stage import KEY_RING, TOKEN, seat
from tests.patient import patient_engine
from tests.shop import Shop, a_source
from worker.ledger import events, runs, webhooks
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish
from worker.webhooks.postman import Postman
from worker.webhooks.reach import Reach

OpenShop = Callable[..., Shop]
MANY = 40
NAME = "told"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
    assert made.refused == [], "each letter was in order"


def a_wide_source() -> dict[str, Any]:
    return a_source(products=[(300 + n, [1], f"P{n}", f"Product {n}", "10", "1") for n in range(MANY)])


def listen(shop: Shop, receiver: Receiver) -> Postman:
    """The shop's tenant has an endpoint, and a postman who carries its letters."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        _, secret = webhooks.add(session, shop.stage.vault, shop.cast.tenant_id, url=receiver.url)
    receiver.secrets = [secret]
    return Postman(shop.stage.engine, shop.stage.vault, Reach(private=True))


def told(receiver: Receiver, kind: EventType) -> list[Received]:
    return [one for one in receiver.received if one.type == kind]


def test_the_end_of_a_run_is_told_with_what_came_of_it(open_shop: OpenShop, receiver: Receiver) -> None:
    shop = open_shop(a_wide_source())
    postman = listen(shop, receiver)
    entry = shop.run()
    assert postman.deliver_all() == 1
    (letter,) = receiver.received
    run = letter.data["run"]
    assert letter.data["connector"] == {"id": shop.cast.connector_id, "name": "main"}
    assert (run["id"], run["state"]) == (entry.id, "completed")
    assert run["counters"] == entry.counters
    assert run["counters"]["product"]["-"]["created"] == MANY
    assert f"{MANY} products" in run["headline"]
    shop.stage.check(shop.cast)
    shop.stage.play()
    assert postman.deliver_all() == 0, "a check that found nothing"
    shop.edit("products", 300, product_name="Another name")
    shop.stage.check(shop.cast)
    shop.stage.play()
    assert postman.deliver_all() == 1
    assert receiver.received[-1].data["run"]["trigger"] == "check"


def test_a_run_that_the_brake_holds_asks_for_somebody(open_shop: OpenShop, receiver: Receiver) -> None:
    shop = open_shop(a_wide_source())
    shop.run()
    postman = listen(shop, receiver)
    for n in range(13):
        shop.stage.sources.hide(shop.cast.code, "products", 300 + n)
    entry = shop.run()
    assert entry.state is RunState.AWAITING_APPROVAL
    assert postman.deliver_all() == 1
    (letter,) = receiver.received
    assert letter.type == EventType.NEEDS_ACTION
    assert letter.data["run"] == {"id": entry.id}
    assert letter.data["reason"]["code"] == "too_much_would_change"
    assert "disable 13 of 40 linked products" in letter.data["reason"]["message"]
    assert letter.data["reason"]["do"]


def test_refused_credentials_are_told_without_them(open_shop: OpenShop, receiver: Receiver) -> None:
    shop = open_shop(a_wide_source())
    postman = listen(shop, receiver)
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        sealed = shop.stage.vault.seal(
            "canary-token", tenant_id=shop.cast.tenant_id, connector_id=shop.cast.connector_id, field="store_token"
        )
        session.execute(
            text("UPDATE credential SET key_id = :key, sealed = :sealed WHERE field = 'store_token'"),
            {"key": sealed[0], "sealed": sealed[1]},
        )
    entry = shop.run()
    assert entry.state is RunState.FAILED
    assert postman.deliver_all() == 2
    (ended,) = told(receiver, EventType.RUN_ENDED)
    (action,) = told(receiver, EventType.NEEDS_ACTION)
    assert ended.data["run"]["errors"][0]["code"] == action.data["reason"]["code"] == "credentials_refused"
    assert action.data["reason"]["do"]
    for secret in ("canary-token", TOKEN):
        assert secret not in str(receiver.received)


def test_a_root_that_is_gone_is_told(open_shop: OpenShop, receiver: Receiver) -> None:
    source = a_source(categories=[(1, 0, "C1", "Root"), (2, 1, "C2", "Men")])
    shop = open_shop(source, profile={"storefronts": [{"storefront": 1, "root": 2}]})
    shop.run()
    postman = listen(shop, receiver)
    shop.stage.sources.delete(shop.cast.code, "catalogue", 2)
    assert shop.run().state is RunState.FAILED
    postman.deliver_all()
    (action,) = told(receiver, EventType.NEEDS_ACTION)
    assert action.data["reason"]["code"] == "root_category_gone"


@pytest.mark.timeout(200)
def test_a_real_worker_tells_of_a_real_run_and_again_after_a_failure(receiver: Receiver) -> None:
    catalogue = goods.catalogue(9, products=5)
    with ground(durable=False) as opened:
        environment = opened.environment(opened.database("webhooks")) | {"WEBHOOK_PRIVATE": "true"}
        chosen = {name.lower(): value for name, value in environment.items()}
        config = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(config.redis_url)
        at, vault = patient_engine(config.database_url), Vault.from_ring(KEY_RING)
        opened.neighbours.open(f"CN-{NAME}", NAME, catalogue)
        cast = seat(
            at, vault, tenant=NAME, name="main", code=f"CN-{NAME}", store_hash=NAME, profile=goods.profile(catalogue)
        )
        with as_tenant(at, cast.tenant_id) as session:
            webhook, secret = webhooks.add(session, vault, cast.tenant_id, url=receiver.url)
            run_id = runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
        receiver.secrets = [secret]
        receiver.answers.append(500)
        dispatch.wake(at, config, publish, cast.connector_id)
        platform = Platform(opened.children, at, environment, slots=4, bound=30.0)
        platform.start("one")
        give_up_at = time.monotonic() + 120
        while len(receiver.received) < 2:
            assert time.monotonic() < give_up_at, receiver
            time.sleep(0.1)
        first, second = receiver.received
        assert (first.answered, second.answered) == (500, 204)
        assert first.event_id == second.event_id
        assert second.data["run"]["id"] == run_id
        with as_tenant(at, cast.tenant_id) as session:
            for _ in range(50):
                (delivery,) = webhooks.deliveries(session, webhook.id)
                if delivery.delivered_at is not None:
                    break
                time.sleep(0.1)
        assert (delivery.attempts, delivery.last_status) == (2, 204)
        # An endpoint that does not answer keeps no worker from stopping.
        receiver.answers.append(NEVER)
        with as_tenant(at, cast.tenant_id) as session:
            events.ping(session, webhook.id)
        while len(receiver.received) < 3:
            assert time.monotonic() < give_up_at, receiver
            time.sleep(0.1)
        began = time.monotonic()
        platform.workers["one"].send(signal.SIGTERM)
        assert platform.workers["one"].child.process.wait(60) == 0
        assert time.monotonic() - began < 6
        at.dispose()
