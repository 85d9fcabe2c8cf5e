"""Webhooks: what is told, to whom, and what becomes of it; every tenant its own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from models.vocabulary import EventType, RunState
from sandbox.receiver.receiver import NEVER, Receiver, receiving
from tests.scraping import count
from worker.catalog.profile import Profile
from worker.ledger import events, outbox, runs, webhooks
from worker.ledger.outbox import Due
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import KeyMissing, Vault
from worker.ledger.webhooks import Delivery, Webhook
from worker.metrics import deliveries
from worker.webhooks.letters import AFTER_SECONDS
from worker.webhooks.postman import Postman
from worker.webhooks.reach import Reach

AConnector = Callable[..., Any]
URL = "https://example.com/hooks"


class Desk:
    """One connector, its tenant's endpoints, and a postman."""

    def __init__(self, engine: Engine, vault: Vault, made: Any) -> None:
        self.engine, self.vault, self.made, self.tenant_id = engine, vault, made, made.tenant_id
        self.postman = Postman(engine, vault, Reach(private=True, seconds=1.0))

    def add(self, url: str = URL, *types: EventType) -> tuple[Webhook, str]:
        with as_tenant(self.engine, self.tenant_id) as session:
            return webhooks.add(session, self.vault, self.tenant_id, url=url, events=types or None)

    def load(self, webhook: Webhook) -> Webhook:
        with as_tenant(self.engine, self.tenant_id) as session:
            found = webhooks.load(session, webhook.id)
        assert found is not None
        return found

    def end_a_run(self, state: RunState = RunState.UNCHANGED, *, made: Any = None) -> int:
        one = made or self.made
        with as_tenant(self.engine, one.tenant_id) as session:
            run_id = runs.request(session, one.tenant_id, one.id, refresh=False)
            runs.begin(session, run_id, Profile())
            runs.become(session, run_id, state)
        return run_id

    def deliveries(self, webhook: Webhook, **which: Any) -> list[Delivery]:
        with as_tenant(self.engine, self.tenant_id) as session:
            return webhooks.deliveries(session, webhook.id, **which)

    def one(self, webhook: Webhook) -> Delivery:
        (found,) = self.deliveries(webhook)
        return found

    def all_due(self) -> None:
        """Back-offs have passed."""
        self.do("UPDATE webhook_delivery SET next_at = now() WHERE next_at IS NOT NULL")

    def do(self, statement: str, **values: Any) -> Any:
        with as_tenant(self.engine, self.tenant_id) as session:
            found: Any = session.execute(text(statement), values)
            return found.scalar() if found.returns_rows else None

    def lease(self, *busy: int) -> Due | None:
        with as_scheduler(self.engine) as session:
            return outbox.lease(session, seconds=60, busy=busy)


@pytest.fixture
def desk(engine: Engine, vault: Vault, a_connector: AConnector) -> Desk:
    return Desk(engine, vault, a_connector())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


# ---- endpoints


def test_an_endpoint_is_there_to_see_without_its_secret(desk: Desk) -> None:
    made, secret = desk.add(URL, EventType.RUN_ENDED)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert (made.url, made.events, made.enabled, made.disabled_reason) == (URL, (EventType.RUN_ENDED,), True, None)
    with as_tenant(desk.engine, desk.tenant_id) as session:
        assert webhooks.listed(session) == [made]
        row = session.execute(text("SELECT w::text AS all_of_it, sealed FROM webhook w")).one()
    assert secret not in row.all_of_it
    assert secret.encode() not in bytes(row.sealed)


