"""Items found, counted, told, remembered and forgotten, on a real Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.base import NO_STOREFRONT
from models.vocabulary import ItemKind, Outcome
from worker.catalog.items import Key, Problem, Settled
from worker.catalog.store import Relation
from worker.ledger import (
    anew,
    item_counts,
    item_detail,
    item_register,
    item_search,
    relations,
    retention,
    source_items,
    statuses,
)
from worker.ledger.item_counts import Counts
from worker.ledger.session import as_tenant

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT


class Shop:
    """One connector with items to be looked for."""

    def __init__(self, engine: Engine, made: Any, insert: Callable[..., int]) -> None:
        self.engine, self.id, self.tenant_id, self._insert = engine, made.id, made.tenant_id, insert

    def a_run(self, state: str = "completed", **values: object) -> int:
        given = {"connector_id": self.id, "state": state, "trigger": "request", **values}
        return self._insert(self.tenant_id, "run", **given)

    def an_item(self, kind: str, source_id: int, name: str = "", sku: str | None = None, **more: object) -> None:
        values = {"kind": kind, "source_id": source_id, "parent_id": 0, "cells": {}, "raw_hash": "x", **more}
        self._insert(self.tenant_id, "source_item", connector_id=self.id, name_key=name or None, sku_key=sku, **values)

    def a_status(
        self, run_id: int, kind: str, source_id: int, outcome: str, storefront: int = 0, **more: object
    ) -> None:
        values = {"kind": kind, "source_id": source_id, "storefront_id": storefront, "outcome": outcome, **more}
        self._insert(self.tenant_id, "item_status", connector_id=self.id, run_id=run_id, **values)

    def a_relation(self, kind: str, source_id: int, store_id: int, storefront: int = 0) -> None:
        values = {"kind": kind, "source_id": source_id, "storefront_id": storefront, "store_id": store_id}
        self._insert(
            self.tenant_id, "relation", connector_id=self.id, store_hash=f"s{self.id}", created_here=True, **values
        )

    def a_storefront(self, storefront_id: int, name: str, root: int | None = None) -> None:
        values = {"storefront_id": storefront_id, "name": name, "tree_id": storefront_id, "root_id": root}
        self._insert(self.tenant_id, "storefront", connector_id=self.id, **values)

    def books(self, run_id: int, known: dict[tuple[str, int], int], **figures: int) -> None:
        """What a run has closed its books with: known by (kind, storefront), and other figures of products."""
        rows = [*((*place, "known", count) for place, count in known.items())]
        rows += [("product", 0, figure, count) for figure, count in figures.items()]
        for kind, storefront, figure, count in rows:
            values = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
            self._insert(self.tenant_id, "run_counter", run_id=run_id, **values)

    def record(self, run_id: int, *settled: Settled) -> None:
        with as_tenant(self.engine, self.tenant_id) as session:
            statuses.record(session, self.tenant_id, self.id, run_id, settled)

    def found(self, **wanted: Any) -> list[tuple[str, int, int]]:
        with as_tenant(self.engine, self.tenant_id) as session:
            return [one.place for one in item_register.items(session, self.id, **wanted)]

    def counts(self, **wanted: Any) -> Counts:
        with as_tenant(self.engine, self.tenant_id) as session:
            return item_counts.counts(session, self.id, **wanted)

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with as_tenant(self.engine, self.tenant_id) as session:
            return [tuple(row) for row in session.execute(text(sql), values)]


@pytest.fixture
def shop(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int]) -> Shop:
    return Shop(engine, a_connector(), a_row)


@pytest.fixture
def clothes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Forty products and forty variants, found by every way of looking: a walk is three items long, a find five."""
    monkeypatch.setattr(item_search, "WALKED", 3)
    monkeypatch.setattr(item_search, "MOST_FOUND", 5)
    monkeypatch.setattr(item_search, "FEW", 3)
    run_id = shop.a_run()
    for number in range(1, 41):
        late = " gala" if number > 30 else ""
        shop.an_item("product", number, f"cotton shirt {number}{late}", f"p-{number}")
        shop.an_item("variant", number, "", f"v_{number}", cells={"REF": f"Ref/{number}"})
        outcome = "failed" if number % 10 == 0 else "created"
        shop.a_status(run_id, "product", number, outcome, code="no_price" if number % 20 == 0 else None)
        shop.a_status(run_id, "variant", number, "created")
    shop.an_item("product", 60, "\u00e9tag\u00e8re \u65e5\u672c\u8a9e")
    shop.an_item("product", 61, "salt & (pepper)")
    for number in (60, 61):
        shop.a_status(run_id, "product", number, "created")
    return shop


