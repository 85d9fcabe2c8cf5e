"""The books of a run: counters move exactly with the outcomes of the items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind, Outcome
from worker.catalog.items import Key, Problem, Settled
from worker.catalog.store import Relation
from worker.ledger import relations, statuses
from worker.ledger.session import Session, as_tenant
from worker.metrics import items

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
AConnector = Callable[..., Any]
Place = tuple[str, int, str]


class Books:
    """One connector's books, within one transaction."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.id, self.tenant_id = session.execute(text("SELECT id, tenant_id FROM connector")).one()

    def run(self) -> int:
        return int(
            self.session.scalar(
                text("INSERT INTO run (tenant_id, connector_id, state, trigger) VALUES (:t, :c, 'preparing', 'check')"
                     " RETURNING id"),
                {"t": self.tenant_id, "c": self.id},
            ) or 0,
        )  # fmt: skip

    def record(self, run_id: int, *settled: Settled) -> None:
        statuses.record(self.session, self.tenant_id, self.id, run_id, settled)

    def counters(self, run_id: int) -> dict[Place, int]:
        """The run's figures that are not zero."""
        return {place: count for place, count in statuses.counters(self.session, run_id).items() if count}

    def item(self, kind: ItemKind, source_id: int, **told: Any) -> None:
        values = {"due": False, "gone": False, "parent_id": None, "cells": "{}"} | told
        self.session.execute(
            text("INSERT INTO source_item (connector_id, tenant_id, kind, source_id, raw_hash, due, gone, parent_id,"
                 " cells) VALUES (:c, :t, :kind, :id, 'h', :due, :gone, :parent_id, CAST(:cells AS jsonb))"),
            {"c": self.id, "t": self.tenant_id, "kind": kind.value, "id": source_id, **values},
        )  # fmt: skip

    def outcomes(self, kind: ItemKind, ids: Iterable[int]) -> dict[Key, Outcome]:
        """The last outcomes of these items."""
        rows = self.session.execute(
            text("SELECT source_id, storefront_id, outcome FROM item_status WHERE kind = :kind"
                 " AND source_id = ANY(:ids)"),
            {"kind": kind.value, "ids": list(ids)},
        )  # fmt: skip
        return {Key(kind, row[0], row[1]): Outcome(row[2]) for row in rows}

    def due(self) -> set[tuple[str, int]]:
        rows = self.session.execute(text("SELECT kind, source_id FROM source_item WHERE due"))
        return {(row[0], row[1]) for row in rows}


def product(source_id: int, outcome: Outcome, **told: Any) -> Settled:
    return Settled(Key(PRODUCT, source_id), outcome, **told)


@pytest.fixture
def books(engine: Engine, a_connector: AConnector) -> Iterator[Books]:
    with as_tenant(engine, a_connector().tenant_id) as session:
        yield Books(session)


# ---- record


def test_each_outcome_is_counted_by_kind_and_storefront(books: Books) -> None:
    run = books.run()
    books.record(
        run,
        product(1, Outcome.CREATED),
        product(2, Outcome.CREATED),
        product(3, Outcome.FAILED),
        Settled(Key(CATEGORY, 1, 5), Outcome.CREATED),
        Settled(Key(CATEGORY, 1, 6), Outcome.UPDATED),
    )
    assert books.counters(run) == {
        ("product", 0, "created"): 2,
        ("product", 0, "failed"): 1,
        ("category", 5, "created"): 1,
        ("category", 6, "updated"): 1,
    }


def test_an_item_that_is_recorded_again_moves_from_one_outcome_to_the_other(books: Books) -> None:
    run = books.run()
    books.record(run, product(1, Outcome.CREATED), product(2, Outcome.CREATED))
    books.record(run, product(1, Outcome.FAILED))
    assert books.counters(run) == {("product", 0, "created"): 1, ("product", 0, "failed"): 1}
    books.record(run, product(1, Outcome.FAILED))
    assert books.counters(run) == {("product", 0, "created"): 1, ("product", 0, "failed"): 1}


def test_an_item_told_twice_in_one_portion_counts_once_with_the_last_outcome(books: Books) -> None:
    run = books.run()
    books.record(run, product(1, Outcome.CREATED), product(1, Outcome.BLOCKED))
    assert books.counters(run) == {("product", 0, "blocked"): 1}


