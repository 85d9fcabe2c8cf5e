"""The register tells what runs did, on a real Postgres."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models.vocabulary import ItemKind, Outcome, Phase, RunState
from worker.ledger import item_register, overview, register
from worker.ledger import progress as where
from worker.ledger.item_register import Item, Shown
from worker.ledger.register import Entry, ErrorGroup
from worker.ledger.session import as_scheduler, as_tenant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOWN = {ItemKind.PRODUCT: Shown("product_name", "product_sku"), ItemKind.VARIANT: Shown(None, None)}


class Shop:
    """One connector with rows to be looked at."""

    def __init__(self, engine: Engine, made: Any, insert: Callable[..., int]) -> None:
        self.engine, self.id, self.tenant_id, self._insert = engine, made.id, made.tenant_id, insert

    def a_run(self, state: str = "completed", *, listed: bool = True, **values: object) -> int:
        """A run of the connector; its id."""
        given = {"connector_id": self.id, "state": state, "trigger": "request", "listed": listed, **values}
        return self._insert(self.tenant_id, "run", **given)

    def a_figure(self, run_id: int, kind: str, figure: str, count: int, storefront: int = 0) -> None:
        """A figure of a run."""
        values = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
        self._insert(self.tenant_id, "run_counter", run_id=run_id, **values)

    def a_status(
        self, run_id: int, kind: str, source_id: int, outcome: str, storefront: int = 0, **more: object
    ) -> None:
        """What came of an item in a run."""
        values = {"kind": kind, "source_id": source_id, "storefront_id": storefront, "outcome": outcome, **more}
        self._insert(self.tenant_id, "item_status", connector_id=self.id, run_id=run_id, **values)

    def an_item(self, kind: str, source_id: int, parent: int = 0, **more: object) -> None:
        """An item of the mirror."""
        values = {"kind": kind, "source_id": source_id, "parent_id": parent, "cells": {}, "raw_hash": "x", **more}
        self._insert(self.tenant_id, "source_item", connector_id=self.id, **values)

    def a_change(self, run_id: int, kind: str, source_id: int, action: str) -> None:
        """A change that is still to be sent."""
        values = {"kind": kind, "source_id": source_id, "storefront_id": 0, "action": action, "wave": 1, "payload": {}}
        self._insert(self.tenant_id, "pending_change", connector_id=self.id, run_id=run_id, **values)

    def a_message(self, run_id: int, level: str, text: str) -> None:
        """Something said about a run."""
        self._insert(self.tenant_id, "run_message", run_id=run_id, level=level, code="source_broke_off", text=text)

    def a_storefront(self, storefront_id: int, name: str, root: int | None = None) -> None:
        """A storefront that the connector feeds."""
        values = {"storefront_id": storefront_id, "name": name, "tree_id": storefront_id, "root_id": root}
        self._insert(self.tenant_id, "storefront", connector_id=self.id, **values)

    def runs(self, limit: int = 19) -> list[Entry]:
        """The register."""
        with as_tenant(self.engine, self.tenant_id) as session:
            return register.runs(session, self.id, limit)

    def run(self, run_id: int) -> Entry:
        """One run of the register."""
        with as_tenant(self.engine, self.tenant_id) as session:
            found = register.run(session, run_id)
        assert found is not None
        return found

    def progress(self, run_id: int) -> where.Progress:
        """Where a run stands."""
        with as_tenant(self.engine, self.tenant_id) as session:
            found = where.of(session, run_id)
        assert found is not None
        return found

    def errors(self, run_id: int) -> list[ErrorGroup]:
        """A run's trouble in groups."""
        with as_tenant(self.engine, self.tenant_id) as session:
            return register.error_groups(session, self.id, run_id)

    def items(self, **wanted: Any) -> list[Item]:
        """Items as they are listed."""
        with as_tenant(self.engine, self.tenant_id) as session:
            return item_register.items(session, self.id, shown=SHOWN, **wanted)


@pytest.fixture
def shop(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int]) -> Shop:
    return Shop(engine, a_connector(), a_row)


def places(items: list[Item]) -> list[tuple[str, int, int]]:
    return [one.place for one in items]


def test_the_newest_run_comes_first_and_a_check_that_found_nothing_is_not_there(shop: Shop) -> None:
    first, hidden, last = shop.a_run(), shop.a_run("preparing", listed=False), shop.a_run("failed")
    assert [one.id for one in shop.runs()] == [last, first]
    assert [one.id for one in shop.runs(limit=1)] == [last]
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert register.run(session, hidden) is None
        assert where.of(session, hidden) is None
        assert register.counters(session, hidden) == {}