@pytest.mark.parametrize(
    ("search", "places"),
    [
        ("cotton", [("product", one, 0) for one in range(1, 41)]),
        ("  COTTON   shirt 7 ", [("product", 7, 0)]),
        ("gala", [("product", one, 0) for one in range(31, 41)]),
        ("ref/39", [("variant", 39, 0)]),
        ("nothing of the kind", []),
        ("n shirt 4\n", [("product", one, 0) for one in (4, 40)]),
        ("v_3", [("variant", one, 0) for one in (3, *range(30, 40))]),  # no wildcard: it is the letter
        ("v%3", []),
        ("v\\3", []),
        ("ga", [("product", one, 0) for one in range(31, 41)]),  # two letters: as a word begins
        ("al", []),
        ("v_", [("variant", one, 0) for one in range(1, 41)]),
        ("-1", [("product", one, 0) for one in (1, *range(10, 20))]),
        ("/", [("variant", one, 0) for one in range(1, 41)]),  # marks alone: an index of their own
        ("_", [("variant", one, 0) for one in range(1, 41)]),
        ("&", [("product", 61, 0)]),
        ("& (", [("product", 61, 0)]),
        ("( &", []),  # the marks are there, and not so
        ("%", []),
        ("-_", []),
        ("\u00c9", [("product", 60, 0)]),
        ("\u8a9e", [("product", 60, 0)]),
        ("p", [("product", one, 0) for one in range(1, 41)]),
        ("shirt 40 gala p-40", []),  # nothing is found across two fields
    ],
)
def test_a_search_finds_what_a_look_at_every_item_would(
    clothes: Shop, search: str, places: list[tuple[str, int, int]]
) -> None:
    assert clothes.found(search=search) == places
    pages, after = list[tuple[str, int, int]](), None
    while page := clothes.found(search=search, after=after, limit=4):
        pages += page
        after = page[-1]
    assert pages == places


