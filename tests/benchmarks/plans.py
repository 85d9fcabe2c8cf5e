"""Writes docs/query_plans.md: by which indexes each query of a slice finds its rows.

    python -m tests.benchmarks.plans

The queries are those of `test_ledger_queries.py`, asked of a database that knows its tables; what each of them sends is
explained by Postgres in the same transaction, before it is executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import event

from tests.benchmarks.filled import PRODUCTS, VARIANTS_EACH, Filled, Known, databases
from tests.benchmarks.test_ledger_queries import ASKED, Asked
from worker.ledger.session import as_tenant

PAGE = Path(__file__).parents[2] / "docs" / "query_plans.md"
HEAD = """# Query plans

By which indexes each query of a slice finds its rows, as Postgres explains it. Written by
`python -m tests.benchmarks.plans`: two connectors with {products:,} products and {variants:,} variants each, tables
analysed. A query may send several statements. *All of* a table means that it is read whole: it has a few pages, or all
rows of a connector are asked for, and here they are half of the table.
`tests/benchmarks/test_ledger_queries.py` asks the same queries without statistics too, and with those of others alone
([decision 0010](decisions/0010-plans-for-an-average-connector.md)).

| query | statement | finds its rows by |
| --- | --- | --- |
"""
EXPLAINED = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b")
ALL_OF_IT = "Seq Scan"


def main() -> None:
    """Write the page."""
    with databases() as made:
        rows = [row for name, ask in ASKED.items() for row in explained(made[Known.ALL], name, ask)]
    head = HEAD.format(products=PRODUCTS, variants=PRODUCTS * VARIANTS_EACH)
    PAGE.write_text(head + "\n".join(rows) + "\n", "utf-8")


def explained(at: Filled, name: str, ask: Asked) -> Iterator[str]:
    """A row of the table for each statement that the query sends."""
    found: list[tuple[str, list[str]]] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not EXPLAINED.match(statement):
            return
        with cursor.connection.cursor() as own:
            own.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            told = own.fetchone()[0]
        plan = told if isinstance(told, list) else json.loads(told)
        found.append((statement, list(dict.fromkeys(scans(plan[0]["Plan"])))))

    with as_tenant(at.engine, at.tenant_id) as session:
        undone = session.begin_nested()
        event.listen(at.engine, "before_cursor_execute", explain)
        try:
            ask(session, at)
        finally:
            event.remove(at.engine, "before_cursor_execute", explain)
            undone.rollback()
    for number, (statement, ways) in enumerate(found):
        called = f"`{name}`" if number == 0 else ""
        yield f"| {called} | {beginning(statement)} | {', '.join(ways) or 'what it is given'} |"


def scans(node: Mapping[str, Any]) -> Iterator[str]:
    """The ways by which this part of a plan, and what is below it, reads tables."""
    if "Index Name" in node:
        yield f"`{node['Index Name']}`"
    elif node["Node Type"] == ALL_OF_IT:
        yield f"all of `{node['Relation Name']}`"
    for below in node.get("Plans", ()):
        yield from scans(below)


def beginning(statement: str) -> str:
    """The verb, and the table that it is about."""
    words = " ".join(statement.split())
    written = re.search(r"\b(INSERT INTO|UPDATE|DELETE FROM) (?!SET\b)(\w+)", words)
    read = re.search(r"\bFROM (\w+)", words)
    return f"{written[1].split()[0]} `{written[2]}`" if written else f"SELECT `{read[1] if read else '?'}`"


if __name__ == "__main__":
    main()
