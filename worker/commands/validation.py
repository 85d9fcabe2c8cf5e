"""Is all in order before anything runs: what must be put right, each a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import reads
from worker.bigcommerce.client import Client as StoreClient
from worker.catalog.profile import Profile
from worker.catalog.store import DEFAULT_LOCATION
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.errors import CredentialsRefused, ProfileUnusable, RefusedByStore, ScopeMissing, StoreGone, WorkerError
from worker.ledger import connectors, mirror, source_items
from worker.ledger.connectors import Connector
from worker.ledger.mirror import State
from worker.ledger.session import as_tenant
from worker.rules import mapping
from worker.scheduling.neighbours import Neighbours

Row = dict[str, Any]


def problems(desk: Desk, tenant_id: int, connector_id: int) -> Iterator[str]:
    """All that must be put right, each a sentence; no transaction is open while a neighbour is asked."""
    neighbours: Neighbours | None = None
    with as_tenant(desk.engine, tenant_id) as session:
        try:
            known = connectors.load(session, connector_id)
        except ProfileUnusable as trouble:
            for fault in trouble.faults:
                yield f"{fault}: give the connector another one."
            return
        if known is None:
            raise Refusal(Why.UNKNOWN, f"there is no connector {connector_id}.")
        state = mirror.state(session, connector_id)
        roots = {row.source_id for row in source_items.categories(session, connector_id) if not row.gone}
        try:
            neighbours = desk.meet(known, session)
        except CredentialsRefused as trouble:
            yield f"credentials: {trouble}."
    if not known.enabled:
        yield f"the connector is switched off ({known.disabled_reason}): enable it when that is mended."
    if neighbours is not None:
        try:
            yield from _of_the_source(neighbours, known.profile)
            yield from _of_the_store(neighbours, known)
        finally:
            neighbours.close()
    yield from _of_the_mapping(known.profile, state, roots)


def _of_the_source(neighbours: Neighbours, profile: Profile) -> Iterable[str]:
    _, problem = _asked("source", neighbours.source.check)
    if problem:
        yield problem
    if neighbours.importer is not None:
        _, problem = _asked("source, for import", neighbours.importer.check)
        if problem:
            yield problem
    elif profile.storefront_list.columns():
        yield (
            "storefront_list: the connector has no import credentials, so the list is not written:"
            " give it import_code and import_secret."
        )


def _of_the_store(neighbours: Neighbours, known: Connector) -> Iterable[str]:
    """Each scope by a call that needs it; where the token itself is refused, one sentence is enough."""
    store = neighbours.store
    try:
        _, problem = _asked("store information", lambda: reads.store_info(store), "Information & settings: read-only")
        if problem:
            yield problem
        channels, problem = _asked("channels", lambda: reads.channels(store), "Channel settings: read-only")
        if problem:
            yield problem
        yield from _of_the_storefronts(known.profile, channels)
        ids = [int(row["id"]) for row in channels or [{"id": 1}]]
        _, problem = _asked("category trees", lambda: reads.trees(store, ids), "Products: modify")
        if problem:
            yield problem
        _, problem = _asked("products", lambda: reads.products(store, limit=1), "Products: modify")
        if problem:
            yield problem
        yield from _of_the_stock(store, known.profile)
    except _HopelessError as end:
        yield str(end)


def _of_the_stock(store: StoreClient, profile: Profile) -> Iterable[str]:
    """Where stock goes through the inventory API: whether its location is there."""
    if not profile.switches.overwrite_stock and profile.stock_location == DEFAULT_LOCATION:
        return
    locations, problem = _asked("stock locations", lambda: reads.locations(store), "Locations: read-only")
    if problem:
        yield problem
    elif profile.stock_location not in {int(row["id"]) for row in locations}:
        there = ", ".join(f"{row['id']} ({row.get('label')})" for row in locations)
        yield f"stock: the store has no location {profile.stock_location}, it has {there}: put one into the profile."


def _of_the_storefronts(profile: Profile, channels: list[Row] | None) -> Iterable[str]:
    if channels is None:
        return
    there = {int(row["id"]): str(row["name"]) for row in channels}
    shown = ", ".join(f"{one} ({name})" for one, name in there.items())
    if not there:
        yield "the store has no storefront: create one in BigCommerce."
        return
    for link in profile.storefronts:
        if link.storefront not in there:
            yield (
                f"storefronts: the store has no storefront {link.storefront}, it has {shown}:"
                " put one of these into the profile, or take the link out."
            )


def _of_the_mapping(profile: Profile, state: State, categories: set[int]) -> Iterable[str]:
    """The profile against what the source was seen to export; before the first reading there is nothing to compare."""
    if state.columns is None:
        return
    for fault in mapping.settle(profile, state.columns)[1]:
        yield f"mapping: {fault}: change the profile, or export it at Sales Layer."
    if ItemKind.CATEGORY in state.columns.of:
        for link in profile.storefronts:
            if link.root is not None and link.root not in categories:
                yield (
                    f"storefronts: the source has no category {link.root}, the root of storefront {link.storefront}:"
                    " put another one into the profile, or bring it back at Sales Layer."
                )


class _HopelessError(WorkerError):
    """No further question to this neighbour would be answered otherwise."""


def _asked(what: str, ask: Callable[[], Any], scope: str | None = None) -> tuple[Any, str | None]:
    """The answer, or the sentence that says what is wrong and what to do."""
    try:
        return ask(), None
    except ScopeMissing:
        return None, f"{what}: the store's API account lacks the scope '{scope}': create an account that has it."
    except CredentialsRefused as trouble:
        text = f"{what}: {_ended(trouble)} Give the connector the right ones."
        if scope is None:
            return None, text
        raise _HopelessError(text) from trouble
    except RefusedByStore as refusal:
        return None, f"{what}: the store refuses to say ({refusal}): check store hash and API account."
    except StoreGone as trouble:
        raise _HopelessError(f"{what}: {_ended(trouble)} Check the store hash and BIGCOMMERCE_URL.") from trouble
    except WorkerError as trouble:
        text = f"{what}: {_ended(trouble)} If it lasts, check the address and the network."
        if scope is None:
            return None, text
        raise _HopelessError(text) from trouble


def _ended(trouble: WorkerError) -> str:
    return str(trouble).rstrip(".") + "."
