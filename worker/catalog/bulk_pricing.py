"""Bulk pricing rules: how many pieces cost what."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FIELDS = ("qty_min", "qty_max", "type", "amount")
"""The four cells of one rule; all are required (the original's §11)."""
TYPES = ("price", "percent", "fixed")
_NAME = re.compile(rf"bulk_pricing_rule_({'|'.join(FIELDS)})_([1-9]\d{{0,3}})")


def numbered(name: str) -> tuple[int, str] | None:
    """(n, field) of `bulk_pricing_rule_qty_min_3` and its like; None for any other name."""
    found = _NAME.fullmatch(name.casefold())
    return (int(found[2]), found[1]) if found else None


def named(number: int, field: str) -> str:
    """The name of one cell of the rule of that number."""
    return f"bulk_pricing_rule_{field}_{number}"


@dataclass(frozen=True, slots=True)
class BulkRule:
    """From `minimum` to `maximum` pieces (0 = open) the amount holds; it is an exact decimal text."""

    minimum: int
    maximum: int
    type: str
    amount: str

    def overlaps(self, other: BulkRule) -> bool:
        """Whether both speak about some quantity; the store refuses that."""
        return self.minimum <= (other.maximum or math.inf) and other.minimum <= (self.maximum or math.inf)

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum or 'any number of'} pieces: {self.type} {self.amount}"


@dataclass(frozen=True, slots=True)
class Moves:
    """How the rules of a product become the wanted ones."""

    held: Mapping[int, BulkRule]
    """Ours that stand as they are, by store id."""
    changed: Mapping[int, BulkRule]
    """Ours that get another content under their id."""
    new: tuple[BulkRule, ...]
    dropped: tuple[int, ...]
    """Ours that go: before anything is changed, so that nothing overlaps on the way."""
    clashing: tuple[tuple[BulkRule, BulkRule], ...]
    """(wanted, the rule of others that it overlaps): not sent."""


def moves(wanted: Iterable[BulkRule], present: Mapping[int, BulkRule], ours: Iterable[int]) -> Moves:
    """How to get from the rules that the store has (by id, others' included) to the wanted ones.

    A rule that is there exactly as wanted is ours from now on. One of ours is changed under its id where its
    new span meets no other old one: whatever the order in which the store looks at them, nothing overlaps.
    """
    missing = list(dict.fromkeys(wanted))
    held = {}
    for store_id, rule in present.items():
        if rule in missing:
            missing.remove(rule)
            held[store_id] = rule
    over = {one: present[one] for one in ours if one in present and one not in held}
    others = [rule for store_id, rule in present.items() if store_id not in held and store_id not in over]
    changed: dict[int, BulkRule] = {}
    new, clashing = [], []
    for rule in missing:
        other = next((one for one in others if one.overlaps(rule)), None)
        met = [one for one in over if over[one].overlaps(rule)]
        free = [one for one in (met or over) if one not in changed]
        if other is not None:
            clashing.append((rule, other))
        elif len(met) <= 1 and free:
            changed[free[0]] = rule
        else:
            new.append(rule)
    return Moves(held, changed, tuple(new), tuple(one for one in over if one not in changed), tuple(clashing))


def from_row(row: Sequence[object]) -> tuple[int, BulkRule]:
    """(store id, rule) of a row [minimum, maximum, type, amount, store id], as it is remembered."""
    minimum, maximum, kind, amount, store_id = row
    return int(str(store_id)), BulkRule(int(str(minimum)), int(str(maximum)), str(kind), str(amount))


def to_row(store_id: int, rule: BulkRule) -> list[int | str]:
    """The rule as it is remembered with its product."""
    return [rule.minimum, rule.maximum, rule.type, rule.amount, store_id]
