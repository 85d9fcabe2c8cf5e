"""What the store holds: kept page by page, and asked for what is free."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from worker.catalog.items import Key
from worker.catalog.store import Candidate, Relation, StoreRow
from worker.ledger import relations, store_items
from worker.ledger.session import Session, as_tenant

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
AConnector = Callable[..., Any]


class Store:
    """One connector's picture of its store, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id
        self.pages = 0

    def keep(self, *rows: StoreRow) -> None:
        self.pages += 1
        store_items.keep(self.session, self.tenant_id, self.id, self.pages, rows)

    def ids(self, kind: ItemKind = PRODUCT) -> set[int]:
        return set(store_items.load(self.session, self.id, kind, range(1000)))

    def source(self, kind: ItemKind, source_id: int, *, name: str = "", sku: str = "", **told: Any) -> None:
        values = {"gone": False, "refused": None, "parent_id": None} | told
        self.session.execute(
            text("INSERT INTO source_item (connector_id, tenant_id, kind, source_id, raw_hash, cells, name_key,"
                 " sku_key, gone, refused, parent_id)"
                 " VALUES (:c, :t, :kind, :id, 'h', '{}', :name, :sku, :gone, :refused, :parent_id)"),
            {"c": self.id, "t": self.tenant_id, "kind": kind.value, "id": source_id, "name": name, "sku": sku} | values,
        )  # fmt: skip

    def link(self, kind: ItemKind, source_id: int, store_id: int, *, storefront: int = 0) -> None:
        key = Key(kind, source_id, storefront)
        assert relations.remember(self.session, self.tenant_id, self.id, "h", [Relation(key, store_id)]) == []


def a_row(
    store_id: int,
    kind: ItemKind = PRODUCT,
    *,
    name: str | None = None,
    sku: str | None = None,
    hash_: str = "h1",
    parent: int | None = None,
    tree: int | None = None,
) -> StoreRow:
    return StoreRow(kind, store_id, parent, tree, name, sku, {"name": (name or "").upper(), "sku": sku or ""}, hash_)


@pytest.fixture
def store(engine: Engine, a_connector: AConnector) -> Iterator[Store]:
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        yield Store(session, made)


# ---- reading


def test_what_was_kept_comes_back(store: Store) -> None:
    row = a_row(1, name="ball", sku="s1", parent=4, tree=2)
    store.keep(row, a_row(1, VARIANT))
    assert store_items.load(store.session, store.id, PRODUCT, [1, 2]) == {1: row}


def test_a_row_that_differs_replaces_all_of_the_older_one(store: Store) -> None:
    store.keep(a_row(1, name="ball", sku="s1", parent=4))
    newer = a_row(1, name="cup", hash_="h2")
    store.keep(newer)
    assert store_items.load(store.session, store.id, PRODUCT, [1]) == {1: newer}


def test_a_row_that_is_as_it_was_is_not_written_again(store: Store) -> None:
    store.keep(a_row(1), a_row(2))
    written = "SELECT store_id, ctid::text FROM store_item ORDER BY 1"
    before = store.session.execute(text(written)).all()
    store.keep(a_row(1), a_row(2, hash_="h2"))
    after = store.session.execute(text(written)).all()
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_whole_read_drops_what_it_did_not_see(store: Store) -> None:
    store.keep(a_row(1), a_row(2), a_row(2, VARIANT))
    assert store_items.finish_read(store.session, store.id) == 0
    store_items.begin_read(store.session, store.id)
    store.keep(a_row(1))
    store.keep(a_row(3), a_row(2, VARIANT))
    assert store_items.finish_read(store.session, store.id) == 1
    assert (store.ids(), store.ids(VARIANT)) == ({1, 3}, {2})
    assert store.session.scalar(text("SELECT count(*) FROM store_page")) == 0


def test_a_read_that_begins_anew_forgets_the_pages_of_the_old_one(store: Store) -> None:
    store.keep(a_row(1))
    store_items.begin_read(store.session, store.id)
    store.keep(a_row(2))
    assert store_items.finish_read(store.session, store.id) == 1
    assert store.ids() == {2}


def test_a_page_that_is_read_again_replaces_itself(store: Store) -> None:
    store_items.keep(store.session, store.tenant_id, store.id, 1, [a_row(1)])
    store_items.keep(store.session, store.tenant_id, store.id, 1, [a_row(2)])
    assert store_items.finish_read(store.session, store.id) == 1
    assert store.ids() == {2}


def test_the_store_holds_something_while_no_relation_names_it(store: Store) -> None:
    assert not store_items.any_of(store.session, store.id, PRODUCT)
    store.keep(a_row(1), a_row(1, VARIANT))
    store.link(PRODUCT, 5, 1)
    assert not store_items.any_of(store.session, store.id, PRODUCT)
    assert store_items.any_of(store.session, store.id, VARIANT)
    assert not store_items.any_of(store.session, store.id, CATEGORY)


