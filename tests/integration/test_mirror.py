"""The mirror of the source: what a row does not carry stands, what is gone may come back, what is due stays due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from worker.catalog.columns import Column, Columns, Row
from worker.catalog.items import Key
from worker.catalog.store import Relation, StoreRow
from worker.ledger import mirror, relations, source_items, store_items
from worker.ledger.session import Session, as_tenant
from worker.ledger.source_items import Repeated, SourceRow

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
AConnector = Callable[..., Any]
COLUMNS = Columns({PRODUCT: (Column("product_name_en", "product_name", "string", "en", "Name"),)}, "en", ("en",))


class Source:
    """One connector's mirror, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id
        self.pages = 0

    def stage(self, *rows: Row, keys: mirror.Keys | None = None) -> int:
        self.pages += 1
        return self.stage_page(self.pages, *rows, keys=keys)

    def stage_page(self, page: int, *rows: Row, keys: mirror.Keys | None = None) -> int:
        told = keys or {}
        changed = mirror.different(self.session, self.id, rows, told)
        return mirror.stage(self.session, self.tenant_id, self.id, page, rows, changed, told)

    def take_over(self, *, portion: int = 1000) -> int:
        return mirror.take_over(self.session, self.id, portion=portion)

    def finish(self, **told: Any) -> None:
        usual: dict[str, Any] = {
            "last_update": 100,
            "company_id": 7,
            "columns": COLUMNS,
            "refreshed": False,
            "all_due": False,
        }
        mirror.finish_attempt(self.session, self.id, **(usual | told))

    def read(self, *rows: Row, keys: mirror.Keys | None = None, refresh: bool = False) -> int:
        """A whole attempt of one page, settled; how many rows were taken over."""
        mirror.drop_attempt(self.session, self.id)
        self.stage(*rows, keys=keys)
        moved = self.take_over()
        if refresh:
            mirror.mark_missing(self.session, self.id)
        self.finish(refreshed=refresh)
        return moved

    def settle_all(self) -> None:
        self.session.execute(text("UPDATE source_item SET due = false"))

    def row(self, kind: ItemKind, source_id: int) -> SourceRow:
        (found,) = source_items.rows(self.session, self.id, kind, [source_id])
        return found

    def column(self, source_id: int, name: str, kind: ItemKind = PRODUCT) -> Any:
        return self.session.scalar(
            text(f"SELECT {name} FROM source_item WHERE kind = :kind AND source_id = :id"),  # noqa: S608
            {"kind": kind.value, "id": source_id},
        )

    def staged(self) -> list[int]:
        return list(self.session.scalars(text("SELECT source_id FROM source_staged ORDER BY kind, source_id")))

    @property
    def refresh_wanted(self) -> bool:
        return mirror.state(self.session, self.id).refresh_wanted


def a_row(source_id: int, kind: ItemKind = PRODUCT, *, hash_: str = "h1", **told: Any) -> Row:
    """A product row; `cells`, `parent_id`, `gone` and `unchanged_cells` as given."""
    usual: dict[str, Any] = {"gone": False, "raw_hash": hash_}
    return Row(kind, source_id, **(usual | told))


def gone(source_id: int, kind: ItemKind = PRODUCT) -> Row:
    return Row(kind, source_id, gone=True, raw_hash="d")


@pytest.fixture
def session(engine: Engine, a_connector: AConnector) -> Iterator[Session]:
    with as_tenant(engine, a_connector().tenant_id) as opened:
        yield opened


@pytest.fixture
def source(session: Session) -> Source:
    row = session.execute(text("SELECT id, tenant_id FROM connector")).one()
    return Source(session, row)


# ---- state


def test_a_new_mirror_has_read_nothing(source: Source) -> None:
    assert mirror.state(source.session, source.id) == mirror.State(None, None, None, False, False)


def test_a_finished_attempt_moves_the_cursor_and_forgets_its_pages(source: Source) -> None:
    source.stage(a_row(1))
    source.finish(last_update=123, company_id=9, all_due=True)
    assert mirror.state(source.session, source.id) == mirror.State(123, 9, COLUMNS, True, False)
    assert source.staged() == []
    assert source.session.scalar(text("SELECT count(*) FROM source_page")) == 0


