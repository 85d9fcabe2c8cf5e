"""What is still to be sent: intents, taken one by one off what is pending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.vocabulary import Action, ChangeState, ItemKind
from worker.catalog import changes
from worker.catalog.changes import Change
from worker.ledger.bulk import WRITTEN, rows_of, without_nul
from worker.ledger.session import Session
from worker.ledger.statement import text

QUARANTINED_AFTER = 3
"""Times that a change may fail for reasons of its own before it is left alone (law 8)."""
QUARANTINED = "quarantined"
"""The code of a change that was sent so often without an answer."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A change with its place in the queue; `unsure`: an earlier slice may have sent it."""

    id: int
    change: Change
    attempts: int
    unsure: bool = False


_COLUMNS = {
    "kind": "text",
    "source_id": "bigint",
    "storefront_id": "bigint",
    "action": "text",
    "wave": "int",
    "payload": WRITTEN,
}


def plan(
    session: Session, tenant_id: int, connector_id: int, run_id: int, planned: Iterable[tuple[int, Change]]
) -> None:
    """Keep changes as pending, each with its wave; one that is planned again replaces the older one."""
    values = []
    for wave, change in planned:
        key = changes.key(change)
        values.append(
            (
                key.kind.value,
                key.source_id,
                key.storefront_id,
                changes.action(change).value,
                wave,
                changes.to_json(change),
            )
        )
    if not values:
        return
    table, parameters = rows_of(_COLUMNS, values)
    session.execute(
        text(
            f"INSERT INTO pending_change (connector_id, tenant_id, run_id, {', '.join(_COLUMNS)})"  # noqa: S608
            f" SELECT :connector, :tenant, :run, r.* FROM {table}"
            " ON CONFLICT (connector_id, kind, source_id, storefront_id, action) DO UPDATE SET"
            " run_id = excluded.run_id, wave = excluded.wave, payload = excluded.payload,"
            # What may have been sent stays unsure: its new version is looked up before it goes out.
            " state = CASE WHEN pending_change.state = 'pending' THEN 'pending' ELSE 'unsure' END, attempts = 0"
        ),
        {"connector": connector_id, "tenant": tenant_id, "run": run_id, **parameters},
    )


_STANDS = "((action = 'rebuild' AND payload -> 'kept' <> 'null') OR action = 'prove')"
"""A rebuild that has read what it must keep, or that has to prove it: only its own end may take that away (law 3)."""


def standing_families(session: Session, connector_id: int) -> set[int]:
    """Products of whose variants an earlier run left a rebuild, or the proof of one."""
    rows = session.scalars(
        text(
            "SELECT coalesce((payload ->> 'product_id')::bigint, source_id) FROM pending_change"  # noqa: S608 constant
            f" WHERE connector_id = (SELECT :id) AND {_STANDS}"
        ),
        {"id": connector_id},
    )
    return set(rows)


def standing_rebuilds(session: Session, connector_id: int) -> dict[int, set[int]]:
    """Products whose variants an earlier run was rebuilding -> those variants."""
    rows = session.execute(
        text(
            "SELECT source_id, payload -> 'old_ids' FROM pending_change"  # noqa: S608 constant
            f" WHERE connector_id = (SELECT :id) AND action = 'rebuild' AND {_STANDS}"
        ),
        {"id": connector_id},
    )
    return {row[0]: {int(variant) for variant in row[1]} for row in rows}


def clear(session: Session, connector_id: int) -> None:
    """Drop what an earlier run left pending; what may have been sent stays, to be looked up."""
    session.execute(
        text(f"DELETE FROM pending_change WHERE connector_id = (SELECT :id) AND state = 'pending' AND NOT {_STANDS}"),  # noqa: S608
        {"id": connector_id},
    )


