"""Bulk pricing rules, read from numbered cells and checked.

Four cells with the same number form a rule. What is wrong with one costs the product that rule alone:

| what                                                        | code                   |
| ----------------------------------------------------------- | ---------------------- |
| one of the four is empty                                    | `bulk_rule_incomplete` |
| a cell is no number, or the type none of the store's        | `bulk_rule_unreadable` |
| minimum < 1 (fixed: 2), maximum < minimum, amount < 0, over 100 percent | `bulk_rule_out_of_range` |
| it overlaps a rule with a lower number                      | `bulk_rule_overlaps`   |
| more than 50                                                | `too_many_bulk_rules`  |
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from worker.catalog import values
from worker.catalog.bulk_pricing import FIELDS, TYPES, BulkRule, named
from worker.catalog.items import Problem
from worker.catalog.values import Unreadable

MOST_RULES = 50  # per product (Help Center, platform limits)
MOST_PIECES = 2_147_483_647
KEPT = Decimal("0.0001")


def read(
    cells: Mapping[str, Any], columns: Mapping[int, Mapping[str, str]]
) -> tuple[tuple[BulkRule, ...], list[Problem]]:
    """The rules that can be sent, in the order of their numbers, and all that is wrong with the others.

    `columns`: number -> field of the rule -> source column. A number of which no cell says anything is no rule.
    """
    fit: dict[int, BulkRule] = {}
    problems: list[Problem] = []
    for number in sorted(columns):
        said = {field: cells.get(column) for field, column in columns[number].items()}
        said = {field: cell for field, cell in said.items() if cell is not None and values.text(cell)}
        if not said:
            continue
        rule, wrong = _rule(number, said)
        problems += wrong
        if rule is None:
            continue
        other = next((one for one, held in fit.items() if held.overlaps(rule)), None)
        if other is not None:
            text = f"bulk pricing rule {number} ({rule}) overlaps rule {other} ({fit[other]})"
            problems.append(Problem("bulk_rule_overlaps", text, named(number, "qty_min")))
        elif len(fit) >= MOST_RULES:
            text = f"bulk pricing rule {number} is one too many; the store takes {MOST_RULES} a product"
            problems.append(Problem("too_many_bulk_rules", text, named(number, "qty_min")))
        else:
            fit[number] = rule
    return tuple(fit.values()), problems


def _rule(number: int, said: Mapping[str, Any]) -> tuple[BulkRule | None, list[Problem]]:
    """One rule, or all that is wrong with its cells."""
    found: dict[str, Any] = {}
    problems = []
    for field in FIELDS:
        name = named(number, field)
        if field not in said:
            text = f"bulk pricing rule {number} has no {field} ({name}); all four are required"
            problems.append(Problem("bulk_rule_incomplete", text, name))
            continue
        try:
            found[field] = _value(field, said[field])
        except Unreadable as fault:
            problems.append(Problem("bulk_rule_unreadable", f"bulk pricing rule {number}, {field}: {fault}", name))
    problems += [
        Problem("bulk_rule_out_of_range", f"bulk pricing rule {number}, {field}: {text}", named(number, field))
        for field, text in _beyond(found)
    ]
    if problems:
        return None, problems
    return BulkRule(found["qty_min"], found["qty_max"], found["type"], found["amount"]), []


def _value(field: str, cell: Any) -> int | str | None:
    if field == "type":
        return values.choice(cell, TYPES)
    if field != "amount":
        return values.integer(cell)
    exact = values.number(cell)
    # As the store keeps it (API facts §4.1), so that its rule and ours can be compared.
    return None if exact is None else values.number(format(Decimal(exact).quantize(KEPT, ROUND_HALF_UP), "f"))


def _beyond(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, what is wrong) of cells that can be read (API facts §3.8; the original's §11)."""
    minimum, maximum = found.get("qty_min"), found.get("qty_max")
    least = 2 if found.get("type") == "fixed" else 1
    wrong = []
    if minimum is not None and not least <= minimum <= MOST_PIECES:
        wrong.append(("qty_min", f"it is {minimum}; the store takes {least} or more"))
    if maximum is not None and not 0 <= maximum <= MOST_PIECES:
        wrong.append(("qty_max", f"it is {maximum}; the store takes 0 (open) or more"))
    elif maximum and minimum is not None and maximum < minimum:
        wrong.append(("qty_max", f"it is {maximum}, below the minimum of {minimum}; 0 is open"))
    amount = found.get("amount")
    if amount is not None and Decimal(amount) < 0:
        wrong.append(("amount", f"it is {amount}; it has to be 0 or more"))
    elif amount is not None and found.get("type") == "percent" and Decimal(amount) > 100:
        wrong.append(("amount", f"it is {amount} percent; it can be 100 at most"))
    return wrong