def test_an_attempt_that_names_no_company_keeps_the_one_known_and_what_was_all_due(source: Source) -> None:
    source.finish(company_id=9, all_due=True)
    source.finish(company_id=None, all_due=False)
    assert mirror.state(source.session, source.id).company_id == 9
    assert mirror.state(source.session, source.id).all_due
    mirror.all_planned(source.session, source.id)
    assert not mirror.state(source.session, source.id).all_due


def test_a_dropped_attempt_leaves_the_mirror_as_it_was(source: Source) -> None:
    source.read(a_row(1, cells={"a": 1}))
    source.stage(a_row(1, hash_="h2", cells={"a": 2}), a_row(2))
    mirror.drop_attempt(source.session, source.id)
    assert source.take_over() == 0
    assert source.row(PRODUCT, 1).cells == {"a": 1}
    assert mirror.state(source.session, source.id).last_update == 100


# ---- staging


def test_a_row_whose_hash_is_equal_is_not_staged(source: Source) -> None:
    source.read(a_row(1), a_row(2))
    assert source.stage(a_row(1), a_row(2, hash_="h2"), a_row(3)) == 2
    assert source.staged() == [2, 3]


def test_the_hash_is_compared_within_one_kind(source: Source) -> None:
    source.read(a_row(1))
    assert source.stage(a_row(1, VARIANT), a_row(1, CATEGORY)) == 2


def test_a_gone_row_of_an_item_that_is_not_known_is_ignored(source: Source) -> None:
    source.read(a_row(1))
    assert source.stage(gone(1), gone(2)) == 1
    assert source.staged() == [1]
    source.take_over()
    assert source_items.rows(source.session, source.id, PRODUCT, [2]) == []


def test_a_page_keeps_the_ids_that_it_brought_and_not_those_that_are_gone(source: Source) -> None:
    source.read(a_row(1))
    source.stage(a_row(1), a_row(5), gone(6), a_row(7, VARIANT))
    rows = source.session.execute(text("SELECT kind, seen FROM source_page ORDER BY kind")).all()
    assert [(row[0], sorted(row[1])) for row in rows] == [("product", [1, 5]), ("variant", [7])]


def test_a_page_that_is_staged_twice_stands_there_once(source: Source) -> None:
    for _ in range(2):
        source.stage_page(1, a_row(1))
    assert source.session.scalar(text("SELECT count(*) FROM source_page")) == 1
    assert source.take_over() == 1


def test_a_later_page_of_the_attempt_wins(source: Source) -> None:
    source.stage(a_row(1, cells={"a": 1}))
    source.stage(a_row(1, hash_="h2", cells={"a": 2}))
    source.take_over()
    assert source.row(PRODUCT, 1).cells == {"a": 2}


def a_part(*categories: int, hash_: str, name: str = "A") -> Row:
    """A product as a source tells it that does not group categories: one row for each."""
    return a_row(1, hash_=hash_, cells={"ID_catalogue": list(categories), "name": name}, may_be_a_part=True)


def test_a_product_that_comes_on_several_pages_has_the_categories_of_all(source: Source) -> None:
    source.stage(a_part(11, hash_="h11"))
    source.stage(a_row(2))
    source.stage(a_part(12, hash_="h12"))
    source.stage(a_part(13, 11, hash_="h13", name="B"))
    assert source.take_over() == 2
    assert source.row(PRODUCT, 1).cells == {"ID_catalogue": [11, 12, 13], "name": "B"}


def test_a_part_that_is_as_the_mirror_has_it_is_not_lost_to_a_new_one(source: Source) -> None:
    source.read(a_part(11, hash_="h11"))
    source.stage(a_part(11, hash_="h11"))
    source.stage(a_part(12, hash_="h12"))
    source.take_over()
    assert source.row(PRODUCT, 1).cells["ID_catalogue"] == [11, 12]


def test_parts_that_come_together_as_they_were_change_nothing(source: Source) -> None:
    for _ in range(2):
        source.stage(a_part(11, hash_="h11"))
        source.stage(a_part(12, hash_="h12"))
        source.take_over()
        source.finish()
        refused, due = source.column(1, "refused"), source.column(1, "due")
        source_items.refuse(source.session, source.id, PRODUCT, {1: "name_missing"})
        source.settle_all()
    assert (refused, due) == ("name_missing", False)
    source.read(a_part(12, hash_="h12"))
    assert source.row(PRODUCT, 1).cells["ID_catalogue"] == [12], "the other category is gone"
    assert source.row(PRODUCT, 1).due


