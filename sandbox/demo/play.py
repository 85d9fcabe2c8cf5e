"""The roles take their places: tenants, connectors, credentials; and each asks for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.demo import neighbours
from sandbox.demo.cast import Role
from sandbox.demo.house import House
from sandbox.demo.neighbours import Channel
from sandbox.saleslayer.credentials import DEFAULT_SECRET
from worker.catalog.profile import Profile
from worker.ledger import connectors, runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.tasks import publish

STORE_TOKEN = "sandbox-access-token"  # noqa: S105 opens nothing but the sandbox


@dataclass(frozen=True, slots=True)
class Player:
    """A connector in its place, with the run that it has asked for."""

    tenant: str
    connector: str
    tenant_id: int
    connector_id: int
    profile: Profile
    starts_over: bool = False
    """It has run before, and its store is empty again: only a refresh makes everything anew."""
    run_id: int = 0


def seat(house: House, role: Role) -> Player:
    """The role's neighbours set up and its connector added, or brought up to date where it is there already."""
    profile = Profile.model_validate({"storefronts": _links(house, role), "switches": role.switches})
    with as_scheduler(house.engine) as session:
        tenant_id = connectors.find_tenant(session, role.tenant)
        known = connectors.find(session, tenant=role.tenant, connector=role.connector)
    if tenant_id is None:
        with as_tenant(house.engine, 0) as session:
            tenant_id = connectors.next_tenant_id(session)
        with as_tenant(house.engine, tenant_id) as session:
            connectors.add_tenant(session, tenant_id, name=role.tenant, weight=1.0, max_slots=None)
    vault = Vault.from_ring(house.settings.credential_keys.get_secret_value())
    secrets = {"source_code": role.code, "source_secret": DEFAULT_SECRET, "store_token": STORE_TOKEN}
    with as_tenant(house.engine, tenant_id) as session:
        if known:
            connector_id = known[0][1]
            connectors.change_profile(session, connector_id, profile)
        else:
            connector_id = connectors.add(
                session,
                tenant_id,
                name=role.connector,
                store_hash=role.store_hash,
                profile=profile,
                first_check_in=profile.check_every_seconds,
            )
        connectors.keep_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id, secrets=secrets)
    starts_over = bool(known) and house.has_own_store
    return Player(role.tenant, role.connector, tenant_id, connector_id, profile, starts_over)


def request(house: House, player: Player, *, refresh: bool = False) -> int:
    """The id of the run that the connector has asked for, as `connector run` does."""
    with as_tenant(house.engine, player.tenant_id) as session:
        refresh = refresh or player.starts_over
        run_id = runs.request(session, player.tenant_id, player.connector_id, refresh=refresh)
    dispatch.wake(house.engine, house.settings, publish, player.connector_id)
    return run_id


def _links(house: House, role: Role) -> list[Mapping[str, int | None]]:
    """Which storefront shows which part of the tree; as many as the store has."""
    neighbours.put_connector(house.settings.saleslayer_url, role.code, DEFAULT_SECRET, role.catalogue)
    found = [Channel(number, name) for number, (name, _) in enumerate(role.storefronts, start=1)]
    opened = neighbours.open_store(
        house.settings.bigcommerce_url,
        role.store_hash,
        {
            "token": STORE_TOKEN,
            "plan": role.plan,
            "latency": role.latency,
            "channels": [{"id": channel.id, "name": channel.name} for channel in found],
        },
    )
    if not opened:
        found = neighbours.channels(house.settings.bigcommerce_url, role.store_hash, STORE_TOKEN)
    return [
        {"storefront": channel.id, "root": root} for channel, (_, root) in zip(found, role.storefronts, strict=False)
    ]
