"""Which item somebody means who types it: `product:301`, or its SKU or reference."""

from __future__ import annotations

from models.vocabulary import ItemKind
from worker.commands.refusal import Refusal, Why
from worker.ledger import item_named
from worker.ledger.session import Session

Meant = tuple[ItemKind, int]
"""Kind and source id."""


def meant(session: Session, connector_id: int, written: str) -> Meant:
    """The one item that is meant; Refusal where there is none, or where several have this SKU or reference."""
    kind, colon, number = written.partition(":")
    if colon and kind in {one.value for one in ItemKind} and _is_number(number):
        return ItemKind(kind), int(number)
    found = item_named.named(session, connector_id, written)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refusal(
            Why.UNKNOWN, f"no item has the SKU or reference '{written}'; one is also meant by kind and source id, as in"
            " product:301."
        )  # fmt: skip
    several = ", ".join(f"{kind}:{source_id}" for kind, source_id in found)
    raise Refusal(Why.UNKNOWN, f"several items have the SKU or reference '{written}': {several}; say which.")


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 18
