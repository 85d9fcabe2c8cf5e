"""What the large tables cost, plain and in partitions: `make bench T=tables`.

One database with a million item statuses of one connector and a hundred thousand of others tells the bytes of a row
of each table, indexes included, and from them how large a house of 10,000 connectors with 60,000 items is. Then
`item_status` and `item_history` are copied, whole and into parts by hash of the connector and by month, and each copy
is written, pruned and vacuumed. What comes of it is decision 0018.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, text

from sandbox.bench.studies.filled import opened

STATUSES = 1_000_000
CONNECTORS, ITEMS = 10_000, 60_000
RUNS_KEPT = 90
"""Runs whose history a connector keeps: one a day for as long as history is kept by default."""
TOUCHED = 0.02
"""Share of a connector's items that such a run touches."""
PARTS = 32
MONTHS = 12
BATCH = 2_000
"""Rows of one write: as many as a slice records at a time, and more."""
BATCHES = 20
PORTION = 20_000
"""Rows that are pruned at a time (`worker.ledger.retention.PORTION`)."""

LARGE = ("source_item", "item_text", "store_item", "relation", "item_status", "item_history")
PER_ITEM = {"store_item": 1.0, "item_history": RUNS_KEPT * TOUCHED}
"""Rows of an item, where it is not one."""


@dataclass(frozen=True, slots=True)
class Size:
    """A table as it was filled."""

    name: str
    rows: int
    heap: float
    """Bytes of a row in the table itself, what is stored out of line included."""
    indexes: float

    @property
    def gigabytes(self) -> float:
        """Of the whole house."""
        return CONNECTORS * ITEMS * PER_ITEM.get(self.name, 1.0) * (self.heap + self.indexes) / 1e9


@dataclass(frozen=True, slots=True)
class Trial:
    """What a copy of a table took, in seconds but for the sizes."""

    table: str
    form: str
    fill: float
    """A million rows."""
    write: float
    """A batch of rows that are there, written again."""
    plan: float
    """To plan the question for one item."""
    read: float
    prune: float
    """A month or a connector let go, per million rows."""
    vacuum: float
    """The whole table afterwards."""
    left: float
    """Its size then, as a share of what it was."""


@dataclass(frozen=True, slots=True)
class Room:
    """What room on its pages does for `relation`, whose fingerprints change with each sending."""

    fill_factor: int
    in_place: float
    """Share of the changes for which no index was written (HOT)."""
    grown: float
    """Its size after five runs that changed a tenth of it each, as a share of what it was at fill factor 100."""