def doubt(session: Session, connector_id: int) -> None:
    """What an earlier slice was sending is unsure from now on (law 3)."""
    session.execute(
        text("UPDATE pending_change SET state = 'unsure' WHERE connector_id = (SELECT :id) AND state = 'sending'"),
        {"id": connector_id},
    )


def wave(session: Session, connector_id: int) -> int | None:
    """The first wave that still has something to be sent."""
    found = session.scalar(
        text("SELECT min(wave) FROM pending_change WHERE connector_id = (SELECT :id)"), {"id": connector_id}
    )
    return None if found is None else int(found)


def front(session: Session, connector_id: int) -> tuple[int, Change] | None:
    """The first wave that still has something to be sent, and the next change of it."""
    # What is being sent comes last: looked up by itself, so that no wave is read whole for its first row.
    row = session.execute(
        text("""
        WITH sending AS MATERIALIZED (
          SELECT id, wave, payload FROM pending_change WHERE connector_id = (SELECT :id) AND state = 'sending'
        ), waiting AS (
          SELECT id, wave, payload FROM pending_change WHERE connector_id = (SELECT :id) AND state <> 'sending'
          ORDER BY wave, id LIMIT 1
        )
        SELECT wave, payload::text AS payload FROM (
          SELECT *, false AS sent FROM waiting UNION ALL SELECT *, true FROM sending) front
        ORDER BY wave, sent, id LIMIT 1
        """),
        {"id": connector_id},
    ).first()
    return None if row is None else (row.wave, changes.from_json(row.payload))


def take(session: Session, connector_id: int, wave: int, *, limit: int) -> list[Pending]:
    """The next changes of this wave, marked *sending*: the intent, committed before the act."""
    # The wave's first rows stand in the order of (connector, wave, id), before those of later waves. With `wave =` the
    # order of ids alone would be asked for, and the primary key would give it, through everybody's changes.
    rows = session.execute(
        text("""
        WITH unsure AS MATERIALIZED (
          SELECT id, state FROM pending_change
          WHERE connector_id = (SELECT :connector) AND wave = :wave AND state = 'unsure'
        ), pending AS (
          SELECT id, state, wave FROM pending_change
          WHERE connector_id = (SELECT :connector) AND wave >= :wave AND state NOT IN ('unsure', 'sending')
          ORDER BY wave, id LIMIT :limit
        ), next AS (
          SELECT * FROM (SELECT * FROM unsure UNION ALL SELECT id, state FROM pending WHERE wave = :wave) n
          ORDER BY state = 'pending', id LIMIT :limit
        )
        UPDATE pending_change p SET state = 'sending' FROM next WHERE p.id = next.id AND p.state = next.state
        RETURNING p.id, p.payload::text AS payload, p.attempts, next.state
        """),
        {"connector": connector_id, "wave": wave, "limit": limit},
    ).all()
    return [
        Pending(row.id, changes.from_json(row.payload), row.attempts, row.state == ChangeState.UNSURE)
        for row in sorted(rows, key=lambda row: row.id)
    ]


def give_back(session: Session, pending: Sequence[Pending]) -> None:
    """These were taken and surely not sent: they are as they were."""
    for unsure in (False, True):
        ids = [one.id for one in pending if one.unsure is unsure]
        if ids:
            session.execute(
                text("UPDATE pending_change SET state = :state WHERE id = ANY(:ids)"),
                {"ids": ids, "state": ChangeState.UNSURE if unsure else ChangeState.PENDING},
            )


def retry_later(session: Session, ids: Sequence[int]) -> None:
    """These may have acted and no answer came: unsure, and one attempt is counted."""
    if not ids:
        return
    session.execute(
        text("UPDATE pending_change SET state = 'unsure', attempts = attempts + 1 WHERE id = ANY(:ids)"),
        {"ids": list(ids)},
    )