def test_a_new_run_takes_nothing_out_of_the_books_of_an_older_one(books: Books) -> None:
    old, new = books.run(), books.run()
    books.record(old, product(1, Outcome.FAILED))
    books.record(new, product(1, Outcome.UPDATED))
    assert books.counters(old) == {("product", 0, "failed"): 1}
    assert books.counters(new) == {("product", 0, "updated"): 1}
    assert statuses.tally_of_run(books.session, books.id, old) == {}
    assert statuses.tally_of_run(books.session, books.id, new) == {("product", 0, "updated"): 1}


def test_nothing_recorded_moves_nothing(books: Books) -> None:
    run = books.run()
    books.record(run)
    assert books.counters(run) == {}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(portions=st.lists(
    st.tuples(
        st.booleans(),
        st.lists(
            st.builds(
                Settled,
                st.builds(Key, st.sampled_from(ItemKind), st.integers(1, 4), st.integers(0, 1)),
                st.sampled_from([one for one in Outcome if one is not Outcome.UNCHANGED]),
            ),
            max_size=6,
        ),
    ),
    max_size=8,
))  # fmt: skip
def test_counters_say_what_a_count_of_items_says_whatever_was_recorded(
    books: Books, portions: list[tuple[bool, list[Settled]]]
) -> None:
    at = books.session.begin_nested()
    runs = [books.run(), books.run()]
    # Once the second run has begun, the first stands still.
    second = False
    for is_second, settled in portions:
        second = second or is_second
        books.record(runs[second], *settled)
    counted = Counter(books.counters(runs[1]))
    assert counted == statuses.tally_of_run(books.session, books.id, runs[1])
    at.rollback()


def test_a_status_keeps_what_is_wrong_and_the_stores_own_words(books: Books) -> None:
    run = books.run()
    problem = Problem("sku_taken", "another has it", "sku")
    books.record(
        run,
        product(1, Outcome.FAILED, code="sku_taken", message="no", problems=(problem,), answer="x" * 5000),
        product(2, Outcome.FAILED, answer=""),
    )
    rows = books.session.execute(
        text("SELECT code, message, problems, answer, run_id FROM item_status ORDER BY source_id")
    ).all()
    assert tuple(rows[0]) == ("sku_taken", "no", [problem.to_json()], "x" * statuses.LONGEST_ANSWER, run)
    assert tuple(rows[1]) == (None, None, [], None, run)


def test_a_later_status_replaces_all_of_the_earlier_one(books: Books) -> None:
    run = books.run()
    books.record(run, product(1, Outcome.FAILED, code="x", message="m", problems=(Problem("x", "m"),), answer="a"))
    books.record(run, product(1, Outcome.UPDATED))
    assert books.session.execute(text("SELECT outcome, code, message, problems, answer FROM item_status")).one() == (
        "updated",
        None,
        None,
        [],
        None,
    )


# ---- figures


def test_figures_are_added_and_set(books: Books) -> None:
    run, other = books.run(), books.run()
    statuses.add(books.session, books.tenant_id, run, {("product", 0, "planned"): 3, ("product", 0, "none"): 0})
    statuses.add(books.session, books.tenant_id, run, {("product", 0, "planned"): -1})
    statuses.add(books.session, books.tenant_id, run, {})
    statuses.put(books.session, books.tenant_id, run, {("product", 0, "known"): 9})
    statuses.put(books.session, books.tenant_id, run, {("product", 0, "known"): 10})
    statuses.put(books.session, books.tenant_id, other, {("product", 0, "known"): 1})
    assert statuses.counters(books.session, run) == {("product", 0, "planned"): 2, ("product", 0, "known"): 10}
    assert statuses.counters(books.session, other) == {("product", 0, "known"): 1}


# ---- counting item by item


def test_a_tally_holds_this_runs_outcomes_and_trouble_that_stands(books: Books) -> None:
    old, new = books.run(), books.run()
    books.record(old, *(product(number, outcome) for number, outcome in enumerate(Outcome, start=1)))
    books.record(new, product(100, Outcome.CREATED))
    assert statuses.tally(books.session, books.id, new) == {
        ("product", 0, "created"): 1,
        ("product", 0, "rejected"): 1,
        ("product", 0, "failed"): 1,
        ("product", 0, "blocked"): 1,
    }


