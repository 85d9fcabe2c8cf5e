"""Whether a run would take away too much to go on unasked.

An emptied filter or a broken answer of the source looks like a catalogue of which everything is gone: such a run
stops before its first call that writes, and somebody looks (design §6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.vocabulary import ItemKind

FEWEST = 10
"""Ours: so few items of a kind are never held, however small the catalogue."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How many of the linked items of a kind a run would disable, and how many would lose a value."""

    kind: ItemKind
    linked: int
    disabled: int
    blanked: int

    @property
    def touched(self) -> int:
        """Items that the store would show less of, or not at all."""
        return self.disabled + self.blanked


def held(reaches: Iterable[Reach], *, share: float, allowed: int | None) -> str | None:
    """Why the run has to stop and ask, as a sentence; None = it may go on.

    `share`: what the profile allows of each kind; `allowed`: how many items in all somebody has approved.
    """
    everything = list(reaches)
    if allowed is not None and sum(one.touched for one in everything) <= allowed:
        return None
    too_much = [one for one in everything if one.touched > max(FEWEST, share * one.linked)]
    if not too_much:
        return None
    told = "; ".join(_told(one) for one in too_much)
    return f"the run would {told}: more than the {share:.0%} that the profile's brake lets pass"


def _told(reach: Reach) -> str:
    parts = [("disable", reach.disabled), ("take values from", reach.blanked)]
    done = " and ".join(f"{verb} {count:,}" for verb, count in parts if count)
    return f"{done} of {reach.linked:,} linked {_PLURAL[reach.kind]}"


_PLURAL = {ItemKind.CATEGORY: "categories", ItemKind.PRODUCT: "products", ItemKind.VARIANT: "variants"}