def test_another_tenant_sees_no_run(shop: Shop, a_connector: Callable[..., Any]) -> None:
    run_id = shop.a_run()
    stranger = a_connector("shop", tenant="other")
    with as_tenant(shop.engine, stranger.tenant_id) as session:
        assert register.runs(session, shop.id) == []
        assert register.run(session, run_id) is None
        assert item_register.items(session, shop.id) == []


def test_a_run_says_how_long_it_waited_and_how_long_it_took(shop: Shop) -> None:
    started, ended = NOON + timedelta(seconds=5), NOON + timedelta(seconds=65)
    entry = shop.run(
        shop.a_run(requested_at=NOON, started_at=started, ended_at=ended, slices=3, calls=201, source_calls=4)
    )
    assert (entry.waited, entry.seconds, entry.slices, entry.calls, entry.source_calls) == (5.0, 60.0, 3, 201, 4)
    assert entry.has_ended
    assert entry.phase is None


def test_a_run_that_has_not_begun_waits_on(shop: Shop) -> None:
    entry = shop.run(shop.a_run("queued", requested_at=NOON - timedelta(days=365)))
    assert entry.waited >= 0
    assert entry.seconds is None
    assert entry.phase is None


@pytest.mark.parametrize(
    ("state", "step", "phase"),
    [
        ("preparing", "read_source", Phase.PREPARATION),
        ("prepared", "send", Phase.SYNCHRONIZATION),  # the cursor stands before the first change
        ("synchronizing", "send", Phase.SYNCHRONIZATION),
        ("paused", "clean", Phase.PREPARATION),
        ("completed", "record", None),
    ],
)
def test_the_phase_follows_from_the_step(shop: Shop, state: str, step: str, phase: Phase | None) -> None:
    assert shop.run(shop.a_run(state, step=step, started_at=NOON)).phase is phase


def test_figures_are_told_by_kind_and_by_the_storefronts_name(shop: Shop) -> None:
    run_id = shop.a_run()
    shop.a_storefront(1, "Main")
    shop.a_storefront(2, "Men")
    shop.a_figure(run_id, "category", "created", 39, storefront=1)
    shop.a_figure(run_id, "category", "to_disable", 2, storefront=2)
    shop.a_figure(run_id, "category", "created", 1, storefront=7)
    shop.a_figure(run_id, "product", "created", 175)
    shop.a_figure(run_id, "product", "failed", 0)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert register.counters(session, run_id) == {
            "category": {"Main": {"created": 39}, "Men": {"to_disable": 2}, "7": {"created": 1}},
            "product": {"-": {"created": 175}},
        }


def test_storefronts_of_one_name_are_told_apart(shop: Shop) -> None:
    for storefront_id, name in ((1, "Shop"), (2, "Shop"), (3, "-"), (4, "Outlet")):
        shop.a_storefront(storefront_id, name)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        names = register.storefront_names(session, shop.id)
    assert names == {0: "-", 1: "Shop (1)", 2: "Shop (2)", 3: "- (3)", 4: "Outlet"}


def test_messages_come_in_the_order_in_which_they_were_said(shop: Shop) -> None:
    run_id = shop.a_run()
    shop.a_message(run_id, "warning", "the source broke off")
    shop.a_message(run_id, "error", "the source cannot be read")
    with as_tenant(shop.engine, shop.tenant_id) as session:
        told = register.messages(session, run_id)
    assert [(one.level, one.text) for one in told] == [
        ("warning", "the source broke off"), ("error", "the source cannot be read"),
    ]  # fmt: skip


def test_errors_are_grouped_by_code_with_three_samples_and_how_many_more(shop: Shop) -> None:
    run_id = shop.a_run("completed_with_errors")
    shop.a_storefront(1, "Main")
    for source_id in range(1, 6):
        shop.a_status(run_id, "product", source_id, "rejected", code="no_weight", message="it has no weight")
    shop.a_status(run_id, "category", 11, "failed", storefront=1, code="name_taken")
    shop.a_status(run_id, "product", 99, "created")
    by_weight, by_name = shop.errors(run_id)
    assert (by_weight.code, by_weight.outcome, by_weight.count, by_weight.more) == ("no_weight", "rejected", 5, 2)
    assert [one.source_id for one in by_weight.samples] == [1, 2, 3]
    assert by_weight.samples[0].message == "it has no weight"
    assert (by_name.code, by_name.more, by_name.samples[0].storefront) == ("name_taken", 0, "Main")


def test_the_last_finished_run_shows_trouble_that_stands_from_earlier_ones(shop: Shop) -> None:
    first = shop.a_run("completed_with_errors")
    shop.a_status(first, "product", 1, "rejected", code="no_weight")
    last = shop.a_run("completed_with_errors")
    shop.a_status(last, "product", 2, "failed", code="name_taken")
    check = shop.a_run("unchanged")
    assert [one.code for one in shop.errors(first)] == ["no_weight"]
    assert sorted(one.code for one in shop.errors(last)) == ["name_taken", "no_weight"]
    assert shop.errors(check) == []


