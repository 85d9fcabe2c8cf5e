"""Read all that the store holds: storefronts, trees, categories, products with their variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import decode, reads
from worker.bigcommerce.limits import PRODUCTS_PER_PAGE
from worker.bigcommerce.unread import Unread
from worker.catalog.store import StoreRow
from worker.errors import RefusedByStore, StoreGone, StoreUnwell
from worker.ledger import (
    changes,
    connectors,
    lost_parts,
    mirror,
    related,
    relations,
    runs,
    source_items,
    store_facts,
    store_items,
)
from worker.ledger.session import Session
from worker.rules import storefronts
from worker.steps import reading, store_time, storefront_list
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write, answered

SMALLEST_PAGE = 10
"""A page of products is halved down to this before the store counts as unwell."""
MOST_BYTES = 8 * 2**20
"""A page that is larger is followed by smaller ones: families of six hundred variants come 250 at a time otherwise."""
MOST_ROWS = 1_500
"""Rows of products and variants, new ones, that are held and kept at a time; some more where a product has them."""


def read_store(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Keep what the store holds, and find which of our relations have lost their store item."""
    kept = dict(cursor or {"part": "storefronts"})
    if kept["part"] == "storefronts":
        (channels, found), leaving = yield from answered(tools, lambda: _storefronts(tools))
        part = "time" if store_time.is_wanted(tools) else "list"
        kept = {"part": part, "page": 1, "trees": [one["tree_id"] for one in found]}
        if (yield Save(kept, _beginning(tools, channels, found))) or leaving:
            return False
    if kept["part"] == "time":
        kept |= {"part": "list"}
        if not (yield from store_time.learn(tools, dict(kept))):
            return False
    if kept["part"] == "list":
        kept |= {"part": "categories"}
        if storefront_list.is_wanted(tools) and not (yield from storefront_list.write(tools, dict(kept))):
            return False
    if kept["part"] == "categories":
        finished = yield from _categories(tools, kept)
        if not finished:
            return False
        kept = {"part": "products", "after": 0, "page": 1, "brands": {}}
    if not (yield from _products(tools, kept)):
        return False
    yield Save(None, lambda session: _finish(tools, session))
    return True


def _categories(tools: Toolbox, kept: dict[str, Any]) -> Step:
    page_number: int | None = kept["page"]
    while page_number is not None:
        number, trees = page_number, kept["trees"]
        page, leaving = yield from answered(tools, partial(reads.categories, tools.store, trees, page=number))
        rows = [decode.category(raw) for raw in page.rows]
        page_number = page.next
        kept["page"] = page_number
        cursor = kept if page_number else {"part": "products", "after": 0, "page": 1, "brands": {}}
        if (yield Save(dict(cursor), _keeping(tools, number, rows))) or leaving:
            return False
    return True


