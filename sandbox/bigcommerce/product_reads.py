"""Products found, filtered and shown with what hangs on them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sandbox.bigcommerce import images, options, parts, variants
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, refused
from sandbox.bigcommerce.listing import FIELDS, ORDER, PAGING, Filter, asked, by, narrowed, page, passing
from sandbox.bigcommerce.lookups import product_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

INTERNAL = frozenset({"found_from"})
COMPARED = ("", "min", "max", "greater", "less")
FILTERS: Mapping[str, Filter] = {
    **PAGING,
    **FIELDS,
    **ORDER,
    "include": Filter("texts"),
    **by("id", "whole", *COMPARED, "in", "not_in"),
    "channel_id:in": Filter("wholes", lambda row, wanted: bool(set(wanted) & set(row["channels"]))),
    **by("name", "text", "", "like"),
    **by("mpn", "text", ""),
    **by("upc", "text", ""),
    **by("sku", "text", "", "in"),
    **by("price", "number", *COMPARED),
    **by("weight", "number", *COMPARED),
    **by("condition", "text", ""),
    **by("brand_id", "whole", "", "in"),
    **by("date_modified", "date", "", "min", "max"),
    **by("is_visible", "flag", ""),
    **by("is_featured", "flag", ""),
    "is_free_shipping": Filter("whole", lambda row, asked: row["is_free_shipping"] == bool(asked)),
    **by("inventory_level", "whole", *COMPARED, "in", "not_in"),
    "inventory_low": Filter("flag", lambda row, asked: _is_low(row) == asked),
    "out_of_stock": Filter("flag", lambda row, asked: _is_out(row) == asked),
    **by("total_sold", "whole", ""),
    **by("type", "text", ""),
    "categories": Filter("whole", lambda row, asked: asked in row["categories"]),
    # Products in all of the listed ones (API facts §8).
    "categories:in": Filter("wholes", lambda row, asked: set(asked) <= set(row["categories"])),
    "keyword": Filter("text", lambda row, asked: asked.casefold() in _text(row)),
    "keyword_context": Filter("text"),
    **by("availability", "text", ""),
}
SORTABLE = frozenset(
    {
        "id", "name", "sku", "price", "date_modified", "date_last_imported", "inventory_level", "is_visible",
        "total_sold", "calculated_price",
    }
)  # fmt: skip
# `include=options` and `include=modifiers` make pages of ten, whatever the limit says (API facts §2.5).
SLOW_INCLUDES = frozenset({"options", "modifiers"})
SLOW_LIMIT = 10


def _primary_image(store: Store, row: Row) -> Row | None:
    thumbnails = [image for image in store.images.of(row["id"]) if image["is_thumbnail"]]
    return images.shown(thumbnails[0]) if thumbnails else None


INCLUDES: Mapping[str, Callable[[Store, Row], Any]] = {
    "variants": lambda store, row: [variants.shown(store, v, row) for v in store.variants.of(row["id"])],
    "images": lambda store, row: [images.shown(image) for image in store.images.of(row["id"])],
    "custom_fields": lambda store, row: [parts.shown(p) for p in store.custom_fields.of(row["id"])],
    "bulk_pricing_rules": lambda store, row: [parts.shown(p) for p in store.bulk_rules.of(row["id"])],
    "videos": lambda store, row: [{**p} for p in store.videos.of(row["id"])],
    "options": lambda store, row: [options.shown(store, o) for o in store.options.of(row["id"])],
    "channels": lambda store, row: store.on_channel.of(row["id"]),
    "primary_image": _primary_image,
    "modifiers": lambda _store, _row: [],
    "reviews": lambda _store, _row: [],
    "parent_relations": lambda _store, _row: [],
}


def shown(store: Store, row: Row, include: Collection[str] = ()) -> Row:
    """The product as the store shows it."""
    seen = {name: value for name, value in row.items() if name not in INTERNAL}
    seen["categories"] = store.in_category.of(row["id"])
    seen["calculated_price"] = row["sale_price"] or row["price"]
    for name in include:
        seen[name] = INCLUDES[name](store, row)
    return seen


def found(store: Store, values: Mapping[str, Any]) -> list[Row]:
    """The products that all filters let pass, by id."""
    rows: Iterable[Row] = _candidates(store, values)
    if {"sku", "sku:in", "name"} & set(values):
        # A new product may not be found by its name or SKU at once (API facts §7).
        rows = [row for row in rows if row["found_from"] <= store.clock()]
    if {"channel_id:in", "categories", "categories:in"} & set(values):
        extended = (
            {**row, "channels": store.on_channel.of(row["id"]), "categories": store.in_category.of(row["id"])}
            for row in rows
        )
        hits = {row["id"] for row in passing(extended, FILTERS, values)}
        return sorted((row for row in store.products if row["id"] in hits), key=_id)
    return sorted(passing(rows, FILTERS, values), key=_id)


def _candidates(store: Store, values: Mapping[str, Any]) -> Iterable[Row]:
    """The rows that an index leaves to look at."""
    for name, key in (("sku", "sku"), ("name", "name")):
        if name in values:
            row = store.products.find(key, values[name].casefold())
            return [row] if row else []
    if "sku:in" in values:
        skus = dict.fromkeys(sku.casefold() for sku in values["sku:in"])
        return [row for sku in skus if (row := store.products.find("sku", sku))]
    ids = values.get("id:in") or ([values["id"]] if "id" in values else None)
    if ids is not None:
        return [row for product_id in dict.fromkeys(ids) if (row := store.products.get(product_id))]
    return store.products


def _id(row: Row) -> int:
    return int(row["id"])


def _is_low(row: Row) -> bool:
    return bool(row["inventory_tracking"] != "none" and row["inventory_level"] <= row["inventory_warning_level"])


def _is_out(row: Row) -> bool:
    return bool(row["inventory_tracking"] != "none" and row["inventory_level"] == 0)


def _text(row: Row) -> str:
    return " ".join((row["name"], row["sku"], row["description"], row["search_keywords"])).casefold()


def _included(values: Mapping[str, Any]) -> list[str]:
    include = values.get("include", [])
    if strange := [name for name in include if name not in INCLUDES]:
        raise RefusalError(422, f"The include(s): {', '.join(strange)} are not valid.")
    # Sub-resources cannot be asked for by include_fields (API facts §8).
    if strange := [name for name in values.get("include_fields", ()) if name in INCLUDES]:
        raise RefusalError(422, f"The include_fields: {', '.join(strange)} are not valid.")
    return [str(name) for name in include]


def _list(call: Call) -> Reply:
    values, store = asked(call, FILTERS), call.store
    include = _included(values)
    sort = values.get("sort", "id")
    if sort not in SORTABLE or values.get("direction", "asc") not in {"asc", "desc"}:
        raise refused("The sort order is not valid.", "sort")
    rows = found(store, values)
    if sort == "calculated_price":
        rows.sort(key=lambda row: row["sale_price"] or row["price"])
    elif sort != "id":
        rows.sort(key=lambda row: row[sort])
    if values.get("direction") == "desc":
        rows.reverse()
    some, meta = page(call, rows, values, SLOW_LIMIT if SLOW_INCLUDES & set(include) else 250)
    data = [{**narrowed(shown(store, row), values), **_hanging(store, row, include)} for row in some]
    return Reply(200, {"data": data, "meta": meta})


def _hanging(store: Store, row: Row, include: list[str]) -> Row:
    return {name: INCLUDES[name](store, row) for name in include}


def _read(call: Call) -> Reply:
    values, row = asked(call, {**FIELDS, "include": Filter("texts")}), product_of(call)
    include = _included(values)
    return single({**narrowed(shown(call.store, row), values), **_hanging(call.store, row, include)})


ROUTES = (Route("GET", "/v3/catalog/products", _list), Route("GET", "/v3/catalog/products/{id}", _read))
