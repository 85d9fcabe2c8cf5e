"""Variants read whole: all that can be written back to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import reads
from worker.bigcommerce.client import Client
from worker.catalog.fields import FIELDS

_FIELDS = (*(field.store for field in FIELDS[ItemKind.VARIANT].values()), "map_price")
"""All that can be written to a variant (API facts §4.2), a picture by the address that the store itself gives it."""
_METAFIELD = ("namespace", "key", "value", "permission_set", "description")
_SETTINGS = ("safety_stock", "warning_level", "bin_picking_number")
"""Of a variant at one location."""
_PRICES = ("currency", "price", "sale_price", "retail_price", "map_price", "bulk_pricing_tiers")
"""Of a variant in one price list."""


def read(
    client: Client,
    product_id: int,
    ids: Mapping[int, int],
    *,
    with_stock: bool,
    our_metafields: Mapping[int, Collection[int]],
) -> dict[int, dict[str, Any]]:
    """Variant -> all that it has, of those of `ids` (variant -> store id) that are there.

    `fields`, `stock` [[location, quantity]], `settings` [[location, what is set]], `metafields`, `prices`
    [[price list, record]]. `our_metafields`: variant -> store ids of those that the source tells, which a change of
    their own writes to the new variant.
    """
    present = {int(row["id"]): row for row in reads.variants_of(client, product_id)}
    there = [store_id for store_id in ids.values() if store_id in present]
    stock: dict[int, list[list[int]]] = {}
    settings: dict[int, list[list[Any]]] = {}
    for row in reads.inventory_of(client, there) if with_stock else ():
        for one in row.get("locations") or ():
            place, store_id = int(one["location_id"]), int(row["identity"]["variant_id"])
            stock.setdefault(store_id, []).append([place, int(one.get("total_inventory_onhand") or 0)])
            if told := {name: value for name in _SETTINGS if (value := (one.get("settings") or {}).get(name))}:
                settings.setdefault(store_id, []).append([place, told])
    prices: dict[int, list[list[Any]]] = {}
    for row in reads.price_records(client, there):
        prices.setdefault(int(row["variant_id"]), []).append([int(row["price_list_id"]), _said(row, _PRICES)])
    return {
        source_id: {
            "fields": _said(present[one], _FIELDS),
            "stock": stock.get(one, []),
            "settings": settings.get(one, []),
            "metafields": [
                {name: field[name] for name in _METAFIELD if name in field}
                for field in reads.variant_metafields(client, product_id, one)
                if int(field["id"]) not in our_metafields.get(source_id, ())
            ],
            "prices": prices.get(one, []),
        }
        for source_id, one in ids.items()
        if one in present
    }


def _said(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(row[name]) for name in names if row.get(name) not in (None, "", [])}


def _plain(value: Any) -> Any:
    """A value that JSON can hold; the store keeps four decimals, which a float holds."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return float(value) if isinstance(value, Decimal) else value