def main(scale: float) -> None:
    """Fill, measure, and print both tables."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    wanted = max(50_000, int(STATUSES * scale))
    console.print(f"tables: {wanted:,} item statuses of one connector; filling ...")
    with opened(wanted) as (filled, owner):
        sizes = list(_sizes(owner))
        console.print(_sizes_table(sizes))
        _even(owner)
        trials = [trial for form in FORMS for trial in _trials(owner, form)]
        rooms = [_room(owner, fill_factor) for fill_factor in FILL_FACTORS]
    console.print(_trials_table(trials))
    console.print(_rooms_table(rooms))
    figures = {
        "statuses": filled.statuses,
        "bytes": {one.name: round(one.heap + one.indexes) for one in sizes},
        "rooms": [[one.fill_factor, _short(one.in_place), _short(one.grown)] for one in rooms],
        "trials": [{name: _short(getattr(one, name)) for name in Trial.__slots__} for one in trials],
    }
    print(json.dumps(figures))  # noqa: T201 the last line, for programs


def _short(value: object) -> object:
    return round(value, 5) if isinstance(value, float) else value


def _sizes(owner: Engine) -> Iterator[Size]:
    with owner.connect() as connection:
        for name in LARGE:
            rows, heap, indexes = connection.execute(
                text(
                    "SELECT reltuples, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class WHERE oid = :t ::regclass"
                ),
                {"t": name},
            ).one()
            yield Size(name, int(rows), heap / rows, indexes / rows)


def _even(owner: Engine) -> None:
    """The rows to be copied: 64 connectors of the same size, over twelve months."""
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for name in ("item_status", "item_history"):
            connection.execute(text(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
            connection.execute(
                text(
                    f"CREATE UNLOGGED TABLE even_{name} AS SELECT * FROM {name} s"  # noqa: S608 names from above
                    " WHERE connector_id = (SELECT max(connector_id) FROM (SELECT connector_id FROM item_status"
                    " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) l)"
                )
            )
            # The history's months follow one another as runs do: the oldest rows stand first.
            connection.execute(
                text(
                    f"UPDATE even_{name} SET connector_id = 1 + abs(hashint8(source_id)) % 64,"  # noqa: S608 idem
                    " at = timestamptz '2026-01-01' + (run_id % 12) * interval '1 month' + interval '5 days'"
                )
            )


FORMS = ("plain", "hash", "month")


def _trials(owner: Engine, form: str) -> Iterator[Trial]:
    for table in ("item_status", "item_history"):
        if form != "month" or table == "item_history":  # a status has no age by which it could go
            yield _trial(owner, table, form)


def _trial(owner: Engine, table: str, form: str) -> Trial:
    name = f"{table}_{form}"
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as at:
        at.execute(text("SET statement_timeout = 0"))
        for statement in _made(table, name, form):
            at.execute(text(statement))
        rows = int(at.scalar(text(f"SELECT count(*) FROM even_{table}")) or 0)  # noqa: S608 names from above
        key = "connector_id, kind, source_id, storefront_id" + (", run_id" if table == "item_history" else "")
        key += ", at" if form == "month" else ""
        order = " ORDER BY at" if table == "item_history" else ""
        fill = _took(lambda: at.execute(text(f"INSERT INTO {name} SELECT * FROM even_{table}{order}")))  # noqa: S608
        at.execute(text(f"VACUUM (ANALYZE) {name}"))
        full = _size(at, name)
        write = _took(lambda: _written(at, table, name, key)) / BATCHES
        plan, read = _asked(at, table, name)
        gone, prune = _pruned(at, table, name, form)
        vacuum = _took(lambda: at.execute(text(f"VACUUM {name}")))
        left = _size(at, name) / full
        at.execute(text(f"DROP TABLE {name}"))
    return Trial(table, form, fill / rows * 1e6, write, plan, read, prune / max(1, gone) * 1e6, vacuum, left)


def _made(table: str, name: str, form: str) -> Iterator[str]:
    """The copy, with the same indexes, and the key that its form allows."""
    if form == "plain":
        yield f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"
    elif form == "hash":
        yield f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL) PARTITION BY HASH (connector_id)"
        for n in range(PARTS):
            yield f"CREATE TABLE {name}_{n} PARTITION OF {name} FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {n})"
    else:
        yield f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS) PARTITION BY RANGE (at)"
        yield f"ALTER TABLE {name} ADD PRIMARY KEY (connector_id, kind, source_id, storefront_id, run_id, at)"
        yield f"CREATE INDEX ON {name} (connector_id, run_id)"
        for n in range(1, MONTHS + 1):
            until = f"'2026-{n + 1:02}-01'" if n < MONTHS else "'2027-01-01'"
            yield f"CREATE TABLE {name}_{n} PARTITION OF {name} FOR VALUES FROM ('2026-{n:02}-01') TO ({until})"


def _written(at: Connection, table: str, name: str, key: str) -> None:
    """Batches of rows that are there, each of one connector, as a slice records them."""
    for number in range(BATCHES):
        at.execute(
            text(
                f"INSERT INTO {name} SELECT * FROM even_{table} WHERE connector_id = :c LIMIT :n"  # noqa: S608
                f" ON CONFLICT ({key}) DO UPDATE SET outcome = excluded.outcome, message = 'again'"
                + (", run_id = excluded.run_id + 1" if table == "item_status" else "")
            ),
            {"c": 1 + number, "n": BATCH},
        )


def _asked(at: Connection, table: str, name: str) -> tuple[float, float]:
    """(planning, execution) in seconds of the question for one item, the mean of fifty."""
    plan = read = 0.0
    rows = at.execute(text(f"SELECT connector_id, kind, source_id FROM even_{table} LIMIT 50")).all()  # noqa: S608
    for row in rows:
        (found,) = at.execute(
            text(
                f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM {name} WHERE connector_id = (SELECT {row[0]})"  # noqa: S608
                f" AND kind = (SELECT '{row[1]}') AND source_id = {row[2]}"
            )
        ).one()
        plan, read = plan + found[0]["Planning Time"], read + found[0]["Execution Time"]
    return plan / len(rows) / 1e3, read / len(rows) / 1e3


def _pruned(at: Connection, table: str, name: str, form: str) -> tuple[int, float]:
    """(rows, seconds): a month of history is let go, by its partition where it has one; a status with its connector."""
    if form == "month":
        gone = int(at.scalar(text(f"SELECT count(*) FROM {name}_1")) or 0)  # noqa: S608 names from above
        return gone, _took(lambda: at.execute(text(f"DROP TABLE {name}_1")))
    which = "at < '2026-02-01'" if table == "item_history" else "connector_id <= 6"
    before = time.perf_counter()
    gone = 0
    while True:
        found = at.execute(
            text(
                f"DELETE FROM {name} WHERE (tableoid, ctid) IN ("  # noqa: S608 names from above
                f"SELECT tableoid, ctid FROM {name} WHERE {which} LIMIT {PORTION})"
            )
        ).rowcount
        gone += found
        if found < PORTION:
            return gone, time.perf_counter() - before


FILL_FACTORS = (100, 90, 80)


def _room(owner: Engine, fill_factor: int) -> Room:
    name = f"relation_{fill_factor}"
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as at:
        at.execute(text("SET statement_timeout = 0"))
        at.execute(text("ALTER TABLE relation NO FORCE ROW LEVEL SECURITY"))
        whole = _size(at, "relation")
        at.execute(text(f"CREATE TABLE {name} (LIKE relation INCLUDING ALL) WITH (fillfactor = {fill_factor})"))
        at.execute(text(f"INSERT INTO {name} SELECT * FROM relation ORDER BY connector_id, kind, source_id"))  # noqa: S608
        at.execute(text(f"VACUUM (ANALYZE) {name}"))
        changed = 0
        for number in range(5):
            changed += at.execute(
                text(
                    f"UPDATE {name} SET fingerprints = fingerprints || jsonb_build_object('price', md5(:n"  # noqa: S608
                    " || source_id))"
                    " WHERE abs(hashint8(source_id * 31 + CAST(:n AS int))) % 10 = 0"
                ),
                {"n": str(number)},
            ).rowcount
            at.execute(text(f"VACUUM {name}"))
        at.execute(text("SELECT pg_stat_force_next_flush()"))
        hot = at.scalar(text("SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = :name"), {"name": name})
        room = Room(fill_factor, int(hot or 0) / max(1, changed), _size(at, name) / whole)
        at.execute(text(f"DROP TABLE {name}"))
    return room


def _size(at: Connection, name: str) -> float:
    return float(
        at.scalar(
            text(
                "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(CAST(:name AS regclass)) WHERE isleaf"
            ),
            {"name": name},
        )
        or at.scalar(text("SELECT pg_total_relation_size(CAST(:name AS regclass))"), {"name": name})
    )


def _took(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _sizes_table(sizes: Sequence[Size]) -> Table:
    table = Table("table", "rows", "bytes/row", "of indexes", f"{CONNECTORS:,} x {ITEMS:,} items, rows", "GB")
    for one in sizes:
        rows = CONNECTORS * ITEMS * PER_ITEM.get(one.name, 1.0)
        figures = (f"{one.heap:.0f}", f"{one.indexes:.0f}", f"{rows / 1e6:,.0f} million", f"{one.gigabytes:,.0f}")
        table.add_row(one.name, f"{one.rows:,}", *figures)
    return table


def _trials_table(trials: Sequence[Trial]) -> Table:
    table = Table(
        "table",
        "form",
        "fill 1 M, s",
        f"write {BATCH:,}, ms",
        "plan, ms",
        "read, ms",
        "prune 1 M, s",
        "vacuum, s",
        "left",
    )
    for one in trials:
        milliseconds = (f"{1000 * value:.2f}" for value in (one.write, one.plan, one.read))
        table.add_row(
            one.table, one.form, f"{one.fill:.1f}", *milliseconds, f"{one.prune:.1f}", f"{one.vacuum:.2f}",
            f"{one.left:.0%}",
        )  # fmt: skip
    return table


def _rooms_table(rooms: Sequence[Room]) -> Table:
    table = Table("relation, fill factor", "changes in place", "size after five runs")
    for one in rooms:
        table.add_row(str(one.fill_factor), f"{one.in_place:.0%}", f"{one.grown:.0%}")
    return table