@pytest.mark.parametrize("there_first", [True, False])
def test_an_item_that_one_page_says_is_gone_and_another_brings_is_there(source: Source, there_first: bool) -> None:
    source.read(a_row(1, cells={"name": "A"}))
    rows = [a_row(1, hash_="h2", cells={"name": "B"}), gone(1)]
    for row in rows if there_first else reversed(rows):
        source.stage(row)
    source.take_over()
    assert not source.row(PRODUCT, 1).gone
    assert source.row(PRODUCT, 1).cells == {"name": "B"}


def test_an_unchanged_picture_of_an_item_never_mirrored_asks_for_a_refresh(source: Source) -> None:
    source.stage(a_row(1, unchanged_cells=("image",)))
    assert source.refresh_wanted
    source.finish(refreshed=False)
    assert source.refresh_wanted
    source.finish(refreshed=True)
    assert not source.refresh_wanted


def test_an_unchanged_picture_of_a_mirrored_item_asks_for_nothing(source: Source) -> None:
    source.read(a_row(1, cells={"image": [["p1", "http://x/1.png"]], "name": "A"}))
    source.read(a_row(1, hash_="h2", cells={"name": "B"}, unchanged_cells=("image",)))
    assert not source.refresh_wanted
    assert source.row(PRODUCT, 1).cells == {"image": [["p1", "http://x/1.png"]], "name": "B"}


# ---- taking over


def test_columns_that_a_row_does_not_carry_keep_their_value(source: Source) -> None:
    source.read(a_row(1, cells={"name": "A", "price": 5, "note": "x"}), keys={(PRODUCT, 1): ("a", "sku-1")})
    source.read(a_row(1, hash_="h2", cells={"price": None, "note": ""}), keys={(PRODUCT, 1): (None, None)})
    assert source.row(PRODUCT, 1).cells == {"name": "A", "price": None, "note": ""}
    assert source.column(1, "name_key") == "a"
    assert source.column(1, "sku_key") == "sku-1"


def test_a_column_that_is_carried_and_empty_empties_its_key(source: Source) -> None:
    source.read(a_row(1), keys={(PRODUCT, 1): ("a", "sku-1")})
    source.read(a_row(1, hash_="h2"), keys={(PRODUCT, 1): ("", "")})
    assert source.column(1, "name_key") == ""
    assert source.column(1, "sku_key") == ""


@pytest.mark.parametrize(("cells", "parent_id", "expected"), [
    ({}, None, 5),  # the row does not say
    ({"ID_products": 6}, 6, 6),  # it moves
    ({"ID_products": ""}, None, 0),  # it says: nowhere
])  # fmt: skip
def test_a_parent_stands_where_the_row_does_not_say(
    source: Source, cells: dict[str, Any], parent_id: int | None, expected: int
) -> None:
    source.read(a_row(1, VARIANT, cells={"ID_products": 5}, parent_id=5))
    source.read(a_row(1, VARIANT, hash_="h2", cells=cells, parent_id=parent_id))
    assert source.row(VARIANT, 1).parent_id == expected


def test_what_is_taken_over_is_due_and_refused_no_more(source: Source) -> None:
    source.read(a_row(1), a_row(2))
    source.settle_all()
    source_items.refuse(source.session, source.id, PRODUCT, {1: "name_missing", 2: "name_missing"})
    source.read(a_row(1, hash_="h2"))
    assert (source.row(PRODUCT, 1).due, source.row(PRODUCT, 1).refused) == (True, None)
    assert (source.row(PRODUCT, 2).due, source.row(PRODUCT, 2).refused) == (False, "name_missing")


def test_what_is_gone_keeps_its_cells_and_is_due_once(source: Source) -> None:
    source.read(a_row(1, cells={"name": "A"}))
    source_items.refuse(source.session, source.id, PRODUCT, {1: "name_missing"})
    source.settle_all()
    source.read(gone(1))
    assert source.row(PRODUCT, 1) == SourceRow(PRODUCT, 1, 0, {"name": "A"}, True, True, None)
    source.settle_all()
    source.read(gone(1))
    assert not source.row(PRODUCT, 1).due


