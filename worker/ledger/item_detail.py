"""One item, with all that is known of it: its statuses, its places in the store, its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.calls import Sent
from worker.catalog.items import Problem
from worker.ledger import source_items
from worker.ledger.register import storefront_names
from worker.ledger.session import Session
from worker.ledger.source_items import SourceRow
from worker.ledger.statement import text


@dataclass(frozen=True, slots=True)
class Status:
    """What an item last came to on one storefront, with all its problems."""

    storefront_id: int
    storefront: str
    outcome: str
    code: str | None
    message: str | None
    problems: tuple[Problem, ...]
    answer: str | None
    run_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """The store item that it is on one storefront."""

    storefront_id: int
    storefront: str
    store_id: int
    parent_store_id: int | None
    created_here: bool
    """Whether this connector made the store item; else it was found there."""
    enabled: bool
    """Whether the store shows it, as far as we have said."""
    linked_at: datetime
    sent: Mapping[str, Any]
    """Field -> the value that was last sent."""
    held: Mapping[str, Any] | None
    """What the store held of it when it was last read, in the shape of `bigcommerce/decode.py`; None = not read yet."""


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of an item."""

    kind: ItemKind
    source_id: int
    row: SourceRow | None
    """As the mirror has it."""
    statuses: tuple[Status, ...]
    links: tuple[Link, ...]
    source_read_at: datetime | None
    store_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Came:
    """What an item came to in one run."""

    run_id: int
    storefront_id: int
    storefront: str
    outcome: str
    code: str | None
    message: str | None
    at: datetime


def known(session: Session, connector_id: int, kind: ItemKind, source_id: int) -> Known | None:
    """All that is known of the item; None where nobody has ever heard of it."""
    given = {"connector": connector_id, "kind": kind.value, "id": source_id}
    names = storefront_names(session, connector_id)
    statuses = tuple(
        Status(
            row.storefront_id,
            names.get(row.storefront_id, str(row.storefront_id)),
            row.outcome,
            row.code,
            row.message,
            tuple(Problem(**one) for one in row.problems or ()),
            row.answer,
            row.run_id,
            row.at,
        )
        for row in session.execute(
            text(
                "SELECT storefront_id, outcome, code, message, problems, answer, run_id, at FROM item_status"
                " WHERE connector_id = (SELECT :connector) AND kind = :kind AND source_id = :id ORDER BY storefront_id"
            ),
            given,
        )
    )
    links = tuple(
        Link(row[0], names.get(row[0], str(row[0])), *row[1:])
        for row in session.execute(
            text("""
            SELECT l.storefront_id, l.store_id, l.parent_store_id, l.created_here, l.enabled, l.linked_at, l.sent,
              (SELECT s.fields FROM store_item s WHERE s.connector_id = (SELECT :connector) AND s.kind = l.kind
                 AND s.store_id = l.store_id) AS held
            FROM relation l WHERE l.connector_id = (SELECT :connector) AND l.kind = :kind AND l.source_id = :id
            ORDER BY l.storefront_id
            """),
            given,
        )
    )
    found = source_items.rows(session, connector_id, kind, [source_id])
    if not (found or statuses or links):
        return None
    read = session.execute(
        text("SELECT read_at, store_read_at FROM mirror WHERE connector_id = :connector"), {"connector": connector_id}
    ).one()
    return Known(kind, source_id, found[0] if found else None, statuses, links, read.read_at, read.store_read_at)


def history(
    session: Session,
    connector_id: int,
    kind: ItemKind,
    source_id: int,
    *,
    after: tuple[int, int] | None = None,
    limit: int = 100,
) -> list[Came]:
    """What the item came to in the runs that touched it, the newest first, in each by storefront.

    `after` is the run and storefront behind which it goes on.
    """
    names = storefront_names(session, connector_id)
    rows = session.execute(
        text(
            "SELECT run_id, storefront_id, outcome, code, message, at FROM item_history"
            " WHERE connector_id = (SELECT :connector) AND kind = :kind AND source_id = :id"
            " AND (CAST(:run AS bigint) IS NULL OR run_id <= :run AND (run_id < :run OR storefront_id > :storefront))"
            " ORDER BY run_id DESC, storefront_id LIMIT :limit"
        ),
        {
            "connector": connector_id,
            "kind": kind.value,
            "id": source_id,
            "run": None if after is None else after[0],
            "storefront": None if after is None else after[1],
            "limit": limit,
        },
    )
    return [Came(row[0], row[1], names.get(row[1], str(row[1])), *row[2:]) for row in rows]


def categories_of(session: Session, connector_id: int, store_ids: Iterable[int]) -> dict[int, int]:
    """Store id -> source id, of the store's categories that are ours."""
    rows = session.execute(
        text(
            "SELECT store_id, source_id FROM relation WHERE connector_id = (SELECT :connector)"
            " AND kind = 'category' AND store_id = ANY(:ids)"
        ),
        {"connector": connector_id, "ids": list(store_ids)},
    )
    return {row[0]: row[1] for row in rows}


def variants_of(session: Session, connector_id: int, product_id: int) -> list[int]:
    """The source ids of the product's variants, those that are gone left out."""
    rows = session.scalars(
        text(
            "SELECT source_id FROM source_item WHERE connector_id = (SELECT :connector) AND kind = (SELECT 'variant')"
            " AND parent_id = :id AND NOT gone ORDER BY source_id"
        ),
        {"connector": connector_id, "id": product_id},
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class SentIn:
    """In which run a change was sent, and when the run last told of the item."""

    run_id: int
    storefront_id: int
    at: datetime


MOST_RUNS = 200
"""So many runs back it is looked for what was sent of an item."""


def sent(session: Session, connector_id: int, kind: ItemKind, source_id: int) -> list[tuple[SentIn, Sent]]:
    """The changes by which the item was sent, the newest first, as far as runs are kept."""
    rows = session.execute(
        text(
            "SELECT run_id, storefront_id, at, calls FROM item_history"
            " WHERE connector_id = (SELECT :connector) AND kind = :kind AND source_id = :id AND calls <> '[]'"
            " ORDER BY run_id DESC, storefront_id LIMIT :most"
        ),
        {"connector": connector_id, "kind": kind.value, "id": source_id, "most": MOST_RUNS},
    )
    return [
        (SentIn(row.run_id, row.storefront_id, row.at), Sent.from_json(one))
        for row in rows
        for one in reversed(row.calls)
    ]


@dataclass(frozen=True, slots=True)
class PendingNow:
    """A change of the item that is still to be sent."""

    storefront_id: int
    action: str
    state: str
    attempts: int
    run_id: int
    groups: tuple[str, ...]
    before: int
    """Changes of the connector that go before it."""


def pending(session: Session, connector_id: int, kind: ItemKind, source_id: int) -> list[PendingNow]:
    """What is still to be sent of the item itself, in its order."""
    rows = session.execute(
        text("""
        SELECT p.storefront_id, p.action, p.state, p.attempts, p.run_id, p.payload -> 'groups' AS groups,
          (SELECT count(*) FROM pending_change b WHERE b.connector_id = (SELECT :connector)
            AND (b.wave, b.id) < (p.wave, p.id)) AS before
        FROM pending_change p WHERE p.connector_id = (SELECT :connector) AND p.kind = :kind AND p.source_id = :id
        ORDER BY p.wave, p.id
        """),
        {"connector": connector_id, "kind": kind.value, "id": source_id},
    )
    return [
        PendingNow(row[0], row[1], row[2], row[3], row[4], tuple(sorted(row.groups or ())), row.before) for row in rows
    ]
