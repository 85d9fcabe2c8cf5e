"""What grows is let go again: by a run's end, by the caretaker, and never what may come back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.base import Base
from models.vocabulary import Scope
from worker.ledger import api_keys, mirror, removal, retention
from worker.ledger.session import as_scheduler, as_tenant
from worker.scheduling.caretaker import Caretaker
from worker.settings import Settings

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
LONG_AGO = "2020-01-01"


class Shop:
    """A connector with a mirror."""

    def __init__(self, engine: Engine, made: Any, insert: Callable[..., int]) -> None:
        self.engine, self.id, self.tenant_id, self.insert = engine, made.id, made.tenant_id, insert

    def item(self, kind: str, source_id: int, *, parent: int = 0, gone: bool = True, due: bool = False) -> None:
        values = {"kind": kind, "source_id": source_id, "parent_id": parent, "gone": gone, "due": due}
        self.insert(self.tenant_id, "source_item", connector_id=self.id, cells={}, raw_hash="gone", **values)

    def row(self, table: str, **values: object) -> int:
        return self.insert(self.tenant_id, table, connector_id=self.id, **values)

    def status(self, source_id: int, at: str) -> None:
        given = {"kind": "product", "source_id": source_id, "storefront_id": 0, "run_id": 1, "outcome": "disabled"}
        self.row("item_status", at=at, **given)

    def linked(self, source_id: int) -> None:
        given = {"kind": "product", "source_id": source_id, "storefront_id": 0, "store_hash": "s"}
        self.row("relation", store_id=source_id, created_here=True, **given)

    def run(self, state: str = "failed", ended_at: str = LONG_AGO) -> int:
        return self.row("run", state=state, trigger="check", ended_at=ended_at)

    def forget(self, portion: int = 1000) -> int:
        with as_tenant(self.engine, self.tenant_id) as session:
            return retention.forget_items(session, self.id, days=90, portion=portion)

    def ask(self, sql: str) -> list[Any]:
        with as_tenant(self.engine, self.tenant_id) as session:
            return [tuple(row) if len(row) > 1 else row[0] for row in session.execute(text(sql))]

    def known(self, table: str = "source_item") -> list[Any]:
        return self.ask(f"SELECT kind, source_id FROM {table} ORDER BY 1, 2")  # noqa: S608 a test's own


@pytest.fixture
def shop(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int]) -> Shop:
    return Shop(engine, a_connector(), a_row)


def test_what_is_gone_and_nowhere_in_the_store_is_forgotten_and_nothing_else(shop: Shop) -> None:
    shop.item("product", 1)  # nothing says anything of it
    shop.item("product", 2, gone=False)
    shop.item("product", 3, due=True)  # still to be looked at
    shop.item("product", 4)  # hidden in the store: it may come back
    shop.linked(4)
    shop.item("product", 5)  # something is still to be sent
    shop.row(
        "pending_change", run_id=1, kind="product", source_id=5, storefront_id=0, action="disable", wave=1, payload={}
    )
    shop.item("product", 6)  # told of lately
    shop.status(6, "2999-01-01")
    shop.item("product", 7)  # told of long ago
    shop.status(7, LONG_AGO)
    shop.item("product", 8)  # its variant is still there
    shop.item("variant", 80, parent=8, gone=False)
    shop.item("category", 9)
    assert shop.forget() == 2
    left = [("category", 9), *(("product", one) for one in (2, 3, 4, 5, 6, 8)), ("variant", 80)]
    assert shop.known() == shop.known("item_text") == left
    assert shop.ask("SELECT source_id FROM item_status") == [6]
    assert shop.ask("SELECT sum(count) FROM item_count") == [1]


def test_a_family_goes_variants_first_and_in_portions(shop: Shop) -> None:
    shop.item("product", 1)
    for one in (10, 11, 12):
        shop.item("variant", one, parent=1)
    assert [shop.forget(portion=2) for _ in range(4)] == [2, 1, 1, 0]
    assert shop.known() == shop.known("item_text") == []


def test_what_comes_back_after_it_was_forgotten_comes_whole(shop: Shop) -> None:
    shop.item("product", 1)
    assert shop.forget() == 1
    row = {"kind": "product", "source_id": 1, "cells": {"product_name": "Cup"}, "raw_hash": "x", "gone": False}
    shop.row("source_staged", name_key="cup", **row)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        mirror.take_over(session, shop.id, portion=10)
    assert shop.ask("SELECT cells ->> 'product_name', due, gone FROM source_item") == [("Cup", True, False)]
    assert shop.known("item_text") == [("product", 1)]


def test_a_runs_end_forgets_items_and_old_entries_of_the_journal(shop: Shop) -> None:
    shop.item("product", 1)
    for at in (LONG_AGO, LONG_AGO, "2999-01-01"):
        shop.row("journal", who="key a", what="enabled", at=at)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert retention.prune(session, shop.id, days=90) == 3
    assert shop.ask("SELECT count(*) FROM journal") == [1]


def a_caretaker(engine: Engine) -> Caretaker:
    return Caretaker(engine, Settings(retention_days=90))


def test_a_portion_that_old_slices_fill_leaves_the_rest_for_the_next(shop: Shop) -> None:
    with as_tenant(shop.engine, shop.tenant_id) as session:
        given = {"tenant": shop.tenant_id, "connector": shop.id}
        session.execute(
            text("INSERT INTO slice_log (tenant_id, connector_id, epoch, worker, started_at, ended_at) SELECT :tenant,"
                 " :connector, 1000 + n, 'w', '2020-01-01', '2020-01-01' FROM generate_series(1, 12) n"),
            given,
        )  # fmt: skip
        session.execute(
            text("INSERT INTO journal (tenant_id, connector_id, at, who, what) VALUES"
                 " (:tenant, :connector, '2020-01-01', 'x', 'disabled')"),
            given,
        )  # fmt: skip
    gone = []
    for _ in range(3):
        with as_tenant(shop.engine, shop.tenant_id) as session:
            gone.append(retention.prune(session, shop.id, days=90, portion=12))
    assert gone[0] == 12
    assert sum(gone) >= 13


def test_the_caretaker_comes_to_connectors_whose_runs_never_end_well(
    engine: Engine, shop: Shop, a_connector: Callable[..., Any], a_row: Callable[..., int]
) -> None:
    other = Shop(engine, a_connector("other", tenant="other"), a_row)
    for one in (shop, other):
        for _ in range(30):
            one.run()
        one.item("product", 1)
        for number in range(3):
            one.row("slice_log", epoch=number, worker="w", ended_at=LONG_AGO)
    caretaker = a_caretaker(engine)
    assert [caretaker.tidy_next(), caretaker.tidy_next()] == [15, 15]
    assert caretaker.tidy_next() == 0
    for one in (shop, other):
        assert one.ask("SELECT count(*) FROM run") == [19]
        assert one.known() == []
        assert one.ask("SELECT count(*) FROM slice_log") == [0]


def test_the_caretaker_leaves_alone_whom_somebody_works_on(engine: Engine, shop: Shop) -> None:
    for _ in range(30):
        shop.run()
    with as_scheduler(engine) as session:
        session.execute(text("UPDATE turn SET state = 'running', deadline = now() + interval '1 minute'"))
    assert a_caretaker(engine).tidy(shop.tenant_id) == 0
    with as_scheduler(engine) as session:
        session.execute(text("UPDATE turn SET state = 'parked', deadline = NULL"))
        assert a_caretaker(engine).tidy(shop.tenant_id) == 0, "somebody holds its turn just now"
    assert a_caretaker(engine).tidy(shop.tenant_id) == 11


def test_the_caretaker_lets_go_old_answers_and_keys(engine: Engine, shop: Shop) -> None:
    for key, at in (("a", LONG_AGO), ("b", "2999-01-01")):
        shop.insert(shop.tenant_id, "answered", key=key, asked="x", status=201, answer={}, at=at)
    with as_tenant(engine, shop.tenant_id) as session:
        for name in ("old", "young"):
            api_keys.add(session, tenant_id=shop.tenant_id, name=name, scope=Scope.READ, expires_in=1.0)
        api_keys.add(session, tenant_id=shop.tenant_id, name="for ever", scope=Scope.READ)
        session.execute(text("UPDATE api_key SET expires_at = '2020-01-01' WHERE name = 'old'"))
    a_caretaker(engine).tidy_next()
    assert shop.ask("SELECT key FROM answered") == ["b"]
    assert shop.ask("SELECT name FROM api_key ORDER BY 1") == ["for ever", "young"]


def told() -> dict[str, str]:
    """Table -> its line in the section "What grows" of docs/operations.md."""
    section = OPERATIONS.read_text(encoding="utf-8").partition("## What grows\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {name: row for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_table_has_its_line_and_every_line_its_table() -> None:
    assert sorted(told()) == sorted(table.name for table in Base.metadata.sorted_tables)


def test_what_is_said_to_go_with_the_connector_does() -> None:
    hang_on = {table.name for table in Base.metadata.sorted_tables if "connector_id" in table.c}
    hang_on |= {"run_counter", "run_message"}
    assert {name for name, row in told().items() if "with the connector" in row} == hang_on
    assert hang_on - set(removal.BELONGINGS) == {"turn", "run_counter", "run_message"}
