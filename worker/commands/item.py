"""One item: all that is known of it, and that it be synchronised now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.calls import Call, Sent
from worker.catalog.profile import Profile
from worker.ledger import anew, connectors, item_detail, mirror, run_facts, source_items, store_facts
from worker.ledger.item_detail import Known, Link, SentIn
from worker.ledger.session import Session
from worker.rules import field_values, mapping
from worker.rules.mapping import Mapped
from worker.steps import reading


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an item, three times; None where nobody says anything."""

    name: str
    source: Any
    """Now at the source, as the profile's mapping reads it."""
    sent: Any
    """As it was last sent."""
    store: Any
    """In the store, as it was last read."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """The last call that wrote, or tried to, what the item was to be."""

    run_id: int
    action: str
    """The change that it was made for."""
    call: Call

    @property
    def at(self) -> datetime:
        """When its answer was there, or none came."""
        return datetime.fromtimestamp(self.call.at, UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """The item on one storefront (0 where the kind is not told apart), with its fields there."""

    storefront_id: int
    link: Link | None
    fields: tuple[Field, ...]
    last_call: LastCall | None
    """None where no run that is kept has made one."""


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known of an item."""

    known: Known
    name: str | None
    reference: str | None
    places: tuple[Place, ...]
    sent: tuple[tuple[SentIn, Sent], ...]
    """The changes by which it was sent, the newest first, as far as runs are kept."""
    is_judged: bool
    """Whether a run that closed its books has looked at it as it is now: without a status it is *unchanged* then."""


def detail(session: Session, connector_id: int, kind: ItemKind, source_id: int) -> Detail | None:
    """All that is known of the item; None where nobody has ever heard of it, or the connector is another tenant's."""
    connector = connectors.load(session, connector_id)
    known = item_detail.known(session, connector_id, kind, source_id) if connector is not None else None
    if connector is None or known is None:
        return None
    mapped = mapping_of(session, connector_id, connector.profile).get(kind)
    said: field_values.Values = {}
    cells: Mapping[str, Any] = known.row.cells if known.row is not None else {}
    if known.row is not None and not known.row.gone and mapped is not None:
        said = field_values.of_item(reading.item(known.row, {kind: mapped}).item)
    sent = tuple(item_detail.sent(session, connector_id, kind, source_id))
    places = tuple(
        Place(at, link, _fields(session, connector_id, kind, said, link), _last_call(at, sent))
        for at, link in sorted(_links(known).items())
    )
    fields = mapped.fields if mapped is not None else {}
    name, sku = cells.get(fields.get("name", "")), cells.get(fields.get("sku", ""))
    reference = sku or cells.get("REF")
    has_been = run_facts.last(session, connector_id).good_run is not None
    is_judged = has_been and not (known.row is not None and known.row.due)
    return Detail(known, _as_text(name), _as_text(reference), places, sent, is_judged)


def synchronise(session: Session, connector_id: int, kind: ItemKind, source_id: int) -> bool:
    """The next run compares the item with the store anew, and sends what the source says; False = no such item.

    A product brings its variants. A run is to be requested besides.
    """
    rows = source_items.rows(session, connector_id, kind, [source_id])
    if not rows:
        return False
    anew.mark(session, connector_id, kind, [source_id])
    if kind is ItemKind.PRODUCT:
        variants = item_detail.variants_of(session, connector_id, source_id)
        anew.mark(session, connector_id, ItemKind.VARIANT, variants)
    return True


def mapping_of(session: Session, connector_id: int, profile: Profile) -> dict[ItemKind, Mapped]:
    """The profile's mapping as far as it is right: what is wrong with it is told elsewhere."""
    columns = mirror.state(session, connector_id).columns
    if columns is None:
        return {}
    settled, _ = mapping.settle(profile, columns)
    there = store_facts.storefronts(session, connector_id)
    zone = store_facts.time_zone(session, connector_id)
    return {kind: replace(one, storefronts=there, time_zone=zone) for kind, one in settled.items()}


def _links(known: Known) -> dict[int, Link | None]:
    """Storefront -> the item's link there, wherever anything is known of it."""
    found: dict[int, Link | None] = {one.storefront_id: None for one in known.statuses}
    found |= {one.storefront_id: one for one in known.links}
    return found or {0: None}


def _last_call(storefront_id: int, sent: Iterable[tuple[SentIn, Sent]]) -> LastCall | None:
    """The newest on this storefront; a change that the store had already was sent by none."""
    for run, one in sent:
        if run.storefront_id == storefront_id and one.calls:
            return LastCall(run.run_id, one.action, one.calls[-1])
    return None


def _fields(
    session: Session, connector_id: int, kind: ItemKind, said: field_values.Values, link: Link | None
) -> tuple[Field, ...]:
    """The fields that the source says or that were sent, in the order of their names."""
    sent = dict(link.sent) if link is not None else {}
    held = field_values.in_store(kind, link.held) if link is not None and link.held is not None else {}
    if kind is ItemKind.PRODUCT and "categories" in held:
        ours = item_detail.categories_of(session, connector_id, held["categories"])
        # Those of others are the store's affair; one of ours stands there once for each storefront.
        held["categories"] = sorted({ours[one] for one in held["categories"] if one in ours})
    names = sorted({*said, *sent})
    return tuple(Field(name, said.get(name), sent.get(name), held.get(name)) for name in names)


def _as_text(cell: Any) -> str | None:
    return None if cell in (None, "", []) else str(cell)
