"""A store's content without its ids, so that two stores can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OWN = frozenset(
    {
        "id",
        "category_id",
        "category_uuid",
        "parent_id",
        "tree_id",
        "product_id",
        "sku_id",
        "option_id",
        "image_id",
        "base_variant_id",
        "brand_id",
        "date_created",
        "date_modified",
        "calculated_price",
        "calculated_weight",
        "image_file",
        "url_zoom",
        "url_standard",
        "url_thumbnail",
        "url_tiny",
        "name_internal",
        "option_set_id",
        "primary_image",
        "inventory_date_modified",
    }
)


def content(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What the store holds, by names and SKUs instead of ids; lists that have no order are sorted."""
    categories = {row["category_id"]: row for row in snapshot["categories"]}
    trees = {row["id"]: row for row in snapshot["trees"]}
    brands = {row["id"]: row["name"] for row in snapshot["brands"]}
    names = {row["id"]: row["name"] for row in snapshot["products"]}

    def path(category_id: int) -> str:
        row = categories[category_id]
        above = path(row["parent_id"]) if row.get("parent_id") else f"tree {trees[row['tree_id']]['channels']}"
        return f"{above} / {row['name']}"

    return {
        "categories": {path(one): _bare(row) for one, row in sorted(categories.items())},
        "products": {
            row["name"]: {
                **_bare(row),
                "brand": brands.get(row.get("brand_id")),
                "categories": sorted(path(one) for one in row["categories"]),
                "channels": sorted(row["channels"]),
                "variants": sorted((_variant(one) for one in row["variants"]), key=lambda one: str(one["sku"])),
                "images": [
                    [one.get("source_url"), one["sort_order"], one["is_thumbnail"]]
                    for one in sorted(row["images"], key=lambda one: (one["sort_order"], one["id"]))
                ],
                "custom_fields": sorted([one["name"], one["value"]] for one in row["custom_fields"]),
                "bulk_pricing_rules": sorted(
                    [one["quantity_min"], one["quantity_max"], one["type"], str(one["amount"])]
                    for one in row["bulk_pricing_rules"]
                ),
                "videos": sorted(one["video_id"] for one in row["videos"]),
                "related_products": [names.get(one, "automatic") for one in row["related_products"]],
                "metafields": _metafields(row),
                "options": sorted(
                    [
                        one["display_name"],
                        one["type"],
                        sorted([v["label"], str(v.get("value_data"))] for v in one["option_values"]),
                    ]
                    for one in row["options"]
                ),
            }
            for row in snapshot["products"]
        },
    }


def _variant(row: Mapping[str, Any]) -> dict[str, Any]:
    values = sorted([one["option_display_name"], one["label"]] for one in row["option_values"])
    return {**_bare(row), "option_values": values, "metafields": _metafields(row)}


def _metafields(row: Mapping[str, Any]) -> list[list[str]]:
    return sorted([one["namespace"], one["key"], one["value"], one["permission_set"]] for one in row["metafields"])


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OWN and not isinstance(value, list | dict)}
