"""What came of each item, and the books of a run.

A status is written when an item is touched; the run's counters move with
it in the same transaction. *Unchanged* is derived: known minus the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from models.vocabulary import ItemKind
from worker.catalog import json_text
from worker.catalog.calls import Sent
from worker.catalog.items import Key, Problem, Settled
from worker.ledger.bulk import WRITTEN, rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text
from worker.metrics import items

LONGEST_ANSWER = 2000
"""Characters of the store's own words that are kept with an item."""

_COLUMNS = {
    "kind": "text",
    "source_id": "bigint",
    "storefront_id": "bigint",
    "outcome": "text",
    "code": "text",
    "message": "text",
    "problems": "jsonb",
    "answer": "text",
}


def record(session: Session, tenant_id: int, connector_id: int, run_id: int, settled: Sequence[Settled]) -> None:
    """Write the outcomes of items, each once, with their history, and move the run's counters by what has changed."""
    unique = {one.key: one for one in settled}
    if not unique:
        return
    told: dict[int, str] = {}
    table, parameters = rows_of(
        {**_COLUMNS, "calls": WRITTEN},
        [
            (
                one.key.kind.value,
                one.key.source_id,
                one.key.storefront_id,
                one.outcome,
                one.code,
                one.message,
                [problem.to_json() for problem in one.problems],
                (one.answer or "")[:LONGEST_ANSWER] or None,
                _calls(one.sent, told),
            )
            for one in unique.values()
        ],
    )
    before = session.execute(
        text(
            "SELECT r.kind, r.storefront_id, s.outcome, count(*) FROM item_status s"  # noqa: S608 constant names
            f" JOIN {table} USING (kind, source_id, storefront_id) WHERE s.connector_id = (SELECT :connector)"
            " AND s.run_id = (SELECT :run) GROUP BY 1, 2, 3"
        ),
        {"connector": connector_id, "run": run_id, **parameters},
    )
    moved: dict[tuple[str, int, str], int] = {(row[0], row[1], row[2]): -row[3] for row in before}
    for one in unique.values():
        place = (one.key.kind.value, one.key.storefront_id, str(one.outcome))
        moved[place] = moved.get(place, 0) + 1
    session.execute(
        text(
            f"WITH r AS MATERIALIZED (SELECT * FROM {table}),"  # noqa: S608
            f" told AS (INSERT INTO item_status (connector_id, tenant_id, run_id, {', '.join(_COLUMNS)})"
            f" SELECT :connector, :tenant, :run, {', '.join(_COLUMNS)} FROM r"
            " ON CONFLICT (connector_id, kind, source_id, storefront_id) DO UPDATE SET run_id = excluded.run_id,"
            " outcome = excluded.outcome, code = excluded.code, message = excluded.message,"
            " problems = excluded.problems, answer = excluded.answer, at = now())"
            " INSERT INTO item_history AS h (connector_id, tenant_id, run_id, kind, source_id, storefront_id, outcome,"
            " code, message, calls) SELECT :connector, :tenant, :run, kind, source_id, storefront_id, outcome, code,"
            " message, calls FROM r"
            " ON CONFLICT (connector_id, kind, source_id, storefront_id, run_id) DO UPDATE SET"
            " outcome = excluded.outcome, code = excluded.code, message = excluded.message,"
            " calls = h.calls || excluded.calls, at = now()"
        ),
        {"connector": connector_id, "tenant": tenant_id, "run": run_id, **parameters},
    )
    add(session, tenant_id, run_id, moved)
    counted_once_it_stands(session, moved)


def _calls(sent: Sequence[Sent], told: dict[int, str]) -> str:
    """By which calls an item was sent, as JSON; a product and its variants share theirs, so they are written once."""
    if id(sent) not in told:
        told[id(sent)] = json_text.kept([one.to_json() for one in sent])
    return told[id(sent)]


def counted_once_it_stands(session: Session, moved: Mapping[tuple[str, int, str], int]) -> None:
    """Metrics count these outcomes when the transaction is committed: what is rolled back was none."""
    session.once_it_stands(lambda: items.booked(moved))


def add_calls(session: Session, connector_id: int, run_id: int, sent_by: Mapping[Key, Sequence[Sent]]) -> None:
    """Follow-ups that have changed nothing of what the run has told of their items: by which calls they were sent."""
    if not sent_by:
        return
    table, parameters = rows_of(
        {"kind": "text", "source_id": "bigint", "storefront_id": "bigint", "calls": "jsonb"},
        [
            (at.kind.value, at.source_id, at.storefront_id, [one.to_json() for one in sent])
            for at, sent in sent_by.items()
        ],
    )
    session.execute(
        text(
            f"UPDATE item_history h SET calls = h.calls || r.calls FROM {table}"  # noqa: S608
            " WHERE h.connector_id = (SELECT :connector) AND h.run_id = (SELECT :run) AND h.kind = r.kind"
            " AND h.source_id = r.source_id AND h.storefront_id = r.storefront_id"
        ),
        {"connector": connector_id, "run": run_id, **parameters},
    )


