"""Products whose related products are complete only now.

Somebody whom their list lacked is in the store since, or comes with this run: they are told again.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.vocabulary import ItemKind
from worker.catalog import fingerprint
from worker.catalog.changes import RelateProducts
from worker.catalog.fields import Group
from worker.ledger import related, source_items
from worker.rules import difference
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.planned import Plan
from worker.steps.toolbox import Toolbox


def portion(tools: Toolbox, kinds: Mapping[ItemKind, Mapped], after: int) -> tuple[Plan, int] | None:
    """The next products to be told again, and the last of their ids; None where that was all.

    No cursor says how far it has come: a product that is planned is not found again.
    """
    if "related_products" not in kinds[ItemKind.PRODUCT].fields:
        return None
    with tools.read() as session:
        ids = related.healed(session, tools.connector_id, after=after, limit=reading.FAMILIES)
        rows = source_items.rows(session, tools.connector_id, ItemKind.PRODUCT, ids)
    if not rows:
        return None
    planned = Plan()
    for row in rows:
        product = reading.product(row, kinds)
        said = difference.product_groups(product, (), ())
        if product.related is not None:
            told = fingerprint.of(said[Group.RELATED])
            planned.add(RelateProducts(product.source_id, product.related, told))
    return planned, rows[-1].source_id
