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


def test_a_webhook_that_no_key_opens_is_named_and_keeps_no_other_from_being_sealed(
    acme: Operator, key_ring: str, engine: Engine
) -> None:
    acme.adds()
    tenant_id, _ = in_its_name(engine)
    ring = Vault.from_ring(key_ring)
    lost = Vault({"lost": bytes(32)})
    with as_tenant(engine, tenant_id) as session:
        ids = [
            webhooks.add(session, vault, tenant_id, url="https://example.com/")[0].id
            for vault in (ring, lost, ring, lost, lost)
        ]
        secrets = [webhooks.rotate_secret(session, ring, tenant_id, one) for one in ids[2:]]
        # The last one's old secret signs no more: nobody needs its key.
        session.execute(text("UPDATE webhook SET old_until = now() WHERE id = :id"), {"id": ids[4]})
    acme.here = with_keys(acme, f"{NEW},{key_ring}")
    told = acme.says("reseal", code=2)
    assert "8 secrets of 1 tenants" in told.stdout, "three credentials, and five of the webhooks"
    assert "2 could not be opened" in told.stderr
    lacks = "CREDENTIAL_KEYS lacks the key 'lost', which sealed webhook"
    assert f"webhook {ids[1]} of tenant {tenant_id}: {lacks}/{ids[1]}." in told.stderr
    assert f"webhook {ids[3]} of tenant {tenant_id}, its secret before the last: {lacks}/{ids[3]}." in told.stderr
    with as_tenant(engine, tenant_id) as session:
        kept = session.execute(text("SELECT key_id, old_key_id, sealed FROM webhook ORDER BY id")).all()
    assert [(one.key_id, one.old_key_id) for one in kept] == [
        ("new", None), ("lost", None), ("new", "new"), ("new", "lost"), ("new", None),
    ]  # fmt: skip
    only_new = Vault.from_ring(NEW)
    opened = [webhooks.unseal(only_new, tenant_id, ids[2 + n], "new", one.sealed) for n, one in enumerate(kept[2:])]
    assert opened == secrets
    assert "0 secrets of 1 tenants" in acme.says("reseal", code=2).stdout


def test_a_secret_before_a_rotation_is_sealed_anew_while_it_signs(
    acme: Operator, key_ring: str, engine: Engine
) -> None:
    acme.adds()
    tenant_id, _ = in_its_name(engine)
    with as_tenant(engine, tenant_id) as session:
        webhook, old = webhooks.add(session, Vault.from_ring(key_ring), tenant_id, url="https://example.com/")
        webhooks.rotate_secret(session, Vault.from_ring(NEW), tenant_id, webhook.id)
    acme.here = with_keys(acme, f"{NEW},{key_ring}")
    assert "4 secrets of 1 tenants" in acme.says("reseal").stdout
    with as_tenant(engine, tenant_id) as session:
        kept = session.execute(text("SELECT key_id, old_key_id, old_sealed FROM webhook")).one()
    assert (kept.key_id, kept.old_key_id) == ("new", "new")
    assert webhooks.unseal(Vault.from_ring(NEW), tenant_id, webhook.id, "new", kept.old_sealed) == old


def test_without_a_key_nothing_is_begun(acme: Operator) -> None:
    acme.adds()
    acme.here = with_keys(acme, "")
    assert "CREDENTIAL_KEYS is empty" in acme.says("reseal", code=2).stderr