def test_an_endpoint_is_changed_switched_off_and_removed(desk: Desk) -> None:
    made, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        changed = webhooks.change(session, made.id, url=f"{URL}/2", events=[EventType.NEEDS_ACTION], enabled=False)
        assert changed is not None
        assert (changed.url, changed.events) == (f"{URL}/2", (EventType.NEEDS_ACTION,))
        assert (changed.enabled, changed.disabled_reason) == (False, "switched off")
        on = webhooks.change(session, made.id, url=URL, events=None, enabled=True)
        assert on is not None
        assert (on.enabled, on.disabled_reason, on.events) == (True, None, None)
        assert webhooks.change(session, made.id + 1, url=URL, events=None, enabled=True) is None
        assert webhooks.remove(session, made.id)
        assert not webhooks.remove(session, made.id)
        assert webhooks.listed(session) == []


def test_a_secret_sealed_for_one_webhook_opens_no_other(desk: Desk) -> None:
    one, _ = desk.add()
    other, _ = desk.add()
    desk.do(
        "UPDATE webhook SET sealed = (SELECT sealed FROM webhook WHERE id = :a) WHERE id = :b", a=one.id, b=other.id
    )
    key_id, sealed = "test", desk.do("SELECT sealed FROM webhook WHERE id = :id", id=other.id)
    webhooks.unseal(desk.vault, desk.tenant_id, one.id, key_id, sealed)
    for tenant_id, webhook_id in ((desk.tenant_id, other.id), (desk.tenant_id + 1, one.id)):
        with pytest.raises(KeyMissing):
            webhooks.unseal(desk.vault, tenant_id, webhook_id, key_id, sealed)


# ---- what is written


def test_the_end_of_a_run_is_written_with_it_or_not_at_all(desk: Desk) -> None:
    webhook, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        run_id = runs.request(session, desk.tenant_id, desk.made.id, refresh=False)
        runs.become(session, run_id, RunState.CANCELLED)
        assert len(webhooks.deliveries(session, webhook.id)) == 1
        session.rollback()
    assert desk.deliveries(webhook) == []
    run_id = desk.end_a_run()
    told = desk.one(webhook)
    assert told.type is EventType.RUN_ENDED
    assert told.event_id.startswith("evt_")
    assert set(told.payload) == {"type", "timestamp", "data"}
    data = told.payload["data"]
    assert data["connector"] == {"id": desk.made.id, "name": "shop"}
    assert (data["run"]["id"], data["run"]["state"], data["run"]["trigger"]) == (run_id, "unchanged", "request")
    assert data["run"]["headline"] == "nothing has changed at the source"
    assert data["run"]["requested_at"] <= data["run"]["started_at"] <= data["run"]["ended_at"]
    assert (data["run"]["counters"], data["run"]["errors"]) == ({}, [])


def test_states_between_are_no_end(desk: Desk) -> None:
    webhook, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        run_id = runs.request(session, desk.tenant_id, desk.made.id, refresh=False)
        runs.begin(session, run_id, Profile())
        for state in (RunState.PREPARED, RunState.SYNCHRONIZING, RunState.PAUSED, RunState.SYNCHRONIZING):
            runs.become(session, run_id, state)
        assert webhooks.deliveries(session, webhook.id) == []
        runs.say(session, desk.tenant_id, run_id, level="error", code="store_gone", message="It is gone.")
        runs.become(session, run_id, RunState.FAILED)
        runs.become(session, run_id, RunState.FAILED)
    (error,) = desk.one(webhook).payload["data"]["run"]["errors"]
    assert (error["code"], error["message"]) == ("store_gone", "It is gone.")
    assert error["do"]


def test_a_check_that_is_in_no_register_is_no_event(desk: Desk) -> None:
    webhook, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        run_id = runs.begin_check(session, desk.tenant_id, desk.made.id)
        runs.become(session, run_id, RunState.CANCELLED)
    assert desk.deliveries(webhook) == []


def test_who_does_not_want_to_hear_of_it_is_not_told(desk: Desk, a_connector: AConnector) -> None:
    all_of_it, _ = desk.add()
    some, _ = desk.add(URL, EventType.RUN_ENDED, EventType.NEEDS_ACTION)
    other, _ = desk.add(URL, EventType.NEEDS_ACTION)
    off, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        webhooks.switch_off(session, off.id, "not now", url=URL)
    desk.end_a_run()
    desk.end_a_run(made=a_connector("theirs", tenant="theirs"))
    assert [len(desk.deliveries(one)) for one in (all_of_it, some, other, off)] == [1, 1, 0, 0]
    assert desk.one(all_of_it).event_id == desk.one(some).event_id
    assert desk.do("SELECT count(*) FROM webhook_delivery") == 2


