"""How a product's options are shown, and what becomes of variants whose option values change.

The store lets no variant change its option values (API facts §3.5). So, cheapest first:

| the value                                                        | its variants are               |
| ---------------------------------------------------------------- | ------------------------------ |
| has a new label, unknown to the option; all its users move there | kept: the value is *relabelled* |
| moves to a label that the option has, or only some users move    | *rebuilt*                      |
| the option set is another one                                    | all *rebuilt*                  |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from worker.catalog.changes import Relabel
from worker.catalog.items import Option, Variant

DROPDOWN = "dropdown"
SWATCH = "swatch"


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


def moves(
    before: Mapping[int, Combination],
    now: Mapping[int, Combination],
    *,
    strangers: Iterable[Combination],
    known_labels: Mapping[str, Collection[str]],
) -> Moves:
    """How the variants get from `before` to `now`.

    `strangers`: combinations of the product's variants that are not ours; `known_labels`: option -> the
    labels that the store has for it, used or not.
    """
    if any(set(before[one]) != set(now[one]) for one in now):
        return Moves(rebuilt=frozenset(now), is_other_set=True)
    others = list(strangers)
    relabels: dict[tuple[str, str], str] = {}
    rebuilt = set()
    for option in {name for combination in now.values() for name in combination}:
        targets: dict[str, set[str]] = {}
        for one in now:
            targets.setdefault(before[one][option], set()).add(now[one][option])
        known = {label.casefold() for label in known_labels.get(option, ())}
        arriving = [next(iter(new)) for new in targets.values() if len(new) == 1]
        for old, new_labels in targets.items():
            new = next(iter(new_labels))
            if new_labels == {old}:
                continue
            stays = any(other.get(option) == old for other in others)
            is_free = new.casefold() not in known or new.casefold() == old.casefold()
            if len(new_labels) == 1 and not stays and is_free and arriving.count(new) == 1:
                relabels[option, old] = new
            else:
                rebuilt |= {one for one in now if before[one][option] == old and now[one][option] != old}
    return Moves(
        tuple(Relabel(option, old, new) for (option, old), new in sorted(relabels.items())), frozenset(rebuilt)
    )
