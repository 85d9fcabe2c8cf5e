"""The stock of linked items: a change of its own, since it goes through the inventory API."""

from __future__ import annotations

from collections.abc import Iterable

from models.vocabulary import ItemKind
from worker.catalog import fingerprint
from worker.catalog.changes import SetStock
from worker.catalog.fields import Group
from worker.catalog.items import Product, Variant
from worker.catalog.store import Relation
from worker.ledger import store_items
from worker.rules import difference, stocking
from worker.steps.planned import Plan
from worker.steps.toolbox import Toolbox


def of_product(tools: Toolbox, planned: Plan, product: Product, relation: Relation, *, has_variants: bool) -> bool:
    """Plan the product's own stock; False where it has none to be set."""
    if stocking.quantity(product) is None:
        return False
    tracking = tracked_by(tools, product, relation)
    if not stocking.is_told(product, tracking, has_variants=has_variants):
        return False
    sku = str(product.fields.get("sku")) if tracking == "variant" else None
    _set(tools, planned, product, tracking, sku)
    return True


def of_variants(
    tools: Toolbox, planned: Plan, variants: Iterable[Variant], product: Product, relation: Relation
) -> None:
    """Plan the stock of these variants of a linked product."""
    told = list(variants)
    tracking = tracked_by(tools, product, relation) if told else None
    for one in told:
        _set(tools, planned, one, tracking)


def after_creation(tools: Toolbox, planned: Plan, items: Iterable[Product | Variant], tracking: str | None) -> None:
    """Plan the stock of items that are created without it, since it belongs to another location than the default."""
    for one in items:
        _set(tools, planned, one, tracking)


def tracked_by(tools: Toolbox, product: Product, relation: Relation) -> str | None:
    """How the product is tracked: as the source says, else as the store holds it."""
    if (said := stocking.said_tracking(product)) is not None:
        return said
    with tools.read() as session:
        held = store_items.load(session, tools.connector_id, ItemKind.PRODUCT, [relation.store_id])
    return held[relation.store_id].fields.get("inventory_tracking") if relation.store_id in held else None


def _set(tools: Toolbox, planned: Plan, item: Product | Variant, tracking: str | None, sku: str | None = None) -> None:
    kind = ItemKind.PRODUCT if isinstance(item, Product) else ItemKind.VARIANT
    said = difference.groups(item.fields, difference.FIELDS_OF[type(item)])[Group.STOCK]
    number = stocking.quantity(item)
    assert number is not None
    location = tools.profile.stock_location
    planned.add(SetStock(kind, item.source_id, number, location, fingerprint.of(said), tracking, sku))
