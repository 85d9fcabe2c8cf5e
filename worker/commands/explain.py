"""Why an item is in the shop as it is: source, mapping, change, call, answer, and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.vocabulary import TROUBLE, ChangeState, ItemKind
from worker.catalog.calls import Sent
from worker.catalog.values import text
from worker.commands import item
from worker.commands.item import Detail, Place
from worker.commands.refusal import Refusal, Why
from worker.commands.runs import there
from worker.ledger import item_detail
from worker.ledger.item_detail import PendingNow, SentIn
from worker.ledger.session import Session
from worker.rules import provenance
from worker.rules.provenance import Origin

LONGEST_CELL = 200
"""Characters of a value that are told."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A field from the source to the store."""

    name: str
    group: str | None
    origin: Origin
    cells: Mapping[str, Any]
    """Column -> what the source says in it."""
    source: Any
    """As the mapping reads it."""
    sent: Any
    store: Any
    differs: bool
    """What the source says is not what was last sent."""
    by: tuple[SentIn, Sent] | None
    """The change that last sent it; None where no kept run did."""


@dataclass(frozen=True, slots=True)
class Explained:
    """The item on one storefront."""

    place: Place
    fields: tuple[Traced, ...]
    last: tuple[SentIn, Sent] | None
    """The last change that was sent of it, with success or not."""
    pending: tuple[PendingNow, ...]
    reasons: tuple[str, ...]
    """What is open, and why, in sentences."""


def explain(
    session: Session, connector_id: int, kind: ItemKind, source_id: int
) -> tuple[Detail, tuple[Explained, ...]]:
    """All that led to what the store holds of the item; Refusal where nobody has heard of it."""
    profile = there(session, connector_id).profile
    detail = item.detail(session, connector_id, kind, source_id)
    if detail is None:
        raise Refusal(Why.UNKNOWN, f"there is no {kind} {source_id}: neither the source nor a run has told of one.")
    mapped = item.mapping_of(session, connector_id, profile).get(kind)
    cells = dict(detail.known.row.cells) if detail.known.row is not None else {}
    pending = item_detail.pending(session, connector_id, kind, source_id)
    found = []
    for place in detail.places:
        here = [one for one in detail.sent if one[0].storefront_id == place.storefront_id]
        fields = []
        for one in place.fields:
            origin = provenance.origin(kind, one.name, profile, mapped)
            fields.append(
                Traced(
                    one.name,
                    provenance.group_of(kind, one.name),
                    origin,
                    {
                        name: None if cell is None else text(cell)[:LONGEST_CELL]
                        for name, cell in provenance.cells(origin.columns, cells).items()
                    },
                    one.source,
                    one.sent,
                    one.store,
                    one.source is not None and one.source != one.sent,
                    provenance.last_sent(kind, one.name, here),
                )
            )
        mine = tuple(one for one in pending if one.storefront_id == place.storefront_id)
        reasons = tuple(_reasons(detail, place, fields, mine))
        found.append(Explained(place, tuple(fields), here[0] if here else None, mine, reasons))
    return detail, tuple(found)


def _reasons(detail: Detail, place: Place, fields: list[Traced], pending: tuple[PendingNow, ...]) -> list[str]:
    found = [_of_pending(one) for one in pending]
    row = detail.known.row
    if row is None:
        found.append("The mirror of the source does not have it any more.")
    elif row.gone:
        found.append("The source does not export it any more.")
    else:
        if row.refused:
            found.append(f"It was taken out before sending: {row.refused}.")
        if row.due:
            found.append("It is due: the next run plans it, since its outcome is open.")
        differing = sorted({one.group or one.name for one in fields if one.differs})
        if differing and place.link is not None:
            found.append(f"What the source says differs from what was last sent in: {', '.join(differing)}.")
    if place.link is None:
        found.append("It is linked to no item of the store here.")
    found += [
        f"It is {one.outcome}: {one.message or one.code}."
        for one in detail.known.statuses
        if one.storefront_id == place.storefront_id and one.outcome in TROUBLE
    ]
    return found


def _of_pending(one: PendingNow) -> str:
    groups = f" of {', '.join(one.groups)}" if one.groups else ""
    match ChangeState(one.state):
        case ChangeState.SENDING:
            where = "is being sent"
        case ChangeState.UNSURE:
            where = "may have been sent; it is looked up in the store first"
        case _:
            where = f"is pending; {one.before:,} changes go before it"
    return f"Run {one.run_id}: {one.action}{groups} {where}."
