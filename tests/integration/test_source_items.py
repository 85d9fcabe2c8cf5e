"""Items of the source: what is due stays due, what is refused, and who holds a name or a SKU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from models.vocabulary import ItemKind
from tests.mirrored import CATEGORY, PRODUCT, VARIANT, Source, a_row, gone
from worker.catalog.items import Key
from worker.catalog.store import Relation, StoreRow
from worker.ledger import relations, source_items, store_items
from worker.ledger.source_items import Repeated

AConnector = Callable[..., Any]


# ---- what is due


def test_something_is_due_while_an_item_or_all_of_them_are(source: Source) -> None:
    assert not source_items.has_due(source.session, source.id)
    source.read(a_row(1))
    assert source_items.has_due(source.session, source.id)
    source_items.settle(source.session, source.id, PRODUCT, [1])
    assert not source_items.has_due(source.session, source.id)
    source.finish(all_due=True)
    assert source_items.has_due(source.session, source.id)


def test_settling_and_making_due_touch_the_items_named_of_that_kind_alone(source: Source) -> None:
    source.read(a_row(1), a_row(2), a_row(1, VARIANT))
    source_items.settle(source.session, source.id, PRODUCT, [1])
    assert [source.row(*one).due for one in ((PRODUCT, 1), (PRODUCT, 2), (VARIANT, 1))] == [False, True, True]
    source_items.make_due(source.session, source.id, PRODUCT, [1])
    assert source.row(PRODUCT, 1).due


def test_what_was_sent_stays_due_while_more_of_it_is_pending(source: Source) -> None:
    source.read(a_row(1), a_row(2))
    source.session.execute(
        text("INSERT INTO pending_change (tenant_id, connector_id, run_id, kind, source_id, storefront_id, action,"
             " wave, payload) VALUES (:t, :c, 1, 'product', 1, 0, 'assign', 3, '{}')"),
        {"t": source.tenant_id, "c": source.id},
    )  # fmt: skip
    source_items.settle_sent(source.session, source.id, PRODUCT, [1, 2])
    assert (source.row(PRODUCT, 1).due, source.row(PRODUCT, 2).due) == (True, False)


def test_families_are_due_by_product_or_variant_and_come_in_portions(source: Source) -> None:
    source.read(
        a_row(10),
        a_row(20),
        a_row(30),
        a_row(1, VARIANT, cells={"ID_products": 20}, parent_id=20),
        a_row(2, VARIANT, cells={"ID_products": 40}, parent_id=40),
        a_row(3, VARIANT, cells={"ID_products": ""}),
    )
    source.settle_all()
    source_items.make_due(source.session, source.id, PRODUCT, [30])
    source_items.make_due(source.session, source.id, VARIANT, [1, 2, 3])
    ids = source_items.family_ids(source.session, source.id, after=-1, limit=10, all_due=False)
    assert ids == [0, 20, 30, 40]  # 0: the variants of nobody
    assert source_items.family_ids(source.session, source.id, after=20, limit=1, all_due=False) == [30]
    assert source_items.family_ids(source.session, source.id, after=-1, limit=2, all_due=True) == [0, 10]
    families = source_items.families(source.session, source.id, [0, 10, 20, 40, 50])
    assert {family: [(row.kind, row.source_id) for row in rows] for family, rows in families.items()} == {
        0: [(VARIANT, 3)],
        10: [(PRODUCT, 10)],
        20: [(PRODUCT, 20), (VARIANT, 1)],
        40: [(VARIANT, 2)],
        50: [],
    }


def test_categories_come_present_and_gone(source: Source) -> None:
    source.read(a_row(2, CATEGORY, cells={"ID_PARENT": 1}, parent_id=1), a_row(1, CATEGORY), a_row(1))
    source.read(gone(1, CATEGORY))
    assert [(row.source_id, row.parent_id, row.gone) for row in source_items.categories(source.session, source.id)] == [
        (1, 0, True),
        (2, 1, False),
    ]


# ---- what is refused, and what is repeated


def test_a_verdict_is_noted_and_lifted(source: Source) -> None:
    source.read(a_row(1), a_row(2), a_row(1, VARIANT))
    source_items.refuse(source.session, source.id, PRODUCT, {})
    source_items.refuse(source.session, source.id, PRODUCT, {1: "name_missing", 2: None})
    assert source_items.refused_for(source.session, source.id, "name_missing") == {(PRODUCT, 1)}
    assert source.row(VARIANT, 1).refused is None
    source_items.refuse(source.session, source.id, PRODUCT, {1: None})
    assert source_items.refused_for(source.session, source.id, "name_missing") == set()


def test_what_is_gone_is_refused_for_nothing(source: Source) -> None:
    source.read(a_row(1))
    source_items.refuse(source.session, source.id, PRODUCT, {1: "name_taken"})
    source.session.execute(text("UPDATE source_item SET gone = true"))
    assert source_items.refused_for(source.session, source.id, "name_taken") == set()


def keyed(source: Source, *keys: tuple[ItemKind, int, str, str]) -> None:
    rows = [a_row(number, kind, cells={"ID_products": 1}, parent_id=1) for kind, number, _, _ in keys]
    source.read(*rows, keys={(kind, number): (name, sku) for kind, number, name, sku in keys})


def link(source: Source, kind: ItemKind, source_id: int, store_id: int, *, name: str = "", sku: str = "") -> None:
    row = StoreRow(kind, store_id, None, None, name, sku, {}, "h")
    store_items.keep(source.session, source.tenant_id, source.id, store_id, [row])
    relations.remember(source.session, source.tenant_id, source.id, "h", [Relation(Key(kind, source_id), store_id)])


def test_the_lowest_id_holds_a_repeated_name(source: Source) -> None:
    keyed(source, (PRODUCT, 3, "ball", ""), (PRODUCT, 2, "ball", ""), (PRODUCT, 4, "cup", ""), (PRODUCT, 5, "", ""),
          (PRODUCT, 6, "", ""), (VARIANT, 1, "ball", ""))  # fmt: skip
    assert source_items.repeated_names(source.session, source.id) == [Repeated(PRODUCT, 3, "ball", PRODUCT, 2)]


def test_who_is_linked_under_a_name_holds_it_against_lower_ids(source: Source) -> None:
    keyed(source, (PRODUCT, 2, "ball", ""), (PRODUCT, 3, "ball", ""))
    link(source, PRODUCT, 3, 900, name="ball")
    assert source_items.repeated_names(source.session, source.id) == [Repeated(PRODUCT, 2, "ball", PRODUCT, 3)]


def test_who_is_linked_under_another_name_has_no_older_right(source: Source) -> None:
    keyed(source, (PRODUCT, 2, "ball", ""), (PRODUCT, 3, "ball", ""))
    link(source, PRODUCT, 3, 900, name="cup")
    assert source_items.repeated_names(source.session, source.id) == [Repeated(PRODUCT, 3, "ball", PRODUCT, 2)]


def test_an_item_that_is_refused_or_gone_holds_no_name(source: Source) -> None:
    keyed(source, *((PRODUCT, number, "ball", "") for number in (1, 2, 3, 4)))
    source_items.refuse(source.session, source.id, PRODUCT, {1: "price_missing", 4: "name_taken"})
    source.session.execute(text("UPDATE source_item SET gone = true WHERE source_id = 2"))
    assert source_items.repeated_names(source.session, source.id) == [Repeated(PRODUCT, 4, "ball", PRODUCT, 3)]


def test_products_hold_a_sku_before_variants_and_then_the_lowest_id(source: Source) -> None:
    keyed(source, (VARIANT, 1, "", "s1"), (PRODUCT, 9, "", "s1"), (VARIANT, 2, "", "s2"), (VARIANT, 3, "", "s2"),
          (PRODUCT, 5, "", ""), (VARIANT, 6, "", ""), (CATEGORY, 7, "", "s1"))  # fmt: skip
    found = source_items.repeated_skus(source.session, source.id)
    assert sorted(found, key=lambda one: one.source_id) == [
        Repeated(VARIANT, 1, "s1", PRODUCT, 9),
        Repeated(VARIANT, 3, "s2", VARIANT, 2),
    ]


def test_who_is_linked_under_a_sku_holds_it(source: Source) -> None:
    keyed(source, (PRODUCT, 9, "", "s1"), (VARIANT, 1, "", "s1"))
    link(source, VARIANT, 1, 900, sku="s1")
    assert source_items.repeated_skus(source.session, source.id) == [Repeated(PRODUCT, 9, "s1", VARIANT, 1)]


def test_variants_are_found_by_what_they_stand_refused_for(source: Source) -> None:
    keyed(source, *((VARIANT, number, "", "") for number in (1, 2, 3)))
    source.read(a_row(4, VARIANT, cells={"ID_products": 2}, parent_id=2))
    source_items.refuse(source.session, source.id, VARIANT, {2: "sku_taken"})
    source.session.execute(text("UPDATE source_item SET gone = true WHERE source_id = 3"))
    assert [row.source_id for row in source_items.variants_of(source.session, source.id, [1], refused=None)] == [1]
    assert [row.source_id for row in source_items.variants_of(source.session, source.id, [1], refused="sku_taken")] == [
        2
    ]


def test_families_are_taken_up_as_long_as_their_rows_fit(source: Source) -> None:
    of = {101: 1, 102: 1, 103: 1, 201: 2, 301: 3, 302: 3, 303: 3, 304: 3}
    source.read(
        a_row(1),
        a_row(2),
        a_row(3),
        *(a_row(one, VARIANT, cells={"ID_products": to}, parent_id=to) for one, to in of.items()),
    )

    def fit(*ids: int, rows: int) -> list[int]:
        return source_items.as_many_as_fit(source.session, source.id, ids, rows=rows)

    assert fit(1, 2, 3, rows=11) == [1, 2, 3]
    assert fit(1, 2, 3, rows=10) == [1, 2]
    assert fit(1, 2, 3, rows=5) == [1]
    assert fit(3, 2, 1, rows=6) == [3]
    assert fit(3, 1, rows=1) == [3], "a family that is larger than what fits goes alone"
    assert fit(rows=9) == []


def test_known_counts_what_the_source_has(source: Source) -> None:
    source.read(a_row(1), a_row(2), a_row(3), a_row(1, CATEGORY))
    source.read(gone(3))
    assert source_items.known(source.session, source.id) == {"product": 2, "category": 1}


# ---- what hangs on categories


def test_products_of_a_category_are_looked_at_again_unless_cleaning_refused_them(source: Source) -> None:
    source.read(
        a_row(1, cells={"ID_catalogue": [11, 12]}),
        a_row(2, cells={"ID_catalogue": [13]}),
        a_row(3, cells={"ID_catalogue": [12]}),
        a_row(4, cells={"ID_catalogue": []}),
        a_row(5, cells={"ID_catalogue": [12]}),
        a_row(6, cells={}),
    )
    source.settle_all()
    source.read(gone(5))
    source.settle_all()
    source_items.refuse(source.session, source.id, PRODUCT, {3: "no_name"})
    assert source_items.categories_with_products(source.session, source.id) == {11, 12, 13}
    source_items.make_products_due_in(source.session, source.id, [12, 99])
    due = source.session.scalars(text("SELECT source_id FROM source_item WHERE due")).all()
    assert due == [1]