def test_progress_counts_what_is_left_with_the_variants_that_a_product_brings(shop: Shop) -> None:
    run_id = shop.a_run("synchronizing", step="send", started_at=NOON)
    for kind, figure, count in (
        ("product", "to_create", 3), ("product", "to_update", 4), ("variant", "to_create", 5), ("product", "known", 9),
    ):  # fmt: skip
        shop.a_figure(run_id, kind, figure, count)
    shop.a_change(run_id, "product", 1, "create")
    shop.a_change(run_id, "product", 8, "update")
    shop.an_item("variant", 11, parent=1)
    shop.an_item("variant", 12, parent=1)
    shop.an_item("variant", 13, parent=1, refused="no_price")
    shop.an_item("variant", 14, parent=1, gone=True)
    shop.an_item("variant", 21, parent=2)
    progress = shop.progress(run_id)
    assert [(one.kind, one.action, one.planned, one.done, one.left) for one in progress.parts] == [
        ("product", "create", 3, 2, 1),
        ("product", "update", 4, 3, 1),
        ("variant", "create", 5, 3, 2),
    ]


def test_progress_while_reading_says_how_many_items_have_come(shop: Shop, a_row: Callable[..., int]) -> None:
    run_id = shop.a_run("preparing", step="read_store", started_at=NOON)
    for page in (1, 2):
        a_row(shop.tenant_id, "store_page", connector_id=shop.id, page=page, kind="product", seen="{1,2,3}")
    progress = shop.progress(run_id)
    assert progress.seen == {"product": 6}
    assert progress.parts == ()


def test_a_finished_run_has_nothing_left(shop: Shop) -> None:
    run_id = shop.a_run("completed", step="record", started_at=NOON)
    shop.a_figure(run_id, "category", "to_create", 39)
    assert [(one.planned, one.left) for one in shop.progress(run_id).parts] == [(39, 0)]


HEADLINES: list[tuple[RunState, dict[str, int], str]] = [
    (RunState.QUEUED, {}, "waits for its turn"),
    (RunState.PREPARING, {}, "prepares: read store"),
    (RunState.PREPARED, {"to_create": 175, "to_disable": 1},
     "prepared, nothing sent yet: 175 products to create; 1 product to disable"),
    (RunState.PREPARED, {}, "prepared, nothing sent yet; there is nothing to send"),
    (RunState.COMPLETED_WITH_ERRORS, {"created": 1175, "rejected": 24, "failed": 6, "unchanged": 3, "known": 1208},
     "1,175 products created; 24 products rejected; 6 products failed"),
    (RunState.COMPLETED, {"unchanged": 5}, "all is as it was"),
    (RunState.UNCHANGED, {}, "nothing has changed at the source"),
    (RunState.FAILED, {}, "nothing sent"),
    (RunState.AWAITING_APPROVAL, {}, "waits for somebody's approval"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "figures", "sentence"), HEADLINES)
def test_a_run_is_told_in_one_sentence(shop: Shop, state: RunState, figures: dict[str, int], sentence: str) -> None:
    run_id = shop.a_run(state.value, step="read_store", started_at=NOON)
    for figure, count in figures.items():
        shop.a_figure(run_id, "product", figure, count)
    assert register.headline(shop.run(run_id)) == sentence


def test_items_show_what_the_mirror_calls_them(shop: Shop) -> None:
    run_id = shop.a_run()
    cells = {"product_name": "Lemon Watch", "product_sku": "LW-1", "REF": "R1"}
    shop.an_item("product", 1, cells=cells, name_key="lemon watch", sku_key="lw-1")
    shop.an_item("variant", 2, cells={"REF": "LW-1-M"})
    shop.a_status(run_id, "product", 1, "failed", code="refused", message="no", answer="409 taken")
    shop.a_status(run_id, "variant", 2, "blocked")
    shop.a_status(run_id, "variant", 3, "rejected")
    product, variant, gone = shop.items()
    assert (product.name, product.reference, product.answer, product.run_id) == (
        "Lemon Watch", "LW-1", "409 taken", run_id,
    )  # fmt: skip
    assert (variant.name, variant.reference) == (None, "LW-1-M")
    assert (gone.name, gone.reference, gone.storefront) == (None, None, "-")