def add(session: Session, tenant_id: int, run_id: int, moved: Mapping[tuple[str, int, str], int]) -> None:
    """Move the run's counters: (kind, storefront, figure) -> by how much."""
    _figures(session, tenant_id, run_id, {place: by for place, by in moved.items() if by}, "c.count + excluded.count")


def put(session: Session, tenant_id: int, run_id: int, figures: Mapping[tuple[str, int, str], int]) -> None:
    """Set figures of the run: (kind, storefront, figure) -> count."""
    _figures(session, tenant_id, run_id, figures, "excluded.count")


def _figures(
    session: Session, tenant_id: int, run_id: int, figures: Mapping[tuple[str, int, str], int], becomes: str
) -> None:
    if not figures:
        return
    values = [(kind, storefront, figure, count) for (kind, storefront, figure), count in sorted(figures.items())]
    table, parameters = rows_of({"kind": "text", "storefront_id": "bigint", "figure": "text", "by": "bigint"}, values)
    session.execute(
        text(
            "INSERT INTO run_counter AS c (run_id, tenant_id, kind, storefront_id, figure, count)"  # noqa: S608 constants
            f" SELECT :run, :tenant, r.kind, r.storefront_id, r.figure, r.by FROM {table}"
            f" ON CONFLICT (run_id, kind, storefront_id, figure) DO UPDATE SET count = {becomes}"
        ),
        {"run": run_id, "tenant": tenant_id, **parameters},
    )


def forget_planned(session: Session, run_id: int) -> None:
    """What the run has planned so far counts no more: it plans anew."""
    session.execute(
        text("DELETE FROM run_counter WHERE run_id = :id AND (starts_with(figure, 'to_') OR figure = 'blanks')"),
        {"id": run_id},
    )


