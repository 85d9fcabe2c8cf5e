"""Webhooks by way of the HTTP API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from tests.visitors import Door
from worker.commands import webhooks as commands
from worker.ledger.session import as_tenant

URL = "https://backend.example.com/hooks"
ATenant = Callable[[str], int]


def test_an_endpoint_is_added_read_changed_and_removed(door: Door, a_tenant: ATenant) -> None:
    writer = door.writer(a_tenant("acme"))
    made = writer.posts("/v1/webhooks", {"url": URL, "events": ["run.ended"]}, status=201)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    path = f"/v1/webhooks/{made['id']}"
    assert writer.reads(path) == made
    assert (made["url"], made["events"], made["enabled"]) == (URL, ["run.ended"], True)
    changed = writer.asks("PUT", path, json={"url": f"{URL}/2", "events": None, "enabled": False}).json()
    assert (changed["url"], changed["events"], changed["enabled"]) == (f"{URL}/2", None, False)
    assert writer.reads("/v1/webhooks") == {"webhooks": [changed]}
    again = writer.posts(f"{path}/rotate-secret")["secret"]
    assert again not in {secret, None}
    assert writer.reads(path)["old_secret_until"] is not None
    writer.asks("DELETE", path, status=204)
    for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/rotate-secret"), ("POST", f"{path}/ping")):
        assert writer.asks(method, where, status=404).json()["code"] == "unknown"


@pytest.mark.parametrize("url", [
    "http://backend.example.com/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/", "ftp://x/", "nonsense",
    "https://169.254.169.254/latest", "https://user:secret@example.com/",
    "https://xn--/", "https://xn--a.example.com/x",
])  # fmt: skip
def test_an_address_that_may_not_be_called_is_refused_and_not_repeated(door: Door, a_tenant: ATenant, url: str) -> None:
    writer = door.writer(a_tenant("acme"))
    told = writer.posts("/v1/webhooks", {"url": url}, status=422)
    assert (told["code"], [one["field"] for one in told["errors"]]) == ("address_refused", ["body.url"])
    assert "secret" not in str(told)
    assert writer.reads("/v1/webhooks") == {"webhooks": []}
    made = writer.posts("/v1/webhooks", {"url": URL}, status=201)
    told = writer.asks("PUT", f"/v1/webhooks/{made['id']}", json={"url": url, "enabled": True}, status=422).json()
    assert told["code"] == "address_refused"
    assert writer.reads(f"/v1/webhooks/{made['id']}")["url"] == URL


def test_no_tenant_has_endless_endpoints(door: Door, a_tenant: ATenant) -> None:
    writer = door.writer(a_tenant("acme"))
    for _ in range(commands.MOST):
        writer.posts("/v1/webhooks", {"url": URL}, status=201)
    assert writer.posts("/v1/webhooks", {"url": URL}, status=409)["code"] == "too_many"


def test_a_test_event_is_sent_looked_at_and_sent_again(door: Door, a_tenant: ATenant, engine: Engine) -> None:
    tenant_id = a_tenant("acme")
    writer = door.writer(tenant_id)
    path = f"/v1/webhooks/{writer.posts('/v1/webhooks', {'url': URL}, status=201)['id']}"
    sent = [writer.posts(f"{path}/ping", status=202) for _ in range(3)]
    assert {one["type"] for one in sent} == {"webhook.ping"}
    page = writer.reads(f"{path}/deliveries", params={"limit": 2})
    rest = writer.reads(f"{path}/deliveries", params={"after": page["next"]})
    assert [one["id"] for one in page["deliveries"] + rest["deliveries"]] == [one["id"] for one in sent[::-1]]
    assert rest["next"] is None
    with as_tenant(engine, tenant_id) as session:
        session.execute(text("UPDATE webhook_delivery SET next_at = NULL, gave_up = true, attempts = 9"))
    assert len(writer.reads(f"{path}/deliveries", params={"gave_up": True})["deliveries"]) == 3
    again = writer.posts(f"{path}/deliveries/{sent[0]['id']}/resend", status=202)
    assert (again["event_id"], again["attempts"], again["gave_up"]) == (sent[0]["event_id"], 0, False)
    writer.posts(f"{path}/deliveries/999999/resend", status=404)
    writer.asks("PUT", path, json={"url": URL, "enabled": False})
    assert writer.posts(f"{path}/ping", status=409)["code"] == "switched_off"
    assert writer.posts(f"{path}/deliveries/{sent[0]['id']}/resend", status=409)["code"] == "switched_off"
