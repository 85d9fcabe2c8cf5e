"""A whole store as JSON, for comparisons."""

from typing import Any

from sandbox.bigcommerce import images, info, metafields, options, parts, variants
from sandbox.bigcommerce.call import Call
from sandbox.bigcommerce.inventory import level
from sandbox.bigcommerce.messages import Request
from sandbox.bigcommerce.product_reads import shown
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row, Table


def snapshot(store: Store) -> dict[str, Any]:
    """Everything that the store holds, rows by id; images with the address that they came from."""
    with store.lock:
        store.settle()
        return {
            "store": {
                "hash": store.hash,
                "plan": store.plan,
                "quota": store.window.quota,
                "window_seconds": store.window.seconds,
                "created": store.created(),
                "information": info.ROUTES[0].room(Call(store, Request("GET", "/v2/store"))).payload,
            },
            "channels": _rows(store.channels),
            "trees": _rows(store.trees),
            "categories": [
                {**row, "metafields": _metafields(store, "category", row["category_id"])}
                for row in _rows(store.categories)
            ],
            "brands": [{**row, "metafields": _metafields(store, "brand", row["id"])} for row in _rows(store.brands)],
            "products": [_product(store, row) for row in _rows(store.products)],
            "redirects": dict(store.redirects),
            "locations": _rows(store.locations),
            "price_lists": [
                {**row, "records": [dict(one) for one in store.price_records.of(row["id"])]}
                for row in _rows(store.price_lists)
            ],
            "inventory": [
                {"location_id": place["id"], "variant_id": row["id"], "quantity": level(store, row, place["id"])}
                for row in _rows(store.variants)
                for place in store.locations
                if place["id"] == 1 or store.stock.find("place", (place["id"], row["id"]))
            ],
        }


def _rows(table: Table) -> list[Row]:
    return [dict(row) for row in sorted(table, key=lambda row: int(row[table.id_field]))]


def _product(store: Store, row: Row) -> Row:
    product_id = row["id"]
    return {
        **shown(store, row),
        "channels": sorted(store.on_channel.of(product_id)),
        "variants": [_variant(store, variant, row) for variant in store.variants.of(product_id)],
        "options": [options.shown(store, option) for option in store.options.of(product_id)],
        "images": [{**images.shown(i), "source_url": i["source_url"]} for i in store.images.of(product_id)],
        "custom_fields": [parts.shown(part) for part in store.custom_fields.of(product_id)],
        "bulk_pricing_rules": [parts.shown(part) for part in store.bulk_rules.of(product_id)],
        "videos": [parts.shown(part) for part in store.videos.of(product_id)],
        "metafields": _metafields(store, "product", product_id),
    }


def _variant(store: Store, variant: Row, product: Row) -> Row:
    """The variant, with the data (colours) of its option values beside their labels."""
    seen = variants.shown(store, variant, product)
    for chosen in seen["option_values"]:
        chosen["value_data"] = (store.values.get(chosen["id"]) or {}).get("value_data")
    return {**seen, "metafields": _metafields(store, "variant", variant["id"])}


def _metafields(store: Store, kind: str, row_id: int) -> list[Row]:
    return [metafields.shown(row) for row in store.metafields.of((kind, row_id))]
