"""Queries of the tables of items name their connector so that Postgres plans for an average one (decision 0010)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LEDGER = Path(__file__).parents[2] / "worker" / "ledger"
ITEMS = {
    "announced",
    "item_count",
    "item_history",
    "item_status",
    "item_text",
    "pending_change",
    "relation",
    "source_item",
    "source_page",
    "source_staged",
    "store_item",
    "store_page",
}
"""The tables that hold a row for each item; the others are small."""
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|USING|INTO) (\w+)")
_PLAIN = re.compile(r"\bconnector_id = :\w+")


def told_plainly(sql: str) -> Iterator[str]:
    """The tables of items that the SQL asks for a connector by its plain value."""
    for found in _PLAIN.finditer(sql):
        before = [table for table in _TABLE.findall(sql, 0, found.start()) if table != "unnest"]
        if before and before[-1] in ITEMS:
            yield before[-1]


def strings(function: ast.FunctionDef | ast.Assign) -> str:
    """All text in the function, in its order."""
    found = [node for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return " ".join(str(node.value) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)))


@pytest.mark.parametrize("path", sorted(LEDGER.glob("*.py")), ids=lambda path: path.stem)
def test_no_query_of_items_tells_its_connector_plainly(path: Path) -> None:
    found = {
        getattr(one, "name", "a constant"): tables
        for one in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(one, ast.FunctionDef | ast.Assign) and (tables := list(told_plainly(strings(one))))
    }
    assert found == {}


def test_a_plain_connector_would_be_seen() -> None:
    assert list(told_plainly("SELECT FROM relation l JOIN source_item i USING (kind) WHERE i.connector_id = :id")) == [
        "source_item"
    ]
    assert list(told_plainly("SELECT FROM mirror WHERE connector_id = :id")) == []
    assert list(told_plainly("SELECT FROM relation WHERE connector_id = (SELECT :id)")) == []
