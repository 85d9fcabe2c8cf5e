"""How a product's options are shown, and what becomes of variants whose option values change.

The store lets no variant change its option values (API facts §3.5). So, cheapest first:

| the value                                                          | its variants are                |
| ------------------------------------------------------------------ | ------------------------------- |
| has a new label, and all its users move there; the label is free   | kept: the value is *relabelled* |
| idem, and the label belongs to a value that is relabelled itself   | kept, in a chain or a circle    |
| moves to a label that stays in use, or only some users move        | *rebuilt*                       |
| the option set is another one                                      | all *rebuilt*                   |

A label is free that no variant uses: a value under it that nobody uses gives way. Where several values become one,
that of the most variants is relabelled and the users of the others are rebuilt under it.

Options and values stand in the order of their first appearance, from the variant with the lowest id on: the source
tells no other, and a guess at sizes or numbers would be right for some catalogues only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from worker.catalog.changes import Relabel
from worker.catalog.items import Option, Variant

DROPDOWN = "dropdown"
SWATCH = "swatch"


def spelled_alike(variants: Sequence[Variant]) -> list[Variant]:
    """The variants with every label as the first of them writes it: `red` beside `Red` is the same value."""
    first: dict[tuple[str, str], str] = {}
    for variant in variants:
        for value in variant.options:
            first.setdefault((value.option, value.label.casefold()), value.label)
    return [
        replace(
            variant,
            options=tuple(
                replace(value, label=first[value.option, value.label.casefold()]) for value in variant.options
            ),
        )
        if any(first[value.option, value.label.casefold()] != value.label for value in variant.options)
        else variant
        for variant in variants
    ]


def of_product(variants: Iterable[Variant]) -> tuple[Option, ...]:
    """The options that these variants span.

    A swatch needs a colour for every value: where one has none, the whole option is a dropdown
    (the original's §8: a colour without hex codes creates a dropdown).
    """
    values: dict[str, dict[str, tuple[str, ...]]] = {}
    for variant in variants:
        for value in variant.options:
            known = values.setdefault(value.option, {})
            if not known.get(value.label):
                known[value.label] = value.colors
    return tuple(
        Option(name, SWATCH if all(of.values()) else DROPDOWN, tuple(of.items() if all(of.values()) else _plain(of)))
        for name, of in values.items()
    )


def _plain(labels: Iterable[str]) -> Sequence[tuple[str, tuple[str, ...]]]:
    return [(label, ()) for label in labels]


Combination = Mapping[str, str]
"""Option -> label of one variant."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What becomes of variants whose option values changed."""

    relabels: tuple[Relabel, ...] = ()
    rebuilt: frozenset[int] = frozenset()
    is_other_set: bool = False


def moves(before: Mapping[int, Combination], now: Mapping[int, Combination], *, others: Iterable[Combination]) -> Moves:
    """How the variants get from `before` to `now`.

    `others`: combinations of the product's other variants in the store, strangers' and those gone at the source.
    """
    if any(set(before[one]) != set(now[one]) for one in now):
        return Moves(rebuilt=frozenset(now), is_other_set=True)
    beside = list(others)
    relabels: list[Relabel] = []
    rebuilt: set[int] = set()
    for option in sorted({name for combination in now.values() for name in combination}):
        users: dict[str, list[int]] = {}
        for one in sorted(now):
            users.setdefault(before[one][option], []).append(one)
        stay = {combination[option] for combination in beside if option in combination}
        told = _relabelled({old: {now[one][option] for one in ids} for old, ids in users.items()}, users, stay)
        relabels += [Relabel(option, old, new) for old, new in sorted(told.items())]
        rebuilt |= {one for old, ids in users.items() if old not in told for one in ids if now[one][option] != old}
    return Moves(tuple(relabels), frozenset(rebuilt))


def _relabelled(
    targets: Mapping[str, set[str]], users: Mapping[str, Sequence[int]], stay: Iterable[str]
) -> dict[str, str]:
    """Old label -> new label, of the values that can take it along with all their users."""
    staying = set(stay)
    found: dict[str, str] = {}
    for old in sorted(targets, key=lambda label: (-len(users[label]), users[label][0])):
        new = next(iter(targets[old]))
        arrived = {label.casefold() for label in found.values()}
        if len(targets[old]) == 1 and new != old and old not in staying and new.casefold() not in arrived:
            found[old] = new
    # A label that stays in use is free for nobody; what cannot leave for it stays itself, and so on.
    while True:
        held = {label.casefold() for label in (*staying, *targets) if label not in found}
        stuck = [old for old, new in found.items() if new.casefold() in held]
        if not stuck:
            return found
        for old in stuck:
            del found[old]


def in_the_way(now: Iterable[Combination], of: Mapping[int, Combination]) -> frozenset[int]:
    """Those of these variants that hold a combination which another one is to have."""
    wanted = {_folded(one) for one in now}
    return frozenset(one for one, combination in of.items() if _folded(combination) in wanted)


def _folded(combination: Combination) -> frozenset[tuple[str, str]]:
    return frozenset((name.casefold(), label.casefold()) for name, label in combination.items())