def test_the_outcomes_of_a_run_are_told_by_key(books: Books) -> None:
    old, new = books.run(), books.run()
    books.record(old, product(1, Outcome.FAILED), product(2, Outcome.FAILED))
    books.record(new, product(2, Outcome.UPDATED), Settled(Key(CATEGORY, 2, 5), Outcome.CREATED))
    keys = [Key(PRODUCT, 1), Key(PRODUCT, 2), Key(CATEGORY, 2, 5), Key(CATEGORY, 2, 6)]
    told = statuses.of_run(books.session, books.id, new, keys)
    assert {at: one.outcome for at, one in told.items()} == {
        Key(PRODUCT, 2): Outcome.UPDATED,
        Key(CATEGORY, 2, 5): Outcome.CREATED,
    }
    assert statuses.of_run(books.session, books.id, new, []) == {}
    assert books.outcomes(PRODUCT, [1, 2, 3]) == {Key(PRODUCT, 1): Outcome.FAILED, Key(PRODUCT, 2): Outcome.UPDATED}


def test_only_what_the_source_has_and_a_storefront_shows_counts_against_unchanged(books: Books) -> None:
    run, old = books.run(), books.run()
    books.item(PRODUCT, 1)
    books.item(PRODUCT, 2, gone=True)
    books.item(PRODUCT, 4, gone=True)
    books.record(old, product(4, Outcome.DISABLED))
    books.record(
        run,
        product(1, Outcome.UPDATED),
        product(2, Outcome.DISABLED),
        product(3, Outcome.DISABLED),
        Settled(Key(CATEGORY, 9, 5), Outcome.DISABLED),
        Settled(Key(CATEGORY, 8, 5), Outcome.UPDATED),
    )
    counted = statuses.tally_of_known(books.session, books.id, run, {(8, 5)})
    assert counted == {("product", 0): 1, ("category", 5): 1}


# ---- healing


def test_older_trouble_of_what_turns_out_unchanged_stands_no_more(books: Books) -> None:
    old, now = books.run(), books.run()
    books.record(old, *(product(number, outcome) for number, outcome in enumerate(Outcome, start=1)))
    books.record(now, product(50, Outcome.FAILED))
    books.record(old, Settled(Key(CATEGORY, 5, 1), Outcome.REJECTED), product(60, Outcome.REJECTED))
    keys = [(number, 0) for number in (*range(1, 10), 50)]
    statuses.clear_trouble(books.session, books.id, PRODUCT, keys, now)
    statuses.clear_trouble(books.session, books.id, PRODUCT, [], now)
    left = {row[0] for row in books.session.execute(text("SELECT source_id FROM item_status WHERE kind = 'product'"))}
    assert left == {1, 2, 3, 50, 60}, "a remark of what was unchanged then (4) goes too"
    assert books.outcomes(CATEGORY, [5]) == {Key(CATEGORY, 5, 1): Outcome.REJECTED}


def test_trouble_of_what_is_gone_and_never_was_in_the_store_is_forgotten(books: Books) -> None:
    run = books.run()
    for number, gone in enumerate([True, True, False, True]):
        books.item(PRODUCT, number, gone=gone)
    relations.remember(books.session, books.tenant_id, books.id, "h", [Relation(Key(PRODUCT, 1), 900)])
    books.record(run, *(product(number, Outcome.FAILED) for number in range(3)), product(3, Outcome.DISABLED))
    statuses.forget_gone(books.session, books.id)
    assert set(books.outcomes(PRODUCT, range(4))) == {Key(PRODUCT, n) for n in (1, 2, 3)}


def test_metrics_count_what_was_committed_and_nothing_that_was_undone(engine: Engine, a_connector: AConnector) -> None:
    made = a_connector()

    def counted() -> dict[str, float]:
        [family] = items.BOOKED.collect()
        return {
            one.labels["outcome"]: one.value
            for one in family.samples
            if one.name.endswith("_total") and one.labels["kind"] == PRODUCT
        }

    def record(*outcomes: Outcome, undone: bool = False) -> dict[str, float]:
        before = counted()
        settled = [Settled(Key(PRODUCT, number), outcome) for number, outcome in enumerate(outcomes, 1)]
        with suppress(KeyError), as_tenant(engine, made.tenant_id) as session:
            books = Books(session)
            books.record(run_id or books.run(), *settled)
            assert counted() == before, "it is not committed yet"
            if undone:
                raise KeyError
        after = counted()
        return {outcome: after[outcome] - before[outcome] for outcome in after if after[outcome] != before[outcome]}

    run_id = 0
    assert record(Outcome.CREATED, undone=True) == {}
    with as_tenant(engine, made.tenant_id) as session:
        run_id = Books(session).run()
    assert record(Outcome.CREATED, Outcome.FAILED, Outcome.FAILED) == {"created": 1, "failed": 2}
    assert record(Outcome.CREATED, Outcome.FAILED, Outcome.UPDATED) == {"updated": 1}
