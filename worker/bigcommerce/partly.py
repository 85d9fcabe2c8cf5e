"""Saved in part (207): the item is there, but for what the answer names (API facts §3.3)."""

from __future__ import annotations

from worker.bigcommerce.client import Answer
from worker.catalog.items import Problem

_STOCK = "inventory_level"


def lacks_stock(answer: Answer) -> bool:
    """Whether the store saved an item without its stock, perhaps among others."""
    return answer.status == 207 and any(_STOCK in name for name in answer.errors)


def problems(answer: Answer, *, stock_follows: bool = False) -> tuple[Problem, ...]:
    """What the store saved the item without; `stock_follows`: the stock is sent again, and is no trouble."""
    told = {field: reason for field, reason in answer.errors.items() if not (stock_follows and _STOCK in field)}
    if answer.status != 207 or (answer.errors and not told):
        return ()
    words = "; ".join(f"{field}: {reason}" for field, reason in told.items()) or answer.title
    return (Problem("partly_saved", f"the store saved it without: {words}"),)