def try_again(session: Session, change_id: int, wave: int) -> None:
    """The change met a name or SKU that another one of this run may be about to give up: once more, later."""
    session.execute(
        text("UPDATE pending_change SET state = 'pending', attempts = attempts + 1, wave = :wave WHERE id = :id"),
        {"id": change_id, "wave": wave},
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """An item of ours under a name or SKU of the store, which it may give up: its own update waits."""

    source_id: int
    parent_id: int | None
    """The category's parent in the store, the variant's product."""
    keys: frozenset[str]


def holders_waiting(session: Session, connector_id: int, kind: ItemKind, keys: Iterable[str]) -> list[Holder]:
    """Who holds one of these names or SKUs, as they are compared, and waits with an update."""
    rows = session.execute(
        text("""
        SELECT l.source_id, s.parent_id, s.name_key, s.sku_key
        FROM store_item s JOIN relation l USING (connector_id, kind, store_id)
        JOIN pending_change p USING (connector_id, kind, source_id, storefront_id)
        WHERE s.connector_id = (SELECT :connector) AND s.kind = (SELECT :kind) AND p.action = 'update'
          AND (s.name_key = ANY(:keys) OR s.sku_key = ANY(:keys))
        """),
        {"connector": connector_id, "kind": kind.value, "keys": list(keys)},
    )
    return [Holder(row[0], row[1], frozenset({row[2], row[3]} - {None})) for row in rows]


def revise(session: Session, change_id: int, change: Change, wave: int) -> None:
    """The intent has grown (what a rebuild must keep): it is pending again, with that in it, in this wave."""
    session.execute(
        text(
            "UPDATE pending_change SET payload = CAST(:payload AS jsonb), state = 'pending', wave = :wave"
            " WHERE id = :id"
        ),
        {"id": change_id, "payload": without_nul(changes.to_json(change)), "wave": wave},
    )


def done(session: Session, ids: Iterable[int]) -> None:
    """These are sent and recorded: they are pending no more."""
    if wanted := list(ids):
        session.execute(text("DELETE FROM pending_change WHERE id = ANY(:ids)"), {"ids": wanted})


def drop_others(session: Session, connector_id: int, kind: ItemKind, ids: Iterable[int]) -> None:
    """Whatever else is pending for these items goes: the item itself could not be sent.

    Changes of a product's variants stand for themselves, and so does the proof of a variant's stock.
    """
    session.execute(
        text(
            "DELETE FROM pending_change WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND source_id = ANY(:ids) AND action <> 'prove'"
        ),
        {"connector": connector_id, "kind": kind.value, "ids": list(ids)},
    )


def categories_to_come(session: Session, connector_id: int) -> set[tuple[int, int]]:
    """(storefront, category) of the categories that are still to be created."""
    rows = session.execute(
        text(
            "SELECT storefront_id, source_id FROM pending_change"
            " WHERE connector_id = (SELECT :id) AND kind = 'category' AND action = 'create'"
        ),
        {"id": connector_id},
    )
    return {(row[0], row[1]) for row in rows}


def left(session: Session, connector_id: int) -> dict[tuple[str, str], int]:
    """(kind, action) -> how many changes are still to be sent."""
    rows = session.execute(
        text("SELECT kind, action, count(*) FROM pending_change WHERE connector_id = (SELECT :id) GROUP BY 1, 2"),
        {"id": connector_id},
    )
    return {(row[0], row[1]): row[2] for row in rows}


def sizes(planned: Iterable[Change]) -> dict[tuple[ItemKind, int, Action], int]:
    """(kind, storefront, action) -> how many items the changes are about, inline variants included."""
    counted: dict[tuple[ItemKind, int, Action], int] = {}
    for change in planned:
        key = changes.key(change)
        place = (key.kind, key.storefront_id, changes.action(change))
        counted[place] = counted.get(place, 0) + 1
        if isinstance(change, changes.CreateProduct) and change.variants:
            inline = (ItemKind.VARIANT, 0, Action.CREATE)
            counted[inline] = counted.get(inline, 0) + len(change.variants)
    return counted