def _products(tools: Toolbox, kept: dict[str, Any]) -> Step:
    """Page by page by id; a page that the store cannot make is asked for again by halves (API facts §8).

    What was read of a page is kept by portions: each says after which id the next read begins.
    """
    size = PRODUCTS_PER_PAGE
    brands = {int(brand_id): str(name) for brand_id, name in kept["brands"].items()}
    after: int | None = kept["after"]
    while after is not None:
        try:
            page, leaving = yield from answered(tools, partial(reads.products, tools.store, after_id=after, limit=size))
        except StoreUnwell:
            # One that is down altogether is not asked for page after page.
            is_well, leaving = yield from answered(tools, partial(reads.is_well, tools.store))
            if size <= SMALLEST_PAGE or not is_well:
                raise
            if leaving:
                return False
            size //= 2
            continue
        unknown = {one.brand_id for one in page.rows} - set(brands) - {0}
        if unknown:
            named, left = yield from answered(tools, partial(reads.brands, tools.store, sorted(unknown)))
            brands |= {int(raw["id"]): str(raw["name"]) for raw in named}
            leaving = leaving or left
        if (written := sum(len(one.written) for one in page.rows)) > MOST_BYTES:
            size = max(SMALLEST_PAGE, size * MOST_BYTES // written)
        for portion in _portions(tools, page, brands):
            number, after = kept["page"], portion.next
            kept |= {"after": after, "page": number + 1, "brands": {str(one): name for one, name in brands.items()}}
            if (yield Save(dict(kept), _keeping(tools, number, portion.rows, portion.as_they_were))) or leaving:
                return after is None and not leaving
    return True


@dataclass(slots=True)
class _Portion:
    """What was read of some products of a page."""

    rows: list[StoreRow] = field(default_factory=list)
    as_they_were: dict[ItemKind, list[int]] = field(default_factory=lambda: {kind: [] for kind in ItemKind})
    """Ids of what is as it was, and is not read again."""
    next: int | None = None
    """The product's id after which it goes on."""


def _portions(tools: Toolbox, page: reads.Page[Unread], brands: Mapping[int, str]) -> Iterator[_Portion]:
    with tools.read() as session:
        known = store_items.as_read(session, tools.connector_id, [one.id for one in page.rows])
    portion = _Portion()
    for one in page.rows:
        if len(portion.rows) >= MOST_ROWS:
            yield portion
            portion = _Portion()
        now = decode.read_as(one, brands)
        if known.get(one.id) == now:
            portion.as_they_were[ItemKind.PRODUCT].append(one.id)
            portion.as_they_were[ItemKind.VARIANT] += one.variant_ids
        else:
            portion.rows += decode.product(one.read(), brands, read_as=now)
        portion.next = one.id
    portion.next = page.next
    yield portion


def _storefronts(tools: Toolbox) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """All storefronts by id, and those that the profile links (else the first) with their trees, made if need be."""
    try:
        channels = {int(raw["id"]): raw for raw in reads.channels(tools.store)}
    except RefusedByStore as refusal:
        raise StoreGone(f"the store {tools.store_hash} cannot be read: {refusal}") from refusal
    roots = {link.storefront: link.root for link in tools.profile.storefronts}
    if not roots:
        if not channels:
            raise StoreGone(f"the store {tools.store_hash} has no storefront; create one in BigCommerce")
        roots = {min(channels): None}
    lacking = [storefront for storefront in roots if storefront not in channels]
    if lacking:
        known = ", ".join(f"{one} ({raw['name']})" for one, raw in channels.items()) or "none"
        raise StoreGone(f"the store has no storefront {lacking[0]}; it has {known}: change the profile's storefronts")
    trees = {
        int(channel): int(raw["id"]) for raw in reads.trees(tools.store, sorted(roots)) for channel in raw["channels"]
    }
    for storefront in roots:
        if storefront not in trees:
            trees[storefront] = _new_tree(tools, storefront, str(channels[storefront]["name"]))
    return {one: str(raw["name"]) for one, raw in channels.items()}, [
        {
            "storefront_id": storefront,
            "name": str(channels[storefront]["name"]),
            "tree_id": trees[storefront],
            "root_id": root,
        }
        for storefront, root in sorted(roots.items())
    ]


def _new_tree(tools: Toolbox, storefront: int, name: str) -> int:
    """A new storefront may have no tree yet (API facts §6); two answers to one request make one tree."""
    answer = tools.store.put("/v3/catalog/trees", [{"name": name, "channels": [storefront]}])
    rows: Sequence[Mapping[str, Any]] = answer.data or reads.trees(tools.store, [storefront])
    return int(next(raw["id"] for raw in rows if storefront in raw["channels"]))


def _beginning(tools: Toolbox, channels: Mapping[int, str], found: Sequence[Mapping[str, Any]]) -> Write:
    def write(session: Session) -> None:
        before = store_facts.storefronts(session, tools.connector_id)
        told = {store_facts.STOREFRONTS: sorted([one, name] for one, name in channels.items())}
        # The mirror is locked before the connector, as whoever saves a profile does.
        if before not in ({}, dict(channels)) and _are_named(tools, session):
            # What a cell names may mean another storefront by now, or one for the first time.
            mirror.look_at_all(session, tools.connector_id)
        store_facts.learn(session, tools.connector_id, told)
        connectors.keep_storefronts(session, tools.tenant_id, tools.connector_id, found)
        store_items.begin_read(session, tools.connector_id)

    return write


def _are_named(tools: Toolbox, session: Session) -> bool:
    """Whether items say by a field of theirs on which storefronts they are shown."""
    kinds = reading.mapped(tools, session)
    return any(storefronts.FIELD in one.fields for one in kinds.values())


def _keeping(
    tools: Toolbox, number: int, rows: Sequence[StoreRow], as_they_were: Mapping[ItemKind, Sequence[int]] | None = None
) -> Write:
    return lambda session: store_items.keep(session, tools.tenant_id, tools.connector_id, number, rows, as_they_were)


def _finish(tools: Toolbox, session: Session) -> None:
    """All pages are there. A store item of ours that somebody removed is found, said, and made again."""
    store_items.finish_read(session, tools.connector_id)
    if tools.refresh:
        _restore_parts(tools, session)
    rebuilt = set().union(*changes.standing_rebuilds(session, tools.connector_id).values())
    lost = [
        one
        for one in relations.vanished(session, tools.connector_id)
        if one.key.kind is not ItemKind.VARIANT or one.key.source_id not in rebuilt
    ]
    if not lost:
        return
    related.unsettle(session, tools.connector_id, [one.key for one in lost])
    relations.forget(session, tools.connector_id, [one.key for one in lost])
    for kind in ItemKind:
        ids = sorted({one.key.source_id for one in lost if one.key.kind is kind})
        if ids:
            source_items.make_due(session, tools.connector_id, kind, ids)
            runs.say(
                session,
                tools.tenant_id,
                tools.run_id,
                level="warning",
                code="removed_in_store",
                message=f"{len(ids)} {kind} items were removed in the store by hand and are made again: {_some(ids)}",
            )


def _some(ids: Sequence[int]) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(map(str, ids[:5])) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


def _restore_parts(tools: Toolbox, session: Session) -> None:
    """A forced refresh makes pictures and custom fields again that somebody removed from our products."""
    if products := lost_parts.forget(session, tools.connector_id):
        runs.say(
            session,
            tools.tenant_id,
            tools.run_id,
            level="warning",
            code="parts_restored",
            message=f"{len(products)} products lack pictures or custom fields that were removed in the store by hand;"
            f" they are made again: {_some(products)}",
        )