# ---- candidates


def products(store: Store, *, after: int = 0, limit: int = 100) -> dict[int, list[Candidate]]:
    return store_items.product_candidates(store.session, store.id, after=after, limit=limit)


def test_products_are_candidates_by_sku_or_name(store: Store) -> None:
    store.keep(a_row(1, name="ball", sku="s1"), a_row(2, name="ball", sku="s2"), a_row(3, name="cup", sku="s1"))
    store.source(PRODUCT, 10, name="ball", sku="s1")
    (found,) = products(store).values()
    assert sorted(found, key=lambda one: one.store_id) == [
        Candidate(1, same_sku=True, same_name=True, name="BALL", sku="s1"),
        Candidate(2, same_sku=False, same_name=True, name="BALL", sku="s2"),
        Candidate(3, same_sku=True, same_name=False, name="CUP", sku="s1"),
    ]


def test_what_is_empty_is_not_the_same(store: Store) -> None:
    store.keep(a_row(1), a_row(2, name="", sku=""), a_row(3, name="ball"))
    store.source(PRODUCT, 10)
    store.source(PRODUCT, 11, name="ball")
    assert products(store) == {10: [], 11: [Candidate(3, same_sku=False, same_name=True, name="BALL")]}


def test_only_free_store_products_are_candidates_of_unlinked_fit_items(store: Store) -> None:
    store.keep(a_row(1, sku="s1"), a_row(2, sku="s2"))
    store.link(PRODUCT, 99, 1)
    store.source(PRODUCT, 10, sku="s1")
    store.source(PRODUCT, 11, sku="s2")
    store.source(PRODUCT, 12, sku="s2", gone=True)
    store.source(PRODUCT, 13, sku="s2", refused="name_missing")
    store.source(PRODUCT, 99, sku="s1")
    assert {one: [c.store_id for c in found] for one, found in products(store).items()} == {10: [], 11: [2]}


def test_candidates_come_in_portions_by_source_id(store: Store) -> None:
    for number in (1, 2, 3, 4):
        store.source(PRODUCT, number)
    assert list(products(store, limit=2)) == [1, 2]
    assert list(products(store, after=2, limit=2)) == [3, 4]
    assert products(store, after=4) == {}


def test_variants_are_candidates_by_sku_inside_their_own_product(store: Store) -> None:
    store.keep(a_row(50), a_row(51), a_row(1, VARIANT, sku="s1", parent=50), a_row(2, VARIANT, sku="s1", parent=51),
               a_row(3, VARIANT, sku="s3", parent=50), a_row(4, VARIANT, parent=50))  # fmt: skip
    store.link(PRODUCT, 5, 50)
    store.link(VARIANT, 99, 3)
    store.source(VARIANT, 10, sku="s1", parent_id=5)
    store.source(VARIANT, 11, sku="s1", parent_id=6)  # its product is not linked
    store.source(VARIANT, 12, sku="s3", parent_id=5)  # that one is taken
    store.source(VARIANT, 13, sku="", parent_id=5)
    store.source(VARIANT, 14, sku="s1", parent_id=5, gone=True)
    store.source(VARIANT, 99, sku="s3", parent_id=5)
    found = store_items.variant_candidates(store.session, store.id, after=0, limit=10)
    assert found == {10: [Candidate(1, same_sku=True, same_name=False, sku="s1")], 11: [], 12: [], 13: []}
    assert list(store_items.variant_candidates(store.session, store.id, after=10, limit=1)) == [11]


def test_categories_are_candidates_by_name_within_tree_and_parent(store: Store) -> None:
    store.keep(
        a_row(1, CATEGORY, name="balls", parent=0, tree=1),
        a_row(2, CATEGORY, name="balls", parent=0, tree=2),
        a_row(3, CATEGORY, name="balls", parent=1, tree=1),
        a_row(4, CATEGORY, name="cups", parent=0, tree=1),
        a_row(5, CATEGORY, name="taken", parent=0, tree=1),
    )
    store.link(CATEGORY, 99, 5, storefront=1)
    wanted = [(10, 0, "balls"), (11, 1, "balls"), (12, 0, "hats"), (13, 0, "taken")]
    found = store_items.category_candidates(store.session, store.id, tree_id=1, wanted=wanted)
    ids = {one: [candidate.store_id for candidate in candidates] for one, candidates in found.items()}
    assert ids == {10: [1], 11: [3], 12: [], 13: []}
    assert found[10] == [Candidate(1, same_sku=False, same_name=True, name="BALLS")]
    assert store_items.category_candidates(store.session, store.id, tree_id=1, wanted=[]) == {}