def test_what_was_gone_comes_back_with_all_that_was_known(source: Source) -> None:
    source.read(a_row(1, cells={"name": "A", "image": [["p", "u"]]}))
    source.read(gone(1))
    source.settle_all()
    # It comes with the very row that it left with, and is taken over all the same.
    assert source.read(a_row(1, cells={"name": "A"}, unchanged_cells=("image",))) == 1
    assert source.row(PRODUCT, 1) == SourceRow(PRODUCT, 1, 0, {"name": "A", "image": [["p", "u"]]}, False, True, None)
    assert not source.refresh_wanted


def test_a_large_attempt_is_taken_over_in_portions_and_may_be_cut_between_them(
    engine: Engine, a_connector: AConnector
) -> None:
    made = a_connector(tenant="portions")
    with as_tenant(engine, made.tenant_id) as session:
        Source(session, made).stage(*(a_row(n, cells={"n": n}) for n in range(1, 8)))
    moved = []
    with pytest.raises(ZeroDivisionError), as_tenant(engine, made.tenant_id) as session:  # noqa: PT012 it breaks late
        mirror.take_over(session, made.id, portion=3)
        raise ZeroDivisionError  # the worker dies before its save is committed: nothing of the portion stands
    for _ in range(4):
        with as_tenant(engine, made.tenant_id) as session:
            moved.append(mirror.take_over(session, made.id, portion=3))
    assert moved == [3, 3, 1, 0]
    with as_tenant(engine, made.tenant_id) as session:
        rows = source_items.rows(session, made.id, PRODUCT, range(1, 8))
        assert [row.cells for row in rows] == [{"n": n} for n in range(1, 8)]


def test_a_whole_refresh_marks_what_it_did_not_name(source: Source) -> None:
    source.read(a_row(1), a_row(2), a_row(2, VARIANT), a_row(3, CATEGORY))
    source.settle_all()
    source.stage(a_row(1))
    source.stage(a_row(2, VARIANT))
    assert mirror.mark_missing(source.session, source.id) == 2
    assert [(row.kind, row.source_id) for kind in ItemKind
            for row in source_items.rows(source.session, source.id, kind, [1, 2, 3]) if row.gone and row.due] == [
        (CATEGORY, 3), (PRODUCT, 2),
    ]  # fmt: skip
    assert not source.row(PRODUCT, 1).due
    assert mirror.mark_missing(source.session, source.id) == 0


def test_what_a_refresh_brings_back_after_it_was_missing_is_present(source: Source) -> None:
    source.read(a_row(1, cells={"name": "A"}))
    source.read(a_row(2), refresh=True)
    assert source.row(PRODUCT, 1).gone
    source.read(a_row(1, cells={"name": "A"}), a_row(2), refresh=True)
    assert not source.row(PRODUCT, 1).gone


def test_text_that_postgres_cannot_keep_is_kept_without_it(source: Source) -> None:
    cells = {"a": "x\x00y", "b": "C:\\u0000", "c": "\\", "d": ["é", "\\\\u0000"]}
    source.read(a_row(1, cells=cells))
    assert source.row(PRODUCT, 1).cells == cells | {"a": "xy"}


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


def test_a_mirror_knows_nothing_of_another_connector_of_the_tenant(
    source: Source, engine: Engine, a_connector: AConnector
) -> None:
    source.read(a_row(1), keys={(PRODUCT, 1): ("ball", "s1")})
    source.stage(a_row(2))
    source.session.commit()
    other = a_connector("other")
    with as_tenant(engine, other.tenant_id) as session:
        at = Source(session, other)
        at.read(a_row(1, hash_="theirs"), keys={(PRODUCT, 1): ("ball", "s1")}, refresh=True)
        source_items.refuse(session, other.id, PRODUCT, {1: "x"})
        source_items.settle(session, other.id, PRODUCT, [1])
        mirror.mark_missing(session, other.id)
        assert source_items.repeated_names(session, other.id) == source_items.repeated_skus(session, other.id) == []
        (mine,) = source_items.rows(session, source.id, PRODUCT, [1])
        assert (mine.due, mine.refused, mine.gone) == (True, None, False)
        assert session.scalar(text("SELECT count(*) FROM source_staged")) == 1


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


def test_all_can_be_looked_at_again_without_a_refresh(source: Source) -> None:
    mirror.look_at_all(source.session, source.id)
    assert mirror.state(source.session, source.id).all_due
    mirror.all_planned(source.session, source.id)
    assert not mirror.state(source.session, source.id).all_due