@pytest.mark.parametrize("few", [0, 3, 1_000])
def test_a_search_goes_with_every_filter(clothes: Shop, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(item_search, "FEW", few)
    assert clothes.found(search="cotton", outcome=Outcome.FAILED) == [("product", one, 0) for one in (10, 20, 30, 40)]
    assert clothes.found(search="gala", outcome=Outcome.FAILED, limit=3) == [("product", 40, 0)]
    assert clothes.found(search="cotton", code="no_price") == [("product", one, 0) for one in (20, 40)]
    assert clothes.found(search="39", kind=VARIANT) == [("variant", 39, 0)]
    assert clothes.found(search="39", storefront=0) == [("product", 39, 0), ("variant", 39, 0)]
    assert clothes.found(search="39", storefront=1) == []
    assert clothes.found(search="39", run=0) == []


def test_a_page_may_begin_behind_a_place_of_another_kind(clothes: Shop) -> None:
    variants = [("variant", one, 0) for one in range(1, 41)]
    for wanted in ({}, {"search": "v_"}, {"outcome": Outcome.CREATED}):
        assert clothes.found(kind=VARIANT, after=("product", 30, 0), **wanted) == variants
        assert clothes.found(kind=PRODUCT, after=("variant", 1, 0), **wanted) == []
    assert clothes.found(after=("product", 61, 0)) == variants


def test_an_id_of_the_store_finds_what_is_linked_to_it(clothes: Shop) -> None:
    clothes.a_relation("variant", 12, 770_001)
    assert clothes.found(search="770001") == [("variant", 12, 0)]
    assert clothes.found(search="770001", after=("variant", 12, 0)) == []
    assert clothes.found(search="770001", kind=PRODUCT) == []
    assert clothes.found(search="9" * 40) == []
    assert clothes.found(search="770001", kind=VARIANT, after=("product", 30, 0)) == [("variant", 12, 0)]
    assert clothes.found(search="770001", kind=PRODUCT, after=("variant", 1, 0)) == []


def test_what_is_called_otherwise_now_is_found_by_its_new_name_alone(clothes: Shop) -> None:
    clothes.ask("UPDATE source_item SET name_key = 'silk scarf' WHERE kind = 'product' AND source_id = 7 RETURNING 1")
    clothes.ask("UPDATE source_item SET due = true, refused = 'x' WHERE kind = 'product' RETURNING 1")
    assert clothes.found(search="silk") == [("product", 7, 0)]
    assert ("product", 7, 0) not in clothes.found(search="cotton")


def test_filters_of_storefront_and_run(shop: Shop) -> None:
    first, last = shop.a_run(), shop.a_run()
    for storefront in (1, 2):
        shop.a_status(first, "category", 5, "created", storefront)
    shop.a_status(last, "product", 5, "updated")
    assert shop.found(storefront=2) == [("category", 5, 2)]
    assert shop.found(storefront=0) == [("product", 5, 0)]
    assert shop.found(run=first) == [("category", 5, 1), ("category", 5, 2)]
    assert shop.found(run=last) == [("product", 5, 0)]


def test_what_is_unchanged_is_searched_too(clothes: Shop) -> None:
    last = clothes.a_run()
    clothes.an_item("product", 99, "cotton hat")  # never touched
    clothes.an_item("product", 98, "cotton cap", gone=True)
    clothes.a_status(last, "product", 99, "unchanged", code="url_refused")
    expected = [("product", one, 0) for one in [*range(1, 41), 99] if one % 10]
    other = [("product", one, 0) for one in (60, 61)]
    assert clothes.found(search="cotton", outcome=Outcome.UNCHANGED) == expected
    assert clothes.found(outcome=Outcome.UNCHANGED, kind=PRODUCT) == sorted(expected + other)
    assert clothes.found(outcome=Outcome.UNCHANGED, kind=PRODUCT, after=("product", 61, 0)) == [("product", 99, 0)]
    assert clothes.found(outcome=Outcome.UNCHANGED, code="url_refused") == [("product", 99, 0)]
    assert clothes.found(search="99", outcome=Outcome.UNCHANGED) == [("product", 99, 0)]


def test_where_the_books_say_that_none_of_a_kind_is_unchanged_none_is_looked_for(
    clothes: Shop, a_row: Callable[..., int]
) -> None:
    last = clothes.a_run()
    for kind, count in (("product", 0), ("variant", 3)):
        values = {"kind": kind, "storefront_id": 0, "figure": "unchanged", "count": count}
        a_row(clothes.tenant_id, "run_counter", run_id=last, **values)
    for search in (None, "3"):
        assert {place[0] for place in clothes.found(outcome=Outcome.UNCHANGED, search=search)} == {"variant"}
    clothes.a_run("unchanged")  # it has looked again, and found nothing changed
    assert {place[0] for place in clothes.found(outcome=Outcome.UNCHANGED)} == {"product", "variant"}


# ---- all that is known


@pytest.fixture
def held(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A connector whose store held most of the catalogue already, on two storefronts; found by every way of looking."""
    monkeypatch.setattr(item_search, "WALKED", 3)
    monkeypatch.setattr(item_search, "MOST_FOUND", 5)
    run_id = shop.a_run()
    shop.a_storefront(1, "Main")
    shop.a_storefront(2, "Men", root=11)
    for source_id, parent in ((10, 0), (11, 10), (12, 11), (13, 10)):
        shop.an_item("category", source_id, f"wool hats {source_id}", parent_id=parent)
        for storefront in (1, 2) if source_id in (11, 12) else (1,):
            shop.a_relation("category", source_id, 1_000 * storefront + source_id, storefront)
    shop.a_status(run_id, "category", 11, "created", 2)
    shop.a_status(run_id, "category", 13, "disabled", 2)  # it was shown there once
    for number in range(1, 31):
        shop.an_item("product", number, f"wool hat {number}", f"p-{number}", gone=number in (5, 6, 9))
        shop.an_item("variant", number, "", f"v-{number}", gone=number == 30)
    for number, outcome in ((3, "created"), (4, "failed"), (5, "disabled"), (9, "failed"), (20, "disabled")):
        shop.a_status(run_id, "product", number, outcome, code="no_price" if outcome == "failed" else None)
    shop.a_status(run_id, "variant", 7, "updated")
    shop.books(run_id, {("category", 1): 4, ("category", 2): 2, ("product", 0): 27, ("variant", 0): 29}, unchanged=24)
    return shop


CATEGORIES = [("category", *place) for place in ((10, 1), (11, 1), (11, 2), (12, 1), (12, 2), (13, 1), (13, 2))]
PRODUCTS = [("product", one, 0) for one in range(1, 31) if one != 6]
VARIANTS = [("variant", one, 0) for one in range(1, 30)]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({}, CATEGORIES + PRODUCTS + VARIANTS),
        ({"kind": CATEGORY}, CATEGORIES),
        ({"kind": VARIANT}, VARIANTS),
        ({"storefront": 2}, [place for place in CATEGORIES if place[2] == 2]),
        ({"storefront": 0}, PRODUCTS + VARIANTS),
        ({"search": "wool"}, CATEGORIES + PRODUCTS),
        ({"search": "hats 12"}, [("category", 12, 1), ("category", 12, 2)]),
        ({"search": "hats", "storefront": 2}, [place for place in CATEGORIES if place[2] == 2]),
        ({"search": "p-2"}, [("product", one, 0) for one in (2, *range(20, 30))]),
        ({"search": "v-", "kind": VARIANT}, VARIANTS),
        ({"search": "2012"}, [("category", 12, 1), ("category", 12, 2)]),  # the id of a store item
        ({"search": "hat 6"}, []),
        ({"search": "v-30"}, []),
    ],
)
def test_what_never_needed_a_write_is_listed_found_and_counted_too(
    held: Shop, wanted: dict[str, Any], places: list[tuple[str, int, int]]
) -> None:
    assert held.found(**wanted) == places
    for limit in (1, 4, 50):
        pages, after = list[tuple[str, int, int]](), None
        while page := held.found(after=after, limit=limit, **wanted):
            pages += page
            after = page[-1]
        assert pages == places
    if wanted.get("search") != "2012":
        counted = held.counts(**wanted)
        assert (counted.total, counted.capped) == (len(places), False)
        if "kind" not in wanted:
            assert counted.kinds == Counter(place[0] for place in places)
        if "storefront" not in wanted:
            assert counted.storefronts == Counter(place[2] for place in places)


def test_what_has_no_status_is_told_as_unchanged(held: Shop) -> None:
    with as_tenant(held.engine, held.tenant_id) as session:
        told = {one.place: one for one in item_register.items(session, held.id)}
    assert (told["product", 1, 0].outcome, told["product", 1, 0].run_id) == ("unchanged", None)
    assert (told["category", 12, 2].outcome, told["category", 12, 2].storefront) == ("unchanged", "Men")
    assert (told["product", 4, 0].outcome, told["product", 4, 0].code) == ("failed", "no_price")


def test_a_filter_of_what_came_of_items_asks_for_a_status(held: Shop) -> None:
    assert held.found(outcome=Outcome.CREATED) == [("category", 11, 2), ("product", 3, 0)]
    assert held.found(code="no_price") == [("product", 4, 0), ("product", 9, 0)]
    assert held.counts(code="no_price").total == 2
    last = held.a_run("failed")
    assert held.found(run=last) == []
    assert held.counts(run=last).total == 0


def test_before_a_run_has_closed_its_books_only_what_has_a_status_is_known(shop: Shop) -> None:
    run_id = shop.a_run("synchronizing")
    shop.a_storefront(1, "Main")
    shop.an_item("category", 10, "hats")
    shop.an_item("product", 1, "wool hat")
    shop.an_item("product", 2, "straw hat")
    shop.a_status(run_id, "product", 2, "created")
    for search in (None, "hat"):
        assert shop.found(search=search) == [("product", 2, 0)]
        assert shop.counts(search=search).total == 1


def test_where_much_has_gone_what_was_disabled_counts_as_gone(held: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_counts, "MOST_GONE", 3)
    held.ask("DELETE FROM item_status WHERE source_id = 9 OR kind = 'product' AND source_id = 20 RETURNING 1")
    assert held.counts().total == len(CATEGORIES + PRODUCTS + VARIANTS) - 1


# ---- counts


def test_counts_are_what_a_count_item_by_item_comes_to_whoever_writes(shop: Shop) -> None:
    first, last = shop.a_run(), shop.a_run()
    shop.record(first, *(Settled(Key(PRODUCT, one), "created") for one in range(1, 9)))
    shop.record(first, *(Settled(Key(CATEGORY, one, 1), "failed", "name_taken") for one in (1, 2)))
    shop.record(first, Settled(Key(PRODUCT, 1), "failed", "no_price"), Settled(Key(PRODUCT, 9), "created"))
    shop.record(last, *(Settled(Key(PRODUCT, one), "updated") for one in (1, 2, 3)))
    shop.ask("DELETE FROM item_status WHERE source_id = 2 RETURNING 1")
    shop.ask("UPDATE item_status SET outcome = 'blocked' WHERE source_id = 4 RETURNING 1")
    shop.ask("UPDATE item_status SET at = now() RETURNING 1")
    place = "run_id, kind, storefront_id, outcome, coalesce(code, '')"
    told = shop.ask(f"SELECT {place}, count(*) FROM item_status GROUP BY {place}")  # noqa: S608 a test's own
    assert len(told) > 3
    assert sorted(shop.ask("SELECT run_id, kind, storefront_id, outcome, code, count FROM item_count WHERE count <> 0")
                  ) == sorted(told)  # fmt: skip


def test_each_filters_counts_have_the_other_filters_applied(shop: Shop) -> None:
    run_id, other = shop.a_run("cancelled"), shop.a_run("cancelled")
    shop.record(run_id, *(Settled(Key(PRODUCT, one), "created") for one in range(1, 6)))
    shop.record(run_id, *(Settled(Key(VARIANT, one), "failed", "no_price") for one in range(1, 4)))
    shop.record(run_id, *(Settled(Key(PRODUCT, one), "failed", "name_taken") for one in (7, 8)))
    shop.record(other, Settled(Key(CATEGORY, 1, 2), "failed", "no_price"))
    assert shop.counts() == Counts(
        11,
        {"product": 7, "variant": 3, "category": 1},
        {"created": 5, "failed": 6},
        {"no_price": 4, "name_taken": 2},
        {0: 10, 2: 1},
    )
    failed = shop.counts(outcome=Outcome.FAILED, kind=PRODUCT)
    assert (failed.total, failed.kinds) == (2, {"product": 2, "variant": 3, "category": 1})
    assert (failed.outcomes, failed.codes) == ({"created": 5, "failed": 2}, {"name_taken": 2})
    assert shop.counts(run=other).kinds == {"category": 1}
    assert shop.counts(code="no_price", storefront=0).kinds == {"variant": 3}


def test_unchanged_is_counted_as_the_books_have_it(shop: Shop, a_row: Callable[..., int]) -> None:
    closed = shop.a_run("completed_with_errors")
    for figure, count in (("known", 10), ("unchanged", 7), ("failed", 2), ("updated", 1)):
        values = {"kind": "product", "storefront_id": 0, "figure": figure, "count": count}
        a_row(shop.tenant_id, "run_counter", run_id=closed, **values)
    shop.record(closed, *(Settled(Key(PRODUCT, one), "failed", "no_price") for one in (1, 2)))
    assert shop.counts().outcomes == {"failed": 2, "unchanged": 7}
    assert shop.counts(outcome=Outcome.UNCHANGED).kinds == {"product": 7}
    assert shop.counts(outcome=Outcome.UNCHANGED).total == 7
    assert shop.counts(kind=VARIANT).outcomes == {}
    shop.a_run("unchanged")  # nothing changed since: what was updated is as it was, too
    assert shop.counts().outcomes == {"failed": 2, "unchanged": 8}


def test_a_searchs_counts_agree_with_what_it_lists(clothes: Shop) -> None:
    for wanted in ({}, {"outcome": Outcome.FAILED}, {"kind": PRODUCT}, {"code": "no_price"}, {"storefront": 0}):
        for search in ("cotton", "gala", "39", "nothing"):
            counts = clothes.counts(search=search, **wanted)
            listed = clothes.found(search=search, **wanted)
            assert (counts.total, counts.capped) == (len(listed), False)
            if "kind" not in wanted:
                assert counts.kinds == Counter(place[0] for place in listed)
    unchanged = clothes.counts(search="cotton").outcomes["unchanged"]
    assert unchanged == len(clothes.found(search="cotton", outcome=Outcome.UNCHANGED)) == 0
    clothes.a_run()
    unchanged = clothes.counts(search="cotton").outcomes["unchanged"]
    assert unchanged == len(clothes.found(search="cotton", outcome=Outcome.UNCHANGED)) == 36


def test_a_search_that_finds_too_much_to_count_says_so(clothes: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_counts, "MOST_COUNTED", 10)
    for looked_at in (2, 30, 5_000):
        monkeypatch.setattr(item_counts, "LOOKED_AT", looked_at)
        assert (clothes.counts(search="cotton").total, clothes.counts(search="cotton").capped) == (10, True)
        assert (clothes.counts(search="gala").total, clothes.counts(search="gala").capped) == (10, False)


# ---- one item


def test_history_has_each_run_once_the_newest_first(shop: Shop) -> None:
    first, last = shop.a_run(), shop.a_run()
    shop.record(first, Settled.of(Key(PRODUCT, 1), "failed", Problem("no_price", "it has no price")))
    shop.record(first, Settled(Key(PRODUCT, 1), "created"), Settled(Key(PRODUCT, 2), "created"))
    shop.record(last, Settled.of(Key(PRODUCT, 1), "failed", Problem("name_taken", "another one is called so")))
    with as_tenant(shop.engine, shop.tenant_id) as session:
        told = item_detail.history(session, shop.id, PRODUCT, 1)
        older = item_detail.history(session, shop.id, PRODUCT, 1, after=(last, NO_STOREFRONT))
    assert [(one.run_id, one.outcome, one.code) for one in told] == [
        (last, "failed", "name_taken"),
        (first, "created", None),
    ]
    assert older == told[1:]
    assert told[0].message == "another one is called so"


def test_an_item_nobody_has_heard_of_is_none(shop: Shop) -> None:
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert item_detail.known(session, shop.id, PRODUCT, 404) is None


def test_what_was_sent_is_merged_and_stands_where_nothing_was(shop: Shop) -> None:
    at = Key(PRODUCT, 1)
    relation = Relation(at, 4711)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        for sent in ({at: {"name": "Cup", "price": "1"}}, None, {}, {at: {"price": "2", "images": []}}):
            relations.remember(session, shop.tenant_id, shop.id, "s", [relation], sent)
    assert shop.ask("SELECT sent FROM relation") == [({"name": "Cup", "price": "2", "images": []},)]


def test_what_is_to_be_compared_anew_is_due_until_it_is(shop: Shop) -> None:
    kept = [Relation(Key(PRODUCT, one), 10 + one, fingerprints={"text": "t"}) for one in (1, 2)]
    shop.an_item("product", 1, due=False)
    shop.an_item("product", 2, due=False)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        relations.remember(session, shop.tenant_id, shop.id, "s", kept)
        assert not source_items.has_due(session, shop.id)
        anew.mark(session, shop.id, PRODUCT, [1])
        assert anew.marked(session, shop.id) == kept[:1]
        source_items.settle(session, shop.id, PRODUCT, [1])  # a run that was under way knew nothing of it
        assert source_items.has_due(session, shop.id)
        anew.compared(session, shop.id, [replace(kept[0], fingerprints={"price": "p"}, parts={"images": {}})])
        assert anew.marked(session, shop.id) == []
        assert source_items.has_due(session, shop.id)
    told = shop.ask("SELECT source_id, fingerprints, parts FROM relation ORDER BY 1")
    assert told == [(1, {"price": "p"}, {"images": {}}), (2, {"text": "t"}, {})]


# ---- what grows old


def test_old_runs_go_with_all_that_is_theirs_and_the_last_ones_stay(shop: Shop, a_row: Callable[..., int]) -> None:
    old = [shop.a_run(ended_at="2020-01-01") for _ in range(25)]
    young = shop.a_run(ended_at="2999-01-01")
    for number, run_id in enumerate(old):
        shop.record(run_id, *(Settled(Key(PRODUCT, one), "created") for one in range(3)))
        a_row(shop.tenant_id, "run_message", run_id=run_id, level="info", code="x", text="x")
        a_row(shop.tenant_id, "slice_log", connector_id=shop.id, epoch=number, run_id=run_id, worker="w")
    shop.record(young, Settled(Key(PRODUCT, 1), "updated"))
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert retention.prune(session, shop.id, days=90, portion=4) == 4
    assert shop.ask("SELECT count(*) FROM item_history WHERE run_id = :id", id=old[0]) == [(0,)]
    assert shop.ask("SELECT count(*) FROM item_history WHERE run_id = :id", id=old[1]) == [(3,)]
    with as_tenant(shop.engine, shop.tenant_id) as session:
        while retention.prune(session, shop.id, days=90, portion=4):
            pass
    kept = [*old[-18:], young]  # nineteen of them
    for table in ("run", "run_counter", "run_message", "slice_log", "item_history"):
        column = "id" if table == "run" else "run_id"
        expected = [(one,) for one in kept if table not in ("run_message", "slice_log") or one != young]
        assert shop.ask(f"SELECT DISTINCT {column} FROM {table} ORDER BY 1") == expected, table  # noqa: S608 idem
    assert shop.found() == [("product", one, 0) for one in range(3)], "an item keeps its last status"
    assert shop.ask("SELECT count(*) FROM item_count WHERE count = 0") == [(0,)]


def test_the_last_run_that_closed_its_books_stays_and_what_is_under_way(shop: Shop) -> None:
    gone = shop.a_run("failed", ended_at="2020-01-01")
    held = shop.a_run("paused")
    closed = shop.a_run("completed", ended_at="2020-01-01")
    failed = [shop.a_run("failed", ended_at="2020-01-01") for _ in range(20)]
    with as_tenant(shop.engine, shop.tenant_id) as session:
        retention.prune(session, shop.id, days=90)
    assert gone not in [row[0] for row in shop.ask("SELECT id FROM run")]
    assert shop.ask("SELECT id FROM run ORDER BY id") == [(one,) for one in (held, closed, *failed)]


def test_slices_of_checks_go_too(shop: Shop, a_row: Callable[..., int]) -> None:
    for epoch, ended in ((1, "2020-01-01"), (2, "2020-01-01"), (3, "2999-01-01"), (4, None)):
        a_row(shop.tenant_id, "slice_log", connector_id=shop.id, epoch=epoch, worker="w", ended_at=ended)
    with as_tenant(shop.engine, shop.tenant_id) as session:
        assert retention.prune(session, shop.id, days=90) == 2
    assert shop.ask("SELECT epoch FROM slice_log ORDER BY 1") == [(3,), (4,)]


def test_nothing_of_another_connector_goes(
    shop: Shop, a_connector: Callable[..., Any], a_row: Callable[..., int], engine: Engine
) -> None:
    other = Shop(engine, a_connector("other"), a_row)
    for one in (shop, other):
        for _ in range(30):
            one.a_run(ended_at="2020-01-01")
    with as_tenant(engine, shop.tenant_id) as session:
        retention.prune(session, shop.id, days=90)
    assert shop.ask("SELECT count(*) FROM run WHERE connector_id = :id", id=shop.id) == [(19,)]
    assert shop.ask("SELECT count(*) FROM run WHERE connector_id = :id", id=other.id) == [(30,)]
