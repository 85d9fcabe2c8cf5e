"""Bulk pricing rules: read from numbered cells, checked, and brought about among those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_column, a_profile, the_columns
from worker.catalog import bulk_pricing
from worker.catalog.bulk_pricing import FIELDS, BulkRule, named
from worker.rules import bulk_pricing as rules
from worker.rules import mapping

COLUMNS = {number: {field: named(number, field) for field in FIELDS} for number in range(1, 61)}


def cells(number: int, *said: Any) -> dict[str, Any]:
    """The four cells of a rule, in the order minimum, maximum, type, amount."""
    return {named(number, field): cell for field, cell in zip(FIELDS, said, strict=True)}


def read(*of: Mapping[str, Any]) -> tuple[list[BulkRule], list[tuple[str, str | None]]]:
    """The rules, and the code and field of what is wrong."""
    found, problems = rules.read({name: cell for one in of for name, cell in one.items()}, COLUMNS)
    return list(found), [(one.code, one.field) for one in problems]


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (("2", "9", "fixed", "1.50"), BulkRule(2, 9, "fixed", "1.5")),
        ((1, 0, "Percent", 100), BulkRule(1, 0, "percent", "100")),  # any case; 100 percent is free of charge
        (("5.0", "5", "PRICE", "0"), BulkRule(5, 5, "price", "0")),  # one quantity alone; nothing off
        (("5", "0", "price", "10.99995"), BulkRule(5, 0, "price", "11")),  # four decimals, as the store keeps it
    ],
)
def test_four_cells_are_a_rule(said: tuple[Any, ...], rule: BulkRule) -> None:
    assert read(cells(3, *said)) == ([rule], [])


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (("2", "", "fixed", "1"), "bulk_rule_incomplete", "qty_max"),
        (("2", "9", None, "1"), "bulk_rule_incomplete", "type"),
        (("two", "9", "fixed", "1"), "bulk_rule_unreadable", "qty_min"),
        (("2.5", "9", "fixed", "1"), "bulk_rule_unreadable", "qty_min"),
        (("2", "9", "relative", "1"), "bulk_rule_unreadable", "type"),
        (("0", "9", "price", "1"), "bulk_rule_out_of_range", "qty_min"),
        (("1", "9", "fixed", "1"), "bulk_rule_out_of_range", "qty_min"),  # a fixed price needs two pieces
        (("5", "4", "price", "1"), "bulk_rule_out_of_range", "qty_max"),
        (("5", "-1", "price", "1"), "bulk_rule_out_of_range", "qty_max"),
        (("5", "9", "price", "-0.01"), "bulk_rule_out_of_range", "amount"),
        (("5", "9", "percent", "100.01"), "bulk_rule_out_of_range", "amount"),
    ],
)
def test_what_is_wrong_is_named_with_its_number_and_field(said: tuple[Any, ...], code: str, field: str) -> None:
    fit = cells(1, "20", "0", "price", "1")
    assert read(fit, cells(4, *said)) == ([BulkRule(20, 0, "price", "1")], [(code, named(4, field))])


def test_all_that_is_wrong_with_a_rule_is_said_at_once() -> None:
    assert read(cells(1, "0", "", "fixed", "-1"))[1] == [
        ("bulk_rule_incomplete", "bulk_pricing_rule_qty_max_1"),
        ("bulk_rule_out_of_range", "bulk_pricing_rule_qty_min_1"),
        ("bulk_rule_out_of_range", "bulk_pricing_rule_amount_1"),
    ]


def test_a_number_without_any_cell_is_no_rule() -> None:
    assert read(cells(1, None, "", "", None)) == ([], [])


def test_of_two_that_overlap_the_lower_number_stays() -> None:
    found, wrong = read(cells(2, "5", "0", "price", "1"), cells(1, "2", "5", "price", "2"))
    assert found == [BulkRule(2, 5, "price", "2")]
    assert wrong == [("bulk_rule_overlaps", "bulk_pricing_rule_qty_min_2")]


def test_the_store_takes_fifty() -> None:
    found, wrong = read(*(cells(number, number, number, "price", "1") for number in range(1, 53)))
    assert len(found) == 50
    assert wrong == [("too_many_bulk_rules", named(number, "qty_min")) for number in (51, 52)]


# ---- which column is which cell


def test_numbered_columns_are_rules_and_no_custom_fields() -> None:
    columns = the_columns(ItemKind.PRODUCT, "bulk_pricing_rule_qty_min_1", "product_bulk_pricing_rule_TYPE_12", "paper")
    settled, faults = mapping.settle(a_profile(), columns)
    mapped = settled[ItemKind.PRODUCT]
    assert faults == []
    assert mapped.bulk_rules == {
        1: {"qty_min": "bulk_pricing_rule_qty_min_1"},
        12: {"type": "product_bulk_pricing_rule_TYPE_12"},
    }
    assert mapped.extras == (("paper", "paper"),)


def test_a_profile_may_name_other_columns() -> None:
    profile = a_profile(mapping={"product": {"bulk_pricing_rule_amount_1": "tier", "bulk_pricing_rule_type_1": "gone"}})
    settled, faults = mapping.settle(profile, the_columns(ItemKind.PRODUCT, a_column("tier")))
    assert settled[ItemKind.PRODUCT].bulk_rules == {1: {"amount": "tier"}}
    assert settled[ItemKind.PRODUCT].extras == ()
    assert faults == ["product.bulk_pricing_rule_type_1 is mapped to 'gone', which the source does not export"]


# ---- from the rules that are there to those that are wanted

LOW, HIGH, OPEN = BulkRule(2, 9, "price", "1"), BulkRule(10, 19, "price", "2"), BulkRule(20, 0, "price", "3")


def test_what_is_there_as_wanted_is_ours_without_a_call() -> None:
    moves = bulk_pricing.moves([LOW, OPEN], {1: LOW, 2: OPEN}, ours=[1])
    assert moves.held == {1: LOW, 2: OPEN}
    assert (moves.changed, moves.new, moves.dropped, moves.clashing) == ({}, (), (), ())


def test_another_amount_keeps_the_id() -> None:
    dearer = BulkRule(10, 19, "price", "2.5")
    moves = bulk_pricing.moves([LOW, dearer], {1: LOW, 2: HIGH}, ours=[1, 2])
    assert (moves.held, moves.changed, moves.dropped) == ({1: LOW}, {2: dearer}, ())


def test_what_vanished_at_the_source_is_dropped_and_others_stay() -> None:
    moves = bulk_pricing.moves([LOW], {1: LOW, 2: HIGH, 3: OPEN}, ours=[1, 2])
    assert moves.dropped == (2,)
    assert 3 not in {*moves.held, *moves.changed}


def test_what_overlaps_others_is_not_sent() -> None:
    wide = BulkRule(5, 12, "price", "9")
    moves = bulk_pricing.moves([wide], {3: HIGH}, ours=[])
    assert moves.clashing == ((wide, HIGH),)
    assert (moves.new, moves.changed) == ((), {})


@pytest.mark.parametrize(
    "wanted",
    [
        [BulkRule(2, 19, "price", "1"), BulkRule(20, 29, "price", "2")],  # the first grows over the second's span
        [BulkRule(2, 4, "price", "1"), BulkRule(5, 14, "price", "2"), BulkRule(15, 0, "price", "3")],  # one more
        [BulkRule(2, 0, "price", "1")],  # one for all
    ],
)
def test_nothing_overlaps_on_the_way(wanted: list[BulkRule]) -> None:
    present = {1: LOW, 2: HIGH}
    moves = bulk_pricing.moves(wanted, present, ours=present)
    there = {one: rule for one, rule in present.items() if one not in moves.dropped}
    for store_id, rule in moves.changed.items():
        assert not any(rule.overlaps(other) for one, other in there.items() if one != store_id)
        there[store_id] = rule
    for number, rule in enumerate(moves.new, start=100):
        assert not any(rule.overlaps(other) for other in there.values())
        there[number] = rule
    assert sorted(there.values(), key=lambda rule: rule.minimum) == wanted
