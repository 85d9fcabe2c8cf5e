"""The columns of a generated catalogue, named as in a real one.

A translated column stands once for every language, as `<name>_<language>` (API facts §6).
"""

from collections.abc import Iterator, Sequence
from typing import Any

SIZES = ("ORG", "IMD", "TH")
PIXELS = {"ORG": 0, "IMD": 900, "TH": 150}
IMAGE = "image"

# table -> (column, type, translated)
COLUMNS: dict[str, list[tuple[str, str, bool]]] = {
    "catalogue": [
        ("ID_PARENT", "numeric", False),
        ("REF", "string", False),
        ("section_name", "string", True),
        ("section_description", "big_string", True),
        ("section_order", "numeric", False),
        ("section_visible", "boolean", False),
        ("section_url", "string", False),
        ("section_image", IMAGE, False),
    ],
    "products": [
        ("ID_catalogue", "list", False),
        ("REF", "string", False),
        ("product_name", "string", True),
        ("product_description", "big_string", True),
        ("product_price", "numeric", False),
        ("product_sale_price", "numeric", False),
        ("product_weight", "numeric", False),
        ("product_visible", "boolean", False),
        ("product_brand", "string", False),
        ("meta_title", "string", True),
        ("meta_keywords", "list", True),
        ("meta_description", "string", True),
        ("product_url", "string", False),
        ("fabric", "list", False),
        ("climate", "list", False),
        ("activity", "list", False),
        ("pattern", "string", False),
        ("eco_collection", "string", False),
        ("product_image", IMAGE, False),
    ],
    "product_formats": [
        ("ID_products", "numeric", False),
        ("REF", "string", False),
        ("format_price", "numeric", False),
        ("format_weight", "numeric", False),
        ("format_stock", "numeric", False),
        ("format_enabled", "boolean", False),
        ("size", "string", False),
        ("color", "string", False),
        ("material", "string", False),
        ("format_upc", "string", False),
        ("format_image", IMAGE, False),
    ],
}


def row(table: str, item_id: int, values: dict[str, Any], languages: Sequence[str]) -> list[Any]:
    """The values as a row; what is missing is an empty string, what is translated stands once a language."""
    cells: list[Any] = ["M", item_id]
    for column, _, translated in COLUMNS[table]:
        value = values.get(column, "")
        if not translated:
            cells.append(value)
            continue
        # No dictionary here: a translation is the text with its language, so that columns can be told apart.
        cells += [value, *(_translated(value, language) for language in languages[1:])]
    return cells


def data_schema(languages: Sequence[str]) -> dict[str, list[Any]]:
    """The order of the columns, by table."""

    def written(column: str, kind: str) -> Any:
        """The column's name, or its name with what an image cell holds."""
        return {column: ["STATUS", "ID", *SIZES]} if kind == IMAGE else column

    return {
        table: ["STATUS", "ID", *(written(column, kind) for column, _, kind, _ in _each(table, languages))]
        for table in COLUMNS
    }


def data_schema_info(languages: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Type and titles of the columns, by table."""
    return {
        table: {"ID": {"type": "numeric"}}
        | {
            column: _info(column, basename, kind, language)
            for column, basename, kind, language in _each(table, languages)
        }
        for table in COLUMNS
    }


def _translated(value: Any, language: str) -> Any:
    if isinstance(value, list):
        return [_translated(one, language) for one in value]
    return f"{value} [{language}]" if value else value


def _each(table: str, languages: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Column as it is sent, its basename, its type and its language ("" if it has none)."""
    for column, kind, translated in COLUMNS[table]:
        for language in languages if translated else [""]:
            yield (f"{column}_{language}" if language else column), column, kind, language


def _info(column: str, basename: str, kind: str, language: str) -> dict[str, Any]:
    if column.startswith("ID_"):
        return {"type": kind}
    info: dict[str, Any] = {"type": kind, "origin": "database", "sanitized": basename.lower()}
    if language:
        info |= {"language_code": language, "basename": basename, "title": basename}
    else:
        info["titles"] = {"en": basename}
    if kind == "list":
        info["is_multicheck"] = 1
    if kind == IMAGE:
        info["sizes"] = {size: {"width": pixels, "height": pixels} for size, pixels in PIXELS.items()}
    return info
