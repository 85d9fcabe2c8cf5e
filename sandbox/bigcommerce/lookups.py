"""The rows that a path or a body speaks of."""

from sandbox.bigcommerce.call import Call
from sandbox.bigcommerce.errors import not_found
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row, Table


def row_of(table: Table, row_id: int, kind: str) -> Row:
    """The row with this id, or 404."""
    row = table.get(row_id)
    if row is None:
        raise not_found(kind)
    return row


def product_of(call: Call) -> Row:
    """The product in the path."""
    return row_of(call.store.products, call.ids[0], "Product")


def child(call: Call, table: Table, kind: str) -> Row:
    """The row in the path that belongs to the product in the path."""
    product = product_of(call)
    row = row_of(table, call.ids[1], kind)
    if row["product_id"] != product["id"]:
        raise not_found(kind)
    return row


def sku_owner(store: Store, sku: str) -> Row | None:
    """The product or variant that holds the SKU; its case does not count (API facts §4.1)."""
    name = sku.casefold()
    return store.products.find("sku", name) or store.variants.find("sku", name)


def variant_by_sku(store: Store, sku: str) -> Row | None:
    """The variant with this SKU; that of a plain product is its base variant's."""
    variant = store.variants.find("sku", sku.casefold())
    product = store.products.find("sku", sku.casefold())
    return variant or (store.variants.get(product["base_variant_id"] or 0) if product else None)