def counters(session: Session, run_id: int) -> dict[tuple[str, int, str], int]:
    """The run's figures: (kind, storefront, figure) -> count."""
    rows = session.execute(
        text("SELECT kind, storefront_id, figure, count FROM run_counter WHERE run_id = :id"), {"id": run_id}
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def tally(session: Session, connector_id: int, run_id: int) -> dict[tuple[str, int, str], int]:
    """The outcomes counted item by item: those of this run, and trouble that stands from earlier ones."""
    rows = session.execute(
        text("""
        SELECT s.kind, s.storefront_id, s.outcome, count(*) FROM item_status s
        WHERE s.connector_id = (SELECT :connector)
          AND (s.run_id = :run OR s.outcome IN ('rejected', 'failed', 'blocked'))
        GROUP BY 1, 2, 3
        """),
        {"connector": connector_id, "run": run_id},
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def tally_of_run(session: Session, connector_id: int, run_id: int) -> dict[tuple[str, int, str], int]:
    """The outcomes of this run alone, counted item by item."""
    rows = session.execute(
        text(
            "SELECT kind, storefront_id, outcome, count(*) FROM item_status"
            " WHERE connector_id = (SELECT :connector) AND run_id = :run GROUP BY 1, 2, 3"
        ),
        {"connector": connector_id, "run": run_id},
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def of_run(session: Session, connector_id: int, run_id: int, keys: Sequence[Key]) -> dict[Key, Settled]:
    """What these items have come to in this run so far."""
    if not keys:
        return {}
    table, parameters = rows_of(
        {"kind": "text", "source_id": "bigint", "storefront_id": "bigint"},
        [(key.kind.value, key.source_id, key.storefront_id) for key in keys],
    )
    rows = session.execute(
        text(
            "SELECT s.kind, s.source_id, s.storefront_id, s.outcome, s.code, s.message, s.problems, s.answer"  # noqa: S608
            f" FROM item_status s JOIN {table}"
            " USING (kind, source_id, storefront_id)"
            " WHERE s.connector_id = (SELECT :connector) AND s.run_id = (SELECT :run)"
        ),
        {"connector": connector_id, "run": run_id, **parameters},
    )
    found = {}
    for row in rows:
        at = Key(ItemKind(row[0]), row[1], row[2])
        found[at] = Settled(at, row[3], row[4], row[5], tuple(Problem(**one) for one in row[6] or ()), row[7])
    return found


def tally_of_known(
    session: Session, connector_id: int, run_id: int, shown: AbstractSet[tuple[int, int]]
) -> dict[tuple[str, int], int]:
    """How many of the items that the source has do not count as unchanged, by kind and storefront.

    An item that is unchanged and has a remark counts as unchanged all the same.

    `shown`: the (category, storefront) pairs that the storefronts show.
    """
    standing = "s.run_id = :run AND s.outcome <> 'unchanged' OR s.outcome IN ('rejected', 'failed', 'blocked')"
    rows = session.execute(
        text(f"""
        SELECT s.kind, 0, count(*) FROM item_status s JOIN source_item i USING (connector_id, kind, source_id)
        WHERE s.connector_id = (SELECT :connector) AND s.kind <> 'category' AND NOT i.gone AND ({standing}) GROUP BY 1
        """),  # noqa: S608 constant
        {"connector": connector_id, "run": run_id},
    )
    counted = {(row[0], row[1]): row[2] for row in rows}
    categories = session.execute(
        text(
            "SELECT s.source_id, s.storefront_id FROM item_status s"  # noqa: S608 constant
            f" WHERE s.connector_id = (SELECT :connector) AND s.kind = 'category' AND ({standing})"
        ),
        {"connector": connector_id, "run": run_id},
    )
    for source_id, storefront_id in categories:
        if (source_id, storefront_id) in shown:
            place = (ItemKind.CATEGORY.value, storefront_id)
            counted[place] = counted.get(place, 0) + 1
    return counted


def clear_trouble(
    session: Session, connector_id: int, kind: ItemKind, keys: Iterable[tuple[int, int]], run_id: int
) -> None:
    """These items ((id, storefront)) turn out unchanged: an older rejection, failure or remark does not stand."""
    values = list(keys)
    if not values:
        return
    table, parameters = rows_of({"source_id": "bigint", "storefront_id": "bigint"}, values)
    session.execute(
        text(
            f"DELETE FROM item_status s USING {table} WHERE s.connector_id = (SELECT :connector)"  # noqa: S608
            " AND s.kind = (SELECT :kind) AND s.source_id = r.source_id AND s.storefront_id = r.storefront_id"
            " AND s.run_id <> :run AND s.outcome IN ('rejected', 'failed', 'blocked', 'unchanged')"
        ),
        {"connector": connector_id, "kind": kind.value, "run": run_id, **parameters},
    )


def forget_gone(session: Session, connector_id: int) -> None:
    """Trouble of what is gone at the source and was never in the store, or on no linked storefront, is nobody's."""
    session.execute(
        text("""
        DELETE FROM item_status s USING source_item i
        WHERE s.connector_id = (SELECT :id) AND i.connector_id = s.connector_id AND i.kind = s.kind
          AND i.source_id = s.source_id AND i.gone AND s.outcome IN ('rejected', 'failed', 'blocked')
          AND NOT EXISTS (SELECT FROM relation l WHERE l.connector_id = s.connector_id AND l.kind = s.kind
            AND l.source_id = s.source_id)
        """),
        {"id": connector_id},
    )
    session.execute(
        text("""
        DELETE FROM item_status s WHERE s.connector_id = (SELECT :id) AND s.kind = (SELECT 'category')
          AND s.storefront_id <> 0 AND s.outcome IN ('rejected', 'failed', 'blocked')
          AND s.storefront_id NOT IN (SELECT f.storefront_id FROM storefront f WHERE f.connector_id = (SELECT :id))
        """),
        {"id": connector_id},
    )


def some(
    session: Session, connector_id: int, run_id: int, kind: str, storefront_id: int, outcome: str | None, *, limit: int
) -> list[Key]:
    """Items with this outcome of this run; None = with any, or with trouble that stands from earlier ones."""
    rows = session.scalars(
        text(
            "SELECT source_id FROM item_status WHERE connector_id = (SELECT :connector) AND kind = (SELECT :kind)"
            " AND storefront_id = :storefront AND (run_id = :run AND outcome = coalesce(:outcome, outcome)"
            "   OR CAST(:outcome AS text) IS NULL AND outcome IN ('rejected', 'failed', 'blocked'))"
            " ORDER BY source_id LIMIT :limit"
        ),
        {
            "connector": connector_id,
            "kind": kind,
            "storefront": storefront_id,
            "run": run_id,
            "outcome": outcome,
            "limit": limit,
        },
    )
    return [Key(ItemKind(kind), source_id, storefront_id) for source_id in rows]