def test_items_are_found_by_kind_outcome_and_part_of_a_text(shop: Shop) -> None:
    run_id = shop.a_run()
    shop.an_item("product", 1, name_key="sprite 100% ball", sku_key="sp-1")
    shop.an_item("product", 2, name_key="yoga mat", sku_key="ym_1", cells={"REF": "Mat-7"})
    shop.a_status(run_id, "product", 1, "failed")
    shop.a_status(run_id, "product", 2, "created")
    shop.a_status(run_id, "variant", 1, "failed")
    assert places(shop.items(kind=ItemKind.VARIANT)) == [("variant", 1, 0)]
    assert places(shop.items(outcome=Outcome.CREATED)) == [("product", 2, 0)]
    assert places(shop.items(search="  Sprite  100% ")) == [("product", 1, 0)]
    assert places(shop.items(search="_1")) == [("product", 2, 0)]  # no wildcard: it is the letter
    assert places(shop.items(search="mat-7")) == [("product", 2, 0)]
    assert places(shop.items(search="1")) != places(shop.items(search="2"))


def test_pages_of_items_follow_each_other_without_gap_or_overlap(shop: Shop) -> None:
    run_id = shop.a_run()
    for storefront in (1, 2):
        for source_id in (10, 9):
            shop.a_status(run_id, "category", source_id, "created", storefront=storefront)
    shop.a_status(run_id, "product", 1, "created")
    whole = shop.items()
    read: list[Item] = []
    while page := shop.items(limit=2, after=read[-1].place if read else None):
        read += page
    assert read == whole
    assert places(whole)[0] == ("category", 9, 1)


def test_what_is_unchanged_is_derived_as_in_the_books(shop: Shop) -> None:
    old, last = shop.a_run(), shop.a_run("completed_with_errors")
    shop.an_item("product", 1)  # never touched
    shop.an_item("product", 2)  # created once, left since
    shop.an_item("product", 3)  # touched by the last run
    shop.an_item("product", 4)  # its old trouble stands
    shop.an_item("product", 5, gone=True)
    shop.a_status(old, "product", 2, "created")
    shop.a_status(last, "product", 3, "updated")
    shop.a_status(old, "product", 4, "rejected")
    shop.an_item("product", 6)  # left by the last run, with a remark
    shop.a_status(last, "product", 6, "unchanged")
    unchanged = shop.items(outcome=Outcome.UNCHANGED)
    assert places(unchanged) == [("product", 1, 0), ("product", 2, 0), ("product", 6, 0)]
    assert {one.outcome for one in unchanged} == {"unchanged"}
    assert [one.run_id for one in unchanged] == [None, old, last]


def test_a_category_is_unchanged_only_on_storefronts_that_show_it(shop: Shop) -> None:
    shop.a_run("unchanged")
    shop.a_storefront(1, "Main")
    shop.a_storefront(2, "Men", root=11)
    shop.an_item("category", 10)
    shop.an_item("category", 11, parent=10)
    shop.an_item("category", 12, parent=11)
    shop.an_item("category", 13, parent=10)
    assert places(shop.items(outcome=Outcome.UNCHANGED)) == [
        ("category", 10, 1), ("category", 11, 1), ("category", 11, 2), ("category", 12, 1), ("category", 12, 2),
        ("category", 13, 1),
    ]  # fmt: skip


def test_before_the_first_run_has_finished_nothing_is_unchanged(shop: Shop) -> None:
    shop.a_run("synchronizing")
    shop.an_item("product", 1)
    assert shop.items(outcome=Outcome.UNCHANGED) == []


def test_the_overview_has_every_connector_with_its_last_listed_run(
    shop: Shop, a_connector: Callable[..., Any],
) -> None:  # fmt: skip
    fresh = a_connector("fresh")
    shop.a_run("completed")
    last = shop.a_run("failed")
    shop.a_run("preparing", listed=False)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        lines = overview.connectors(session)
    assert (lines[shop.id].run_id, lines[shop.id].run_state) == (last, "failed")
    assert lines[fresh.id].run_id is None
    with as_scheduler(shop.engine) as session:
        assert [(one.name, one.connectors) for one in overview.tenants(session)] == [("acme", 2)]


def test_a_turn_that_waits_for_a_date_is_held_back_and_one_that_is_ready_is_not(shop: Shop, engine: Engine) -> None:
    with as_scheduler(engine) as session:
        parked = overview.turn(session, shop.id)
        session.exec_driver_sql("UPDATE turn SET state = 'ready', tag = 0, not_before = '-infinity'")
        ready = overview.turn(session, shop.id)
        session.exec_driver_sql("UPDATE store_turn SET not_before = now() + interval '1 minute'")
        resting = overview.turn(session, shop.id)
        assert overview.turn(session, 999) is None
    assert parked is not None
    assert ready is not None
    assert resting is not None
    assert (parked.state, parked.is_held_back) == ("parked", True)
    assert (ready.is_held_back, ready.anybody_runs) == (False, False)
    assert resting.is_held_back
