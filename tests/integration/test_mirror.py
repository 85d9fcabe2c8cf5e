"""The mirror of the source: what a row does not carry stands, what is gone may come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind
from tests.mirrored import CATEGORY, COLUMNS, PRODUCT, VARIANT, Source, a_row, gone
from worker.catalog.columns import Row
from worker.ledger import mirror, source_items
from worker.ledger.session import as_tenant
from worker.ledger.source_items import SourceRow

AConnector = Callable[..., Any]


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


def test_all_can_be_looked_at_again_without_a_refresh(source: Source) -> None:
    mirror.look_at_all(source.session, source.id)
    assert mirror.state(source.session, source.id).all_due
    mirror.all_planned(source.session, source.id)
    assert not mirror.state(source.session, source.id).all_due