def test_who_must_act_is_told_what_to_do(desk: Desk) -> None:
    webhook, _ = desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        events.needs_action(session, desk.made.id, code="credentials_refused", message="401 from the store", run_id=7)
    told = desk.one(webhook)
    assert told.type is EventType.NEEDS_ACTION
    assert told.payload["data"]["run"] == {"id": 7}
    reason = told.payload["data"]["reason"]
    assert (reason["code"], reason["message"]) == ("credentials_refused", "401 from the store")
    assert reason["do"]


def test_a_test_event_goes_to_one_endpoint_whatever_it_wants(desk: Desk) -> None:
    webhook, _ = desk.add(URL, EventType.NEEDS_ACTION)
    desk.add()
    with as_tenant(desk.engine, desk.tenant_id) as session:
        delivery_id = events.ping(session, webhook.id)
        assert delivery_id is not None
        found = webhooks.delivery(session, delivery_id)
        webhooks.switch_off(session, webhook.id, "not now", url=URL)
        assert events.ping(session, webhook.id) is None
    assert found is not None
    assert (found.webhook_id, found.type) == (webhook.id, EventType.PING)
    assert desk.do("SELECT count(*) FROM webhook_delivery") == 1


# ---- tenants who cannot see each other


def test_nothing_of_another_tenants_is_seen_changed_or_sent(desk: Desk, a_connector: AConnector) -> None:
    webhook, _ = desk.add()
    desk.end_a_run()
    delivery = desk.one(webhook)
    theirs = a_connector("theirs", tenant="theirs")
    with as_tenant(desk.engine, theirs.tenant_id) as session:
        assert webhooks.listed(session) == []
        assert webhooks.load(session, webhook.id) is None
        assert webhooks.change(session, webhook.id, url=URL, events=None, enabled=False) is None
        assert webhooks.rotate_secret(session, desk.vault, theirs.tenant_id, webhook.id) is None
        assert webhooks.deliveries(session, webhook.id) == []
        assert webhooks.delivery(session, delivery.id) is None
        assert webhooks.resend(session, delivery.id) is None
        assert events.ping(session, webhook.id) is None
        assert not webhooks.remove(session, webhook.id)
        assert outbox.open_letter(session, desk.vault, Due(theirs.tenant_id, delivery.id, webhook.id)) is None
        outbox.delivered(session, delivery.id, status=200)
        outbox.failed(session, delivery.id, attempts=0, status=500, error="x", again_in=None)
    with pytest.raises(IntegrityError), as_tenant(desk.engine, theirs.tenant_id) as session:
        session.execute(
            text("INSERT INTO webhook_delivery (tenant_id, webhook_id, event_id, type, payload)"
                 " VALUES (:t, :w, 'e', 'run.ended', '{}')"),
            {"t": theirs.tenant_id, "w": webhook.id},
        )  # fmt: skip
    assert desk.one(webhook) == delivery
    assert desk.load(webhook) == webhook


def test_the_scheduler_sees_ids_and_dates_of_what_is_open_and_no_more(desk: Desk) -> None:
    webhook, _ = desk.add()
    desk.end_a_run()
    with as_scheduler(desk.engine) as session:
        rows = session.execute(text("SELECT id, tenant_id, webhook_id FROM webhook_delivery")).all()
        for column in ("payload", "event_id", "type", "attempts", "last_error", "delivered_at"):
            with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
                session.execute(text(f"SELECT {column} FROM webhook_delivery"))  # noqa: S608
        for statement in ("DELETE FROM webhook_delivery", "SELECT url FROM webhook", "SELECT sealed FROM webhook"):
            with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
                session.execute(text(statement))
        with pytest.raises(ProgrammingError, match="violates row-level security"), session.begin_nested():
            session.execute(text("UPDATE webhook_delivery SET next_at = NULL"))
    assert [tuple(row) for row in rows] == [(desk.one(webhook).id, desk.tenant_id, webhook.id)]
    with as_tenant(desk.engine, desk.tenant_id) as session:
        outbox.delivered(session, rows[0].id, status=200)
    with as_scheduler(desk.engine) as session:
        assert session.execute(text("SELECT id FROM webhook_delivery")).all() == []


