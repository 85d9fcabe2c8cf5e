"""Tenants, connectors, profiles, credentials and storefronts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from worker.catalog.profile import Profile
from worker.ledger import connectors, mirror, store_facts
from worker.ledger.connectors import Storefront
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import KeyMissing, Vault

AConnector = Callable[..., Any]


def test_a_tenant_comes_with_its_turn(engine: Engine) -> None:
    with as_tenant(engine, 0) as session:
        one, two = connectors.next_tenant_id(session), connectors.next_tenant_id(session)
    assert two > one
    with as_tenant(engine, one) as session:
        connectors.add_tenant(session, one, name="acme", weight=2.0, max_slots=3)
        found = session.execute(text("SELECT name, weight, max_slots, virtual_finish FROM tenant_turn")).one()
        assert tuple(found) == ("acme", 2.0, 3, 0.0)
        assert session.scalar(text("SELECT name FROM tenant")) == "acme"


@pytest.mark.parametrize(("name", "weight", "refusal"), [
    ("acme", 1.0, "uq_tenant_turn_name"), ("other", 0.0, "ck_tenant_turn_weight_positive"),
])  # fmt: skip
def test_a_tenant_needs_a_name_of_its_own_and_some_weight(
    engine: Engine, a_tenant: Callable[[str], int], name: str, weight: float, refusal: str
) -> None:
    a_tenant("acme")
    with pytest.raises(IntegrityError, match=refusal), as_tenant(engine, 99) as session:
        connectors.add_tenant(session, 99, name=name, weight=weight, max_slots=None)


def test_a_connector_comes_with_its_mirror_and_a_turn_parked_until_its_first_check(
    engine: Engine, a_connector: AConnector
) -> None:
    made = a_connector("shop", store_hash="abc", profile=Profile(language="en"), first_check_in=100.0)
    with as_tenant(engine, made.tenant_id) as session:
        found = connectors.load(session, made.id)
        assert found == connectors.Connector(
            made.id, made.tenant_id, "shop", "abc", Profile(language="en"), True, None, None
        )
        assert mirror.state(session, made.id).last_update is None
        state, name, store, wait = session.execute(
            text("SELECT state, name, store_hash, not_before - now() FROM turn")
        ).one()
        assert (state, name, store) == ("parked", "shop", "abc")
        assert timedelta(seconds=90) < wait <= timedelta(seconds=100)
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM store_turn WHERE store_hash = 'abc'")) == 1


def test_two_connectors_may_feed_one_store(engine: Engine, a_connector: AConnector) -> None:
    a_connector("one", store_hash="abc")
    a_connector("two", tenant="other", store_hash="abc")
    with as_scheduler(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM store_turn")) == 1


def test_a_name_is_taken_within_its_tenant_only(a_connector: AConnector) -> None:
    a_connector("shop")
    a_connector("shop", tenant="other")
    with pytest.raises(IntegrityError, match="uq_connector_tenant_id_name"):
        a_connector("shop")


def test_a_connector_of_another_tenant_is_not_loaded(
    engine: Engine, a_connector: AConnector, a_tenant: Callable[[str], int]
) -> None:
    made = a_connector()
    with as_tenant(engine, a_tenant("other")) as session:
        assert connectors.load(session, made.id) is None


def test_a_connector_is_changed_disabled_enabled_and_checked(engine: Engine, a_connector: AConnector) -> None:
    made, other = a_connector("made"), a_connector("other")
    with as_tenant(engine, made.tenant_id) as session:
        connectors.change_profile(session, made.id, Profile(check_every_seconds=77))
        connectors.disable(session, made.id, "credentials_refused: who are you")
        connectors.checked(session, made.id)
        found = connectors.load(session, made.id)
        assert found is not None
        assert found.profile.check_every_seconds == 77
        assert (found.enabled, found.disabled_reason) == (False, "credentials_refused: who are you")
        assert found.last_checked_at == session.scalar(text("SELECT now()"))
        connectors.enable(session, made.id)
        again, untouched = connectors.load(session, made.id), connectors.load(session, other.id)
        assert again is not None
        assert (again.enabled, again.disabled_reason) == (True, None)
        assert untouched is not None
        assert (untouched.profile, untouched.last_checked_at) == (Profile(), None)


def test_credentials_are_sealed_at_rest_and_opened_for_the_clients(
    engine: Engine, a_connector: AConnector, vault: Vault
) -> None:
    made = a_connector(credentials={"source_secret": "canary-one", "store_token": "canary-two"})
    with as_tenant(engine, made.tenant_id) as session:
        at = {"tenant_id": made.tenant_id, "connector_id": made.id}
        connectors.keep_credentials(session, vault, **at, secrets={"store_token": "canary-three"})
        assert connectors.open_credentials(session, vault, **at) == {
            "source_secret": "canary-one",
            "store_token": "canary-three",
        }
        sealed = [bytes(row) for row in session.scalars(text("SELECT sealed FROM credential"))]
        assert len(sealed) == 2
        assert not any(b"canary" in one for one in sealed)


def test_a_credential_that_was_moved_to_another_connector_does_not_open(
    engine: Engine, a_connector: AConnector, vault: Vault
) -> None:
    one, two = a_connector("one", credentials={"token": "secret"}), a_connector("two", credentials={})
    with as_tenant(engine, one.tenant_id) as session:
        session.execute(text("UPDATE credential SET connector_id = :id"), {"id": two.id})
        with pytest.raises(KeyMissing):
            connectors.open_credentials(session, vault, tenant_id=two.tenant_id, connector_id=two.id)


def test_an_older_key_of_the_ring_opens_and_the_first_one_seals(engine: Engine, a_connector: AConnector) -> None:
    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    made = a_connector(credentials={})
    at = {"tenant_id": made.tenant_id, "connector_id": made.id}
    rotated = Vault.from_ring(f"new:{new},old:{old}")
    with as_tenant(engine, made.tenant_id) as session:
        connectors.keep_credentials(session, Vault.from_ring(f"old:{old}"), **at, secrets={"a": "1", "b": "2"})
        connectors.keep_credentials(session, rotated, **at, secrets={"b": "3"})
        assert connectors.open_credentials(session, rotated, **at) == {"a": "1", "b": "3"}
        keys = session.execute(text("SELECT field, key_id FROM credential ORDER BY 1")).all()
        assert [tuple(row) for row in keys] == [("a", "old"), ("b", "new")]


def test_the_storefronts_are_those_that_were_read_last(engine: Engine, a_connector: AConnector) -> None:
    made, other = a_connector("made"), a_connector("other")
    first = [{"storefront_id": number, "name": f"S{number}", "tree_id": number, "root_id": None} for number in (2, 1)]
    with as_tenant(engine, made.tenant_id) as session:
        connectors.keep_storefronts(session, made.tenant_id, other.id, first)
        connectors.keep_storefronts(session, made.tenant_id, made.id, first)
        assert connectors.storefronts(session, made.id) == [Storefront(1, "S1", 1, None), Storefront(2, "S2", 2, None)]
        newer = [{"storefront_id": 2, "name": "New", "tree_id": 5, "root_id": 9}]
        connectors.keep_storefronts(session, made.tenant_id, made.id, newer)
        assert connectors.storefronts(session, made.id) == [Storefront(2, "New", 5, 9)]
        assert len(connectors.storefronts(session, other.id)) == 2


def test_connectors_are_found_by_name_or_id_across_tenants(engine: Engine, a_connector: AConnector) -> None:
    one, two, three = a_connector("shop", tenant="a"), a_connector("shop", tenant="b"), a_connector("other", tenant="a")
    with as_scheduler(engine) as session:
        found = connectors.find(session, tenant=None, connector="shop")
        assert found == [(one.tenant_id, one.id, "a", "shop"), (two.tenant_id, two.id, "b", "shop")]
        assert connectors.find(session, tenant="b", connector="shop") == found[1:]
        by_id = connectors.find(session, tenant=None, connector=str(three.id))
        assert by_id == [(one.tenant_id, three.id, "a", "other")]
        assert connectors.find(session, tenant="b", connector=str(three.id)) == []
        assert connectors.find(session, tenant=None, connector="sho") == []
        assert connectors.find_tenant(session, "b") == two.tenant_id
        assert connectors.find_tenant(session, "c") is None


def test_credentials_that_are_not_named_any_more_are_forgotten(
    engine: Engine, a_connector: AConnector, vault: Vault
) -> None:
    made, other = a_connector("one", credentials={"a": "1", "b": "2"}), a_connector("two", credentials={"b": "3"})
    with as_tenant(engine, made.tenant_id) as session:
        connectors.drop_credentials(session, made.id, of="", but=["a"])
        at = {"tenant_id": made.tenant_id}
        assert connectors.open_credentials(session, vault, connector_id=made.id, **at) == {"a": "1"}
        assert connectors.open_credentials(session, vault, connector_id=other.id, **at) == {"b": "3"}


def test_what_the_store_said_is_kept_by_name_until_it_says_otherwise(engine: Engine, a_connector: AConnector) -> None:
    made, other = a_connector("made"), a_connector("other")
    with as_tenant(engine, made.tenant_id) as session:
        assert store_facts.known(session, made.id) == {}
        assert store_facts.storefronts(session, made.id) == {}
        store_facts.learn(session, made.id, {store_facts.STOREFRONTS: [[1, "Main"], [2, "Outlet"]]})
        store_facts.learn(session, made.id, {store_facts.LEFT_ALONE: [2]})
        assert store_facts.storefronts(session, made.id) == {1: "Main", 2: "Outlet"}
        store_facts.learn(session, made.id, {store_facts.STOREFRONTS: [[1, "Main shop"]]})
        assert store_facts.known(session, made.id) == {"storefronts": [[1, "Main shop"]], "left_alone": [2]}
        assert store_facts.known(session, other.id) == {}
