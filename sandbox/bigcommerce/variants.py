"""Variants: SKU, combination, and the base variant of a plain product."""

from sandbox.bigcommerce import defaults
from sandbox.bigcommerce.errors import RefusalError, refused
from sandbox.bigcommerce.images import demand_inline
from sandbox.bigcommerce.lookups import row_of, sku_owner
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

MOST_VARIANTS = 600
# The base variant is the product itself under another id: these fields are the product's.
SHARED = (
    "sku", "price", "sale_price", "retail_price", "cost_price", "map_price", "weight", "width", "height", "depth",
    "is_free_shipping", "fixed_cost_shipping_price", "upc", "mpn", "gtin", "inventory_level",
    "inventory_warning_level", "bin_picking_number",
)  # fmt: skip
INTERNAL = frozenset({"is_base"})


def add_base(store: Store, product: Row) -> Row:
    """The variant of a product without options (API facts §3.5)."""
    row = store.variants.add({**defaults.VARIANT, "product_id": product["id"], "option_values": [], "is_base": True})
    store.products.change(product, {"base_variant_id": row["id"]})
    return row


def add(store: Store, product: Row, fields: Row) -> Row:
    """The variant, under its product; a base variant gives way to the first real one."""
    sku = fields.get("sku", "")
    if not sku:
        raise refused("Variant sku cannot be empty", "sku", code=22004)
    _demand_free_sku(store, sku)
    chosen = fields.get("option_values", [])
    _demand_covering(store, product, chosen)
    siblings = store.variants.of(product["id"])
    if store.variants.find("combination", (product["id"], frozenset(value["id"] for value in chosen))):
        raise refused("Variant with the same option values set exists", "option_values", status=409, code=22010)
    if siblings and siblings[0]["is_base"]:
        remove(store, siblings[0])
        store.products.change(product, {"base_variant_id": None})
    elif len(siblings) >= MOST_VARIANTS:
        raise refused(f"A product can have at most {MOST_VARIANTS} variants.", "variants")
    if fields.get("image_url"):
        demand_inline(store, fields["image_url"])
    chosen = [{"id": value["id"], "option_id": value["option_id"]} for value in chosen]
    row = store.variants.add(
        {**defaults.VARIANT, **fields, "product_id": product["id"], "option_values": chosen, "is_base": False}
    )
    store.variants.change(row, {"sku_id": row["id"] - 3000})
    return row


def change(store: Store, row: Row, fields: Row) -> bool:
    """Whether the variant really changed; its option values never do (API facts §3.5)."""
    product = row_of(store.products, row["product_id"], "Product")
    if "sku" in fields:
        if not fields["sku"]:
            raise refused("Variant sku cannot be empty", "sku", code=22004)
        _demand_free_sku(store, fields["sku"], product if row["is_base"] else row)
    if fields.get("image_url") or ("image_url" in fields and not store.switches.blank_image_removes):
        demand_inline(store, fields["image_url"])
    own, shared = fields, {}
    if row["is_base"]:
        own = {name: value for name, value in fields.items() if name not in SHARED}
        shared = {name: value for name, value in fields.items() if name in SHARED and value is not None}
    changed = store.variants.change(row, own) | store.products.change(product, shared)
    if changed and (shared or store.switches.variants_touch_product):
        store.touch(product)
    return changed


def remove_users(store: Store, product_id: int, users: list[Row]) -> None:
    """These variants are gone; a product that has none left gets a base variant again."""
    for row in users:
        remove(store, row)
    if users and not store.variants.count_of(product_id):
        add_base(store, row_of(store.products, product_id, "Product"))


def remove(store: Store, row: Row) -> None:
    """The variant is gone with its stock and its metafields."""
    for stock in store.stock.of(row["id"]):
        store.stock.remove(stock)
    for metafield in store.metafields.of(("variant", row["id"])):
        store.metafields.remove(metafield)
    for price_list in store.price_lists:
        for price in store.price_records.of(price_list["id"]):
            if price["variant_id"] == row["id"]:
                store.price_records.remove(price)
    store.variants.remove(row)


def shown(store: Store, row: Row, product: Row | None = None) -> Row:
    """The variant with its labels and with what it inherits."""
    product = product or row_of(store.products, row["product_id"], "Product")
    seen = {name: value for name, value in row.items() if name not in INTERNAL}
    if row["is_base"]:
        seen.update((name, product[name]) for name in SHARED)
    price = seen["price"] if seen["price"] is not None else product["price"]
    seen["calculated_price"] = seen["sale_price"] or price
    seen["calculated_weight"] = seen["weight"] if seen["weight"] is not None else product["weight"]
    seen["option_values"] = [_shown_choice(store, chosen) for chosen in row["option_values"]]
    return seen


def _shown_choice(store: Store, chosen: Row) -> Row:
    value = row_of(store.values, chosen["id"], "Option value")
    option = row_of(store.options, chosen["option_id"], "Option")
    return {**chosen, "label": value["label"], "option_display_name": option["display_name"]}


def _demand_free_sku(store: Store, sku: str, own: Row | None = None) -> None:
    holder = sku_owner(store, sku)
    if holder is not None and holder is not own:
        raise refused(f"Sku {sku} is not unique", "sku", status=409, code=22003)


def _demand_covering(store: Store, product: Row, chosen: list[Row]) -> None:
    """Every option of the product has exactly one value of its own."""
    wanted = sorted(option["id"] for option in store.options.of(product["id"]))
    if not wanted or sorted(value["option_id"] for value in chosen) != wanted:
        raise RefusalError(422, "Invalid field(s): option_values", {"option_values": "every option needs one value"})
    for value in chosen:
        held = store.values.get(value["id"])
        if held is None or held["option_id"] != value["option_id"]:
            raise RefusalError(
                422, "Invalid field(s): option_values", {"option_values": f"value {value['id']} is not of this option"}
            )
