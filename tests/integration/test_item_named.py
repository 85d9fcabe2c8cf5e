"""Items are named by their SKU or reference as it stands in the source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from worker.ledger import item_named
from worker.ledger.session import as_tenant


@pytest.mark.parametrize("term", ["PLAIN-1", "plain-1", "Straße-9", "A  B77", "X42 ", "x42", "50%_\\"])
def test_a_reference_is_found_as_it_is_written(
    engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., Any], term: str
) -> None:
    made = a_connector()
    references = ["PLAIN-1", "Straße-9", "A  B77", "X42 ", "50%_\\", *(f"X42{n}" for n in range(60))]
    for number, reference in enumerate(references, start=1):
        a_row(made.tenant_id, "source_item", connector_id=made.id, kind="product", source_id=number, parent_id=0,
              cells={"REF": reference}, raw_hash="h")  # fmt: skip
    with as_tenant(engine, made.tenant_id) as session:
        [(_, found)] = item_named.named(session, made.id, term)
    assert references[found - 1].casefold().strip() == term.casefold().strip()
