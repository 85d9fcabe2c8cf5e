"""A small catalogue whose products have all that can hang on one, and what the store is to hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RULE_CELLS = [f"bulk_pricing_rule_{field}_{n}" for n in (1, 2, 3) for field in ("qty_min", "qty_max", "type", "amount")]
COLUMNS = {
    "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
    "products": [
        "STATUS", "ID", "ID_catalogue", "REF", "product_name", "product_price", "product_weight", "fabric", "origin",
        "videos", "related_products", *RULE_CELLS,
    ],
    "product_formats": ["STATUS", "ID", "ID_products", "REF", "size", "care"],
}  # fmt: skip
PROFILE = {
    "metafields": {
        "product": [
            {"key": "fabric", "column": "fabric"},
            {"namespace": "specs", "key": "origin", "column": "origin", "permission_set": "read_and_sf_access"},
        ],
        "variant": [{"key": "care", "column": "care"}],
    }
}
WATCH = "https://www.youtube.com/watch?v="
SONG, TALK, TOUR = "dQw4w9WgXcQ", "abc_def-123", "00000000000"
OPEN, BULK, DOZEN = ("20", "0", "percent", "15"), ("10", "19", "percent", "10"), ("2", "9", "percent", "5")


def rules(*given: tuple[str, str, str, str]) -> dict[str, str]:
    """The cells of up to three rules."""
    cells = dict.fromkeys(RULE_CELLS, "")
    for number, rule in enumerate(given, start=1):
        fields = ("qty_min", "qty_max", "type", "amount")
        cells |= {f"bulk_pricing_rule_{field}_{number}": cell for field, cell in zip(fields, rule, strict=True)}
    return cells


def _product(source_id: int, name: str, **said: Any) -> dict[str, Any]:
    plain = {"ID": source_id, "ID_catalogue": [1], "REF": f"P-{source_id}", "product_name": name}
    bare = {"product_price": "10", "product_weight": "1", "fabric": "", "origin": "", "videos": "",
            "related_products": ""}  # fmt: skip
    return plain | bare | rules() | said


def products() -> dict[int, dict[str, Any]]:
    """The products, by id; fresh ones."""
    return {
        301: _product(301, "Lamp", videos=f"{WATCH}{SONG}, {TALK}", related_products="P-302,303", fabric="Silk",
                      **rules(DOZEN, BULK)),
        302: _product(302, "Shade", videos=TOUR, related_products="P-301", origin="Italy",
                      **rules(("2", "0", "fixed", "8"))),
        303: _product(303, "Bulb", related_products=["P-301", "P-302"], fabric="Glass", origin="France"),
        304: _product(304, "Plug", fabric="Brass"),
        305: _product(305, "Wire", **rules(OPEN, BULK, DOZEN)),
    }  # fmt: skip


VARIANTS = [
    ["M", 9001, 302, "V-S", "S", "Wash at 30"],
    ["M", 9002, 302, "V-M", "M", ""],
    ["M", 9003, 302, "V-L", "L", "Do not wash"],
]


def catalogue(said: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The catalogue of these products."""
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": COLUMNS,
        "data_schema_info": {
            table: {name: {"type": "string"} for name in columns[4:]} for table, columns in COLUMNS.items()
        },
        "data": {
            "catalogue": [["M", 1, 0, "C1", "Root"]],
            "products": [["M", *(row[name] for name in COLUMNS["products"][1:])] for row in said.values()],
            "product_formats": [list(row) for row in VARIANTS],
        },
    }


def wanted(said: Mapping[int, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the store is to hold of these products, by name: told from the cells, not by the product's own code."""
    by_reference = {row["REF"]: row["product_name"] for row in said.values()}
    by_reference |= {str(source_id): row["product_name"] for source_id, row in said.items()}
    found = {}
    for row in said.values():
        related = row["related_products"]
        references = related if isinstance(related, list) else [one.strip() for one in related.split(",") if one]
        found[row["product_name"]] = {
            "rules": sorted(_rules(row)),
            "videos": sorted(one.strip().removeprefix(WATCH) for one in row["videos"].split(",") if one),
            "related": [by_reference[one] for one in references if one in by_reference] or ["automatic"],
            "metafields": sorted(
                [namespace, name, row[name], permission]
                for namespace, name, permission in (
                    ("saleslayer", "fabric", "app_only"),
                    ("specs", "origin", "read_and_sf_access"),
                )
                if row[name]
            ),
        }
    return found


def _rules(row: Mapping[str, Any]) -> list[list[Any]]:
    cells = [
        [row[f"bulk_pricing_rule_{field}_{n}"] for field in ("qty_min", "qty_max", "type", "amount")] for n in (1, 2, 3)
    ]
    return [[int(low), int(high), kind, float(amount)] for low, high, kind, amount in cells if low]


def held(snapshot: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the store holds, in the same shape."""
    names = {row["id"]: row["name"] for row in snapshot["products"]}
    return {
        row["name"]: {
            "rules": sorted(
                [one["quantity_min"], one["quantity_max"], one["type"], float(one["amount"])]
                for one in row["bulk_pricing_rules"]
            ),
            "videos": sorted(one["video_id"] for one in row["videos"]),
            "related": [names.get(one, "automatic") for one in row["related_products"]],
            "metafields": notes(row),
        }
        for row in snapshot["products"]
    }


def notes(row: Mapping[str, Any]) -> list[list[str]]:
    """The metafields of a product or variant of the store."""
    return sorted([one["namespace"], one["key"], one["value"], one["permission_set"]] for one in row["metafields"])
