"""Which store item is which source item: remembered, moved, refused, forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from worker.catalog.items import Key
from worker.catalog.store import Relation, StoreRow
from worker.ledger import relations, store_items
from worker.ledger.relations import Vanished
from worker.ledger.session import Session, as_tenant

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
AConnector = Callable[..., Any]


class Book:
    """One connector's relations, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id

    def remember(self, *wanted: Relation, store: str = "s1") -> list[Key]:
        return relations.remember(self.session, self.tenant_id, self.id, store, wanted)

    def of(self, *keys: Key) -> dict[Key, Relation]:
        return relations.of(self.session, self.id, keys)


@pytest.fixture
def book(engine: Engine, a_connector: AConnector) -> Iterator[Book]:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        yield Book(session, made)


P1, P2, P3 = (Key(PRODUCT, number) for number in (1, 2, 3))


def test_a_relation_comes_back_as_it_was_remembered(book: Book) -> None:
    kept = Relation(
        Key(CATEGORY, 1, 7),
        900,
        parent_store_id=0,
        created_here=True,
        enabled=False,
        fingerprints={"text": "f1"},
        parts={"images": {"p1": [5, "http://x"]}},
    )
    assert book.remember(kept) == []
    assert book.of(kept.key, Key(CATEGORY, 1, 8)) == {kept.key: kept}
    assert book.of() == {}
    assert book.remember() == []


def test_a_relation_told_again_is_replaced_but_for_who_made_the_item(book: Book) -> None:
    book.remember(Relation(P1, 900, created_here=True, fingerprints={"text": "a", "price": "b"}))
    newer = Relation(P1, 900, parent_store_id=4, enabled=False, fingerprints={"text": "c"}, parts={"x": 1})
    assert book.remember(newer) == []
    assert book.of(P1) == {P1: replace(newer, created_here=True)}


def test_a_relation_moves_to_another_store_item_and_gives_the_old_one_up(book: Book) -> None:
    book.remember(Relation(P1, 900))
    assert book.remember(Relation(P1, 901)) == []
    assert book.of(P1)[P1].store_id == 901
    assert book.remember(Relation(P2, 900)) == []


def test_two_relations_may_swap_their_store_items(book: Book) -> None:
    book.remember(Relation(P1, 900), Relation(P2, 901))
    assert book.remember(Relation(P1, 901), Relation(P2, 900)) == []
    assert {key: one.store_id for key, one in book.of(P1, P2).items()} == {P1: 901, P2: 900}


def test_a_store_item_of_another_source_item_is_refused(book: Book) -> None:
    book.remember(Relation(P1, 900, fingerprints={"text": "first"}))
    assert book.remember(Relation(P2, 900), Relation(P3, 901)) == [P2]
    assert set(book.of(P1, P2, P3)) == {P1, P3}
    assert book.of(P1)[P1].fingerprints == {"text": "first"}


def test_a_store_item_that_two_claim_at_once_goes_to_the_first(book: Book) -> None:
    assert book.remember(Relation(P2, 900), Relation(P1, 900), Relation(P3, 901)) == [P1]
    assert set(book.of(P1, P2, P3)) == {P2, P3}


@pytest.mark.parametrize("tenant", ["acme", "somebody"])
def test_a_store_item_of_another_connector_is_refused_whosever_it_is(
    engine: Engine, a_connector: AConnector, tenant: str
) -> None:
    mine, other = a_connector("mine"), a_connector("other", tenant=tenant)
    with as_tenant(engine, other.tenant_id) as session:
        Book(session, other).remember(Relation(P1, 900))
    with as_tenant(engine, mine.tenant_id) as session:
        book = Book(session, mine)
        assert book.remember(Relation(P1, 900), Relation(P2, 901)) == [P1]
        assert set(book.of(P1, P2)) == {P2}
        # The same number in another store, or of another kind, is another item.
        assert book.remember(Relation(P1, 900), store="s2") == []
        assert book.remember(Relation(Key(VARIANT, 1), 900)) == []
    with as_tenant(engine, other.tenant_id) as session:
        assert set(Book(session, other).of(P1)) == {P1}


def test_relations_are_found_by_family_and_by_category(book: Book) -> None:
    wanted = [Relation(P1, 1), Relation(P2, 2), Relation(Key(VARIANT, 1), 1), Relation(Key(VARIANT, 2), 2),
              Relation(Key(CATEGORY, 1, 5), 1), Relation(Key(CATEGORY, 1, 6), 2)]  # fmt: skip
    book.remember(*wanted)
    assert set(relations.of_families(book.session, book.id, [1], [2])) == {P1, Key(VARIANT, 2)}
    assert set(relations.of_categories(book.session, book.id)) == {Key(CATEGORY, 1, 5), Key(CATEGORY, 1, 6)}


def test_relations_are_forgotten_by_key(book: Book) -> None:
    keys = [Key(CATEGORY, 1, 5), Key(CATEGORY, 1, 6), P1]
    book.remember(*(Relation(key, number) for number, key in enumerate(keys)))
    relations.forget(book.session, book.id, [])
    relations.forget(book.session, book.id, [keys[0], P2])
    assert set(book.of(*keys)) == {keys[1], P1}


def test_what_the_store_does_not_hold_any_more_has_vanished(book: Book) -> None:
    book.remember(Relation(P1, 900), Relation(P2, 901), Relation(Key(VARIANT, 1), 900))
    row = StoreRow(PRODUCT, 900, None, None, None, None, {}, "h")
    store_items.keep(book.session, book.tenant_id, book.id, 1, [row])
    found = relations.vanished(book.session, book.id)
    assert sorted(found, key=lambda one: one.key.kind) == [Vanished(P2, 901), Vanished(Key(VARIANT, 1), 900)]


def test_products_of_a_category_are_due_to_be_told_their_categories_anew(book: Book) -> None:
    for number, cells, gone in [
        (1, '{"ID_catalogue": [5, 8]}', False), (2, '{"ID_catalogue": [8]}', False),
        (3, '{"ID_catalogue": [5]}', True), (4, "{}", False),
    ]:  # fmt: skip
        book.session.execute(
            text("INSERT INTO source_item (connector_id, tenant_id, kind, source_id, raw_hash, due, gone, cells)"
                 " VALUES (:c, :t, 'product', :id, 'h', false, :gone, CAST(:cells AS jsonb))"),
            {"c": book.id, "t": book.tenant_id, "id": number, "gone": gone, "cells": cells},
        )  # fmt: skip
    keys = [Key(PRODUCT, number) for number in (1, 2, 3, 4)]
    book.remember(*(Relation(key, key.source_id, fingerprints={"categories": "x", "text": "y"}) for key in keys))
    relations.unsettle_products_in(book.session, book.id, [])
    relations.unsettle_products_in(book.session, book.id, [5, 6])
    due = book.session.scalars(text("SELECT source_id FROM source_item WHERE due")).all()
    assert list(due) == [1]
    assert [key.source_id for key, one in book.of(*keys).items() if "categories" not in one.fingerprints] == [1]
    assert book.of(keys[0])[keys[0]].fingerprints == {"text": "y"}
