"""The key ring turned while the service works on: `connector reseal`."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text

from tests.operators import CANARY, Operator, in_its_name, with_keys
from worker.ledger import connectors, webhooks
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault

NEW = "new:" + base64.b64encode(bytes(range(32))).decode()


def test_every_secret_of_every_tenant_is_sealed_with_the_first_key(
    acme: Operator, key_ring: str, engine: Engine, a_connector: Callable[..., Any]
) -> None:
    acme.adds()
    other = a_connector("shop", tenant="other")
    with as_tenant(engine, other.tenant_id) as session:
        webhook, secret = webhooks.add(session, Vault.from_ring(key_ring), other.tenant_id, url="https://example.com/")
    acme.here = with_keys(acme, f"{NEW},{key_ring}")
    told = acme.says("reseal").stdout
    assert "7 secrets of 2 tenants sealed with the key 'new'" in told
    assert "0 secrets of 2 tenants" in acme.says("reseal").stdout, "asked again, nothing is left"
    only_new = Vault.from_ring(NEW)
    with as_tenant(engine, other.tenant_id) as session:
        [kept] = session.execute(text("SELECT key_id, sealed FROM webhook")).all()
    assert webhooks.unseal(only_new, other.tenant_id, webhook.id, kept.key_id, kept.sealed) == secret
    mine = in_its_name(engine)
    for tenant_id, connector_id in (mine, (other.tenant_id, other.id)):
        with as_tenant(engine, tenant_id) as session:
            opened = connectors.open_credentials(session, only_new, tenant_id=tenant_id, connector_id=connector_id)
        assert len(opened) == 3
    with as_tenant(engine, mine[0]) as session:
        assert connectors.open_credentials(session, only_new, tenant_id=mine[0], connector_id=mine[1])[
            "source_secret"
        ] == CANARY  # fmt: skip


def test_a_secret_that_no_key_opens_is_named_and_left_as_it_is(acme: Operator, key_ring: str, engine: Engine) -> None:
    acme.adds()
    tenant_id, connector_id = in_its_name(engine)
    with as_tenant(engine, tenant_id) as session:
        session.execute(text("UPDATE credential SET key_id = 'lost' WHERE field = 'source_secret'"))
    acme.here = with_keys(acme, f"{NEW},{key_ring}")
    told = acme.says("reseal", code=2)
    assert "2 secrets of 1 tenants" in told.stdout
    assert f"connector {connector_id}: CREDENTIAL_KEYS lacks the key 'lost', which sealed source_secret." in told.stderr
    with as_tenant(engine, tenant_id) as session:
        kept = {row.field: row.key_id for row in session.execute(text("SELECT field, key_id FROM credential"))}
    assert kept == {"source_code": "new", "source_secret": "lost", "store_token": "new"}


def test_without_a_key_nothing_is_begun(acme: Operator) -> None:
    acme.adds()
    acme.here = with_keys(acme, "")
    assert "CREDENTIAL_KEYS is empty" in acme.says("reseal", code=2).stderr
