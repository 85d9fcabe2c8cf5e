"""What is wrong in a catalogue, whether it was generated or not.

The same functions find the dirt in a catalogue of a real shop, so that a test can say what it expects without
knowing where the catalogue comes from.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.generator.dirt import LIMITS

OPTIONS_NOT = {"STATUS", "ID", "REF", "ID_products"}


@dataclass(frozen=True, slots=True)
class Description:
    """Ids of products and variants, by what is wrong with them; lists are in the order of ids."""

    rows: dict[str, int]
    no_weight: list[int]
    no_price: list[int]
    orphans: list[int]
    without_options: list[int]
    duplicate_names: dict[str, list[int]]
    duplicate_skus: dict[str, dict[str, list[int]]]
    over_long: list[tuple[str, int, str]]


def describe(catalogue: dict[str, Any]) -> Description:
    """Everything that a connector should notice in the catalogue."""
    tables = {table: list(_read(catalogue, table)) for table in catalogue["data"]}
    products, variants = tables.get("products", []), tables.get("product_formats", [])
    known = {product["ID"] for product in products}
    return Description(
        rows={table: len(rows) for table, rows in tables.items()},
        no_weight=_ids(product for product in products if not _is_number(product.get("product_weight"))),
        no_price=_ids(product for product in products if not _is_number(product.get("product_price"))),
        orphans=_ids(variant for variant in variants if variant["ID_products"] not in known),
        without_options=_ids(variant for variant in variants if not _has_options(variant)),
        duplicate_names=_repeated(products, "product_name"),
        duplicate_skus={table: _repeated(tables.get(table, []), "REF") for table in ("products", "product_formats")},
        over_long=sorted(
            (table, item["ID"], column)
            for table, limits in LIMITS.items()
            for item in tables.get(table, [])
            for column, limit in limits.items()
            if len(item.get(column) or "") > limit
        ),
    )


def _read(catalogue: dict[str, Any], table: str) -> Iterator[dict[str, Any]]:
    """The rows by column; of a translated column, the first language under the basename (API facts §6)."""
    info = catalogue.get("data_schema_info", {}).get(table, {})
    language = catalogue["schema"]["languages"][0]
    names = []
    for column in catalogue["data_schema"][table]:
        name = column if isinstance(column, str) else next(iter(column))
        about = info.get(name, {})
        names.append(about["basename"] if about.get("language_code") == language else name)
    for row in catalogue["data"][table]:
        yield dict(zip(names, row, strict=False))  # rows may be shorter than the schema


def _ids(items: Iterator[dict[str, Any]]) -> list[int]:
    return sorted(item["ID"] for item in items)


def _is_number(value: Any) -> bool:
    try:
        return float(value) >= 0
    except (TypeError, ValueError):
        return False


def _has_options(variant: dict[str, Any]) -> bool:
    """True when a column that is no field of its own (`format_...`) has a value (design, default mapping)."""
    return any(
        value and column not in OPTIONS_NOT and not column.startswith("format_") for column, value in variant.items()
    )


def _repeated(items: list[dict[str, Any]], column: str) -> dict[str, list[int]]:
    """The values that stand in several items, and in which."""
    found: dict[str, list[int]] = defaultdict(list)
    for item in items:
        if item.get(column):
            found[item[column]].append(item["ID"])
    return {value: sorted(ids) for value, ids in sorted(found.items()) if len(ids) > 1}