# ---- leases


def test_what_is_leased_nobody_else_finds_until_the_lease_is_over(desk: Desk) -> None:
    webhook, _ = desk.add()
    desk.end_a_run()
    due = desk.lease()
    assert due == Due(desk.tenant_id, desk.one(webhook).id, webhook.id)
    assert desk.lease() is None
    desk.all_due()
    assert desk.lease() == due, "its sender has died"


def test_two_senders_never_lease_the_same(desk: Desk) -> None:
    desk.add()
    for _ in range(6):
        desk.end_a_run()
    found: list[int] = []
    start = threading.Barrier(3)

    def take() -> None:
        start.wait()
        while (due := desk.lease()) is not None:
            found.append(due.id)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 6


def test_the_longest_due_is_first_and_busy_endpoints_are_passed_by(desk: Desk) -> None:
    one, _ = desk.add()
    other, _ = desk.add()
    desk.end_a_run()
    desk.do("UPDATE webhook_delivery SET next_at = now() - interval '1 hour' WHERE webhook_id = :id", id=other.id)
    first = desk.lease()
    assert first is not None
    assert first.webhook_id == other.id
    assert desk.lease(one.id) is None
    second = desk.lease()
    assert second is not None
    assert second.webhook_id == one.id


# ---- the postman


def test_what_is_due_arrives_signed_and_once(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    desk.end_a_run()
    assert desk.postman.deliver_all() == 1
    assert desk.postman.deliver_all() == 0
    told = desk.one(webhook)
    (letter,) = receiver.received
    assert receiver.refused == []
    assert (letter.event_id, letter.type, letter.signatures) == (told.event_id, "run.ended", 1)
    assert letter.data == told.payload["data"]
    assert (told.attempts, told.next_at, told.last_status, told.last_error) == (1, None, 204, None)
    assert told.delivered_at is not None
    assert not told.gave_up


def test_after_each_failure_it_comes_later_under_the_same_id_until_it_is_given_up(
    desk: Desk, receiver: Receiver
) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.extend([500, 404, 302, 503, 400, 500, 500, 429, 500])
    results = (deliveries.FAILED, deliveries.GAVE_UP, deliveries.DELIVERED)
    before = [count(deliveries.TRIES, result) for result in results]
    desk.end_a_run()
    for failures, seconds in enumerate(AFTER_SECONDS, 1):
        assert desk.postman.deliver_all() == 1
        told = desk.one(webhook)
        assert told.attempts == failures
        assert told.next_at is not None
        assert told.tried_at is not None
        wait = told.next_at - told.tried_at
        assert timedelta(seconds=0.8 * seconds) <= wait <= timedelta(seconds=1.2 * seconds)
        assert desk.postman.deliver_all() == 0, "it is not due yet"
        desk.all_due()
    assert desk.postman.deliver_all() == 1
    told = desk.one(webhook)
    assert (told.attempts, told.next_at, told.gave_up, told.delivered_at) == (9, None, True, None)
    assert (told.last_status, told.last_error) == (500, "answered 500")
    assert desk.deliveries(webhook, gave_up=True) == [told]
    assert {letter.event_id for letter in receiver.received} == {told.event_id}
    assert len(receiver.received) == 9
    with as_tenant(desk.engine, desk.tenant_id) as session:
        again = webhooks.resend(session, told.id)
    assert again is not None
    assert (again.attempts, again.gave_up) == (0, False)
    assert desk.postman.deliver_all() == 1
    assert desk.one(webhook).delivered_at is not None
    assert receiver.received[-1].event_id == told.event_id
    after = [count(deliveries.TRIES, result) for result in results]
    assert [now - then for now, then in zip(after, before, strict=True)] == [8, 1, 1]


def test_a_redirect_is_said_and_not_followed(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.append(307)
    desk.end_a_run()
    desk.postman.deliver_all()
    assert desk.one(webhook).last_error == "answered 307; nothing is followed"
    assert len(receiver.received) == 1


def test_who_answers_gone_is_told_nothing_more(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.append(410)
    for _ in range(3):
        desk.end_a_run()
    assert desk.postman.deliver_all() == 1
    now = desk.load(webhook)
    assert (now.enabled, now.disabled_reason) == (False, "it answered 410 Gone")
    assert [(one.gave_up, one.next_at) for one in desk.deliveries(webhook)] == [(True, None)] * 3
    desk.end_a_run()
    assert len(desk.deliveries(webhook)) == 3
    with as_tenant(desk.engine, desk.tenant_id) as session:
        assert webhooks.resend(session, desk.deliveries(webhook)[0].id) is None
        webhooks.change(session, webhook.id, url=receiver.url, events=None, enabled=True)
        assert webhooks.resend(session, desk.deliveries(webhook)[0].id) is not None
    assert desk.postman.deliver_all() == 1


def test_the_old_address_that_says_gone_does_not_switch_the_new_one_off(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.append(410)
    moved = f"{receiver.url}/moved"
    for _ in range(2):
        desk.end_a_run()

    def resolve(host: str, port: int) -> list[str]:
        # The delivery is on its way by now, and its owner changes the address.
        del port
        with as_tenant(desk.engine, desk.tenant_id) as session:
            assert webhooks.change(session, webhook.id, url=moved, events=None, enabled=True)
        return [host]

    desk.postman.reach = Reach(private=True, resolve=resolve)
    assert desk.postman.deliver_all() == 2
    now = desk.load(webhook)
    assert (now.url, now.enabled, now.disabled_reason) == (moved, True, None)
    later, first = desk.deliveries(webhook)
    assert later.delivered_at is not None
    assert (first.last_status, first.gave_up) == (410, False)
    desk.all_due()
    assert desk.postman.deliver_all() == 1
    assert desk.deliveries(webhook)[1].delivered_at is not None, "it goes to the new address"


def test_nothing_goes_to_an_endpoint_that_was_switched_off_while_it_was_on_its_way(
    desk: Desk, receiver: Receiver
) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    desk.end_a_run()
    desk.do("UPDATE webhook SET enabled = false")
    assert desk.postman.deliver_all() == 1
    assert receiver.received == []
    told = desk.one(webhook)
    assert (told.gave_up, told.last_error) == (True, "the endpoint is switched off")


def test_who_does_not_answer_is_left_after_a_while(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.append(NEVER)
    desk.end_a_run()
    desk.postman.deliver_all()
    told = desk.one(webhook)
    assert (told.last_status, told.last_error) == (None, "no answer within 1 seconds")
    assert told.next_at is not None


def test_a_slow_endpoint_holds_up_no_other(desk: Desk, receiver: Receiver) -> None:
    desk.postman.reach = Reach(private=True, seconds=8.0)
    slow, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    receiver.answers.extend([NEVER] * 20)
    for _ in range(20):
        desk.end_a_run()
    with receiving() as other:
        quick, secret = desk.add(other.url)
        other.secrets = [secret]
        for _ in range(5):
            desk.end_a_run()
        thread = desk.postman.start()
        waited = threading.Event()
        for _ in range(100):
            if len(other.received) == 5:
                break
            waited.wait(0.05)
        assert len(other.received) == 5
        assert len(receiver.received) == 1, "it has one on its way, and no more"
        desk.postman.stop()
        thread.join(2)
        assert not thread.is_alive(), "the slow one keeps nobody from stopping"
    assert len(desk.deliveries(quick, gave_up=False)) == 5
    receiver.closing.set()
    for _ in range(100):
        if desk.deliveries(slow)[-1].attempts:
            break
        waited.wait(0.05)
    assert [one.attempts for one in desk.deliveries(slow)] == [0] * 24 + [1]


def test_there_are_so_many_on_their_way_at_most(desk: Desk, receiver: Receiver) -> None:
    desk.postman.places = 2
    made = [desk.add(receiver.url) for _ in range(3)]
    receiver.secrets = [secret for _, secret in made]
    receiver.answers.extend([NEVER] * 3)
    desk.end_a_run()
    assert desk.postman.hand_out() == 2
    assert desk.postman.hand_out() == 0
    receiver.closing.set()


def test_a_tenant_with_many_slow_endpoints_holds_up_no_other_tenant(
    desk: Desk, receiver: Receiver, a_connector: AConnector
) -> None:
    made = [desk.add(receiver.url) for _ in range(12)]
    receiver.secrets = [secret for _, secret in made]
    receiver.answers.extend([NEVER] * 12)
    desk.end_a_run()
    other = Desk(desk.engine, desk.vault, a_connector("theirs", tenant="theirs"))
    with receiving() as quick:
        webhook, secret = other.add(quick.url)
        quick.secrets = [secret]
        other.end_a_run()
        desk.postman.reach = Reach(private=True, seconds=8.0)
        assert desk.postman.hand_out() == 4, "three of the one, and one of the other"
        waited = threading.Event()
        for _ in range(100):
            if other.one(webhook).delivered_at is not None:
                break
            waited.wait(0.05)
        assert other.one(webhook).delivered_at is not None
        assert len(quick.received) == 1
    receiver.closing.set()


def test_a_rotated_secret_signs_beside_the_new_one_for_a_while(desk: Desk, receiver: Receiver) -> None:
    webhook, old = desk.add(receiver.url)
    with as_tenant(desk.engine, desk.tenant_id) as session:
        new = webhooks.rotate_secret(session, desk.vault, desk.tenant_id, webhook.id, overlap=3600)
    assert new is not None
    assert new != old
    assert desk.load(webhook).old_secret_until is not None
    for known in (old, new):
        receiver.secrets = [known]
        desk.end_a_run()
        desk.postman.deliver_all()
    assert [one.signatures for one in receiver.received] == [2, 2]
    desk.do("UPDATE webhook SET old_until = now() - interval '1 s'")
    assert desk.load(webhook).old_secret_until is None
    desk.end_a_run()
    desk.postman.deliver_all()
    assert receiver.received[-1].signatures == 1
    receiver.secrets = [old]
    desk.end_a_run()
    desk.postman.deliver_all()
    assert receiver.refused == ["no signature of ours"]


@pytest.mark.parametrize("kept", ["new", "old"])
def test_while_a_rotation_overlaps_the_secret_that_opens_signs_alone(desk: Desk, receiver: Receiver, kept: str) -> None:
    webhook, old = desk.add(receiver.url)
    ring = Vault({"new": bytes(range(32)), **desk.vault.keys})
    with as_tenant(desk.engine, desk.tenant_id) as session:
        new = webhooks.rotate_secret(session, ring, desk.tenant_id, webhook.id)
    desk.postman.vault = Vault({"new": ring.keys["new"]}) if kept == "new" else desk.vault
    receiver.secrets = [str(new) if kept == "new" else old]
    desk.end_a_run()
    desk.postman.deliver_all()
    assert desk.one(webhook).last_error is None
    assert [one.signatures for one in receiver.received] == [1]


def test_a_secret_that_no_key_opens_is_said_and_nothing_is_sent(desk: Desk, receiver: Receiver) -> None:
    webhook, secret = desk.add(receiver.url)
    receiver.secrets = [secret]
    desk.end_a_run()
    desk.postman.vault = Vault({"other": bytes(range(32))})
    desk.postman.deliver_all()
    told = desk.one(webhook)
    assert (told.attempts, told.last_error) == (1, "no key of CREDENTIAL_KEYS opens the endpoint's secret")
    assert receiver.received + receiver.refused == []


def test_a_private_address_is_not_called_unless_it_is_allowed(desk: Desk, receiver: Receiver) -> None:
    desk.postman.reach = Reach()
    plain, _ = desk.add(receiver.url)
    hidden, _ = desk.add(receiver.url.replace("http://127.0.0.1", "https://localhost.example.invalid"))
    desk.end_a_run()
    desk.postman.deliver_all()
    assert desk.one(plain).last_error == "an address begins with https://"
    assert desk.one(hidden).last_error == "the host has no address"
    assert receiver.received + receiver.refused == []


def test_a_late_sender_does_not_undo_what_another_has_done(desk: Desk) -> None:
    webhook, _ = desk.add()
    desk.end_a_run()
    told = desk.one(webhook)
    with as_tenant(desk.engine, desk.tenant_id) as session:
        outbox.failed(session, told.id, attempts=0, status=500, error="answered 500", again_in=60)
        outbox.failed(session, told.id, attempts=0, status=None, error="late", again_in=1)
    now = desk.one(webhook)
    assert (now.attempts, now.last_error) == (1, "answered 500")
    with as_tenant(desk.engine, desk.tenant_id) as session:
        outbox.delivered(session, told.id, status=200)
        outbox.failed(session, told.id, attempts=2, status=None, error="late", again_in=1)
    assert desk.one(webhook).delivered_at is not None
    assert desk.one(webhook).next_at is None


def test_old_deliveries_go_though_nothing_is_sent_any_more(desk: Desk, a_connector: AConnector) -> None:
    other = Desk(desk.engine, desk.vault, a_connector("theirs", tenant="theirs"))
    endpoints = [(one, one.add()[0]) for one in (desk, other)]
    for one, webhook in endpoints:
        for _ in range(3):
            one.end_a_run()
        with as_tenant(one.engine, one.tenant_id) as session:
            webhooks.switch_off(session, webhook.id, "not now", url=URL)
        last = one.deliveries(webhook)[0].id
        one.do("UPDATE webhook_delivery SET created_at = now() - interval '31 days' WHERE id < :id", id=last)
    desk.postman.tidy_seconds = 0.0
    thread = desk.postman.start()
    waited = threading.Event()
    for _ in range(200):
        if all(len(one.deliveries(webhook)) == 1 for one, webhook in endpoints):
            break
        waited.wait(0.05)
    desk.postman.stop()
    thread.join(5)
    assert [len(one.deliveries(webhook)) for one, webhook in endpoints] == [1, 1]


def test_what_is_open_stays_however_old_and_what_is_old_goes_to_the_last(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "PRUNED_AT_ONCE", 2)
    webhook, _ = desk.add()
    for _ in range(6):
        desk.end_a_run()
    desk.do("UPDATE webhook_delivery SET created_at = now() - interval '31 days'")
    open_one = desk.deliveries(webhook)[2].id
    desk.do("UPDATE webhook_delivery SET next_at = NULL, gave_up = true WHERE id <> :id", id=open_one)
    assert desk.postman.tidy() == 5
    assert [one.id for one in desk.deliveries(webhook)] == [open_one]
    assert desk.postman.tidy() == 0


def test_listing_goes_on_where_it_was(desk: Desk) -> None:
    webhook, _ = desk.add()
    for _ in range(5):
        desk.end_a_run()
    first = desk.deliveries(webhook, limit=2)
    rest = desk.deliveries(webhook, limit=9, before=first[-1].id)
    assert [one.id for one in first + rest] == sorted((one.id for one in desk.deliveries(webhook)), reverse=True)
    assert len(rest) == 3
    assert json.dumps(first[0].payload)
