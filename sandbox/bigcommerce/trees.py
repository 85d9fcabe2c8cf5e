"""Category trees: one a channel, read whole or one level at a time."""

from typing import Any

from sandbox.bigcommerce import categories, schemas
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.category_rules import line
from sandbox.bigcommerce.errors import RefusalError, invalid, refused, too_large
from sandbox.bigcommerce.fields import checked_list, whole
from sandbox.bigcommerce.limiter import Lane
from sandbox.bigcommerce.listing import PAGING, Filter, asked, by, listed, passing
from sandbox.bigcommerce.lookups import row_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

BATCH = 50
FILTERS = {
    **by("id", "whole", "in"),
    "channel_id:in": Filter("wholes", lambda row, wanted: bool(set(wanted) & set(row["channels"]))),
}


def _list(call: Call) -> Reply:
    return listed(call, call.store.trees, {**PAGING, **FILTERS})


def _upsert(call: Call) -> Reply:
    items = checked_list(call.json(), schemas.TREE, call.unknown)
    if len(items) > BATCH:
        raise too_large(BATCH, "trees")
    rows = [_renamed(call.store, item) if "id" in item else _created(call.store, item) for item in items]
    return Reply(200, {"data": rows, "meta": {"total": len(rows), "success": len(rows), "failed": 0}})


def _created(store: Store, item: Row) -> Row:
    channels = item.get("channels", [])
    if "name" not in item or len(channels) != 1:
        raise invalid({"name" if "name" not in item else "channels": "required field is missing"})
    if not store.channels.get(channels[0]):
        raise refused(f"The channel {channels[0]} does not exist", "channels")
    if any(channels[0] in tree["channels"] for tree in store.trees):
        raise refused(f"The channel {channels[0]} already has a category tree", "channels")
    return store.add_tree(item)


def _renamed(store: Store, item: Row) -> Row:
    tree = row_of(store.trees, item["id"], "Category tree")
    if "channels" in item:
        raise refused("The channels of a category tree cannot be changed", "channels")
    store.trees.change(tree, item)
    return tree


def _delete(call: Call) -> Reply:
    values, store = asked(call, FILTERS), call.store
    if "id:in" not in values:
        raise RefusalError(422, "A filter is required to delete category trees")
    for tree in passing(list(store.trees), FILTERS, values):
        for row in [row for row in store.categories if row["tree_id"] == tree["id"]]:
            categories.remove(store, row)
        store.trees.remove(tree)
    return Reply(204)


def _nested(call: Call) -> Reply:
    tree, store = row_of(call.store.trees, call.ids[0], "Category tree"), call.store
    depth = asked(call, {"depth": Filter("whole")}).get("depth", 99)
    roots = [row for row in store.categories.of(0) if row["tree_id"] == tree["id"]]
    return single([_with_children(store, row, 0, depth) for row in roots])


def _with_children(store: Store, row: Row, depth: int, deepest: int) -> dict[str, Any]:
    below = store.categories.of(row["category_id"]) if depth < deepest else []
    return {
        "id": row["category_id"],
        "parent_id": row["parent_id"],
        "depth": depth,
        "path": [parent["category_id"] for parent in reversed(line(store, row["parent_id"]))],
        "name": row["name"],
        "is_visible": row["is_visible"],
        "url": row["url"]["path"],
        "children": [_with_children(store, child, depth + 1, deepest) for child in below],
    }


def _category(call: Call) -> Row:
    return row_of(call.store.categories, call.ids[0], "Category")


def _image(call: Call) -> Reply:
    row = _category(call)
    if not call.is_multipart():
        raise invalid({"image_file": "required field is missing"})
    address = f"https://cdn11.bigcommerce.com/s-{call.store.hash}/c/{row['category_id']}.jpg"
    call.store.categories.change(row, {"image_url": address})
    return single({"image_url": address})


def _delete_image(call: Call) -> Reply:
    call.store.categories.change(_category(call), {"image_url": ""})
    return Reply(204)


def _sort_orders(call: Call) -> Reply:
    category, store = _category(call)["category_id"], call.store
    rows = [
        {"product_id": product, "sort_order": store.sort_orders.get((category, product))}
        for product in sorted(store.in_category.to(category))
    ]
    return listed(call, rows, PAGING)


def _set_sort_orders(call: Call) -> Reply:
    category, store = _category(call)["category_id"], call.store
    schema = {"product_id": whole(1, required=True), "sort_order": whole(0, required=True)}
    items = checked_list(call.json(), schema, call.unknown)
    held = set(store.in_category.to(category))
    if strange := [item["product_id"] for item in items if item["product_id"] not in held]:
        raise refused(f"The product {strange[0]} is not in the category", "product_id")
    for item in items:
        store.sort_orders[category, item["product_id"]] = item["sort_order"]
    return Reply(200, {"data": items, "meta": {}})


TREES = "/v3/catalog/trees"
CATEGORY = "/v3/catalog/categories/{id}"
ROUTES = (
    Route("GET", TREES, _list),
    Route("PUT", TREES, _upsert),
    Route("DELETE", TREES, _delete),
    # The whole tree in one call, but one call at a time (API facts §2.4).
    Route("GET", TREES + "/{id}/categories", _nested, lane=Lane("whole tree", 1)),
    Route("POST", CATEGORY + "/image", _image, takes_files=True),
    Route("DELETE", CATEGORY + "/image", _delete_image),
    Route("GET", CATEGORY + "/products/sort-order", _sort_orders),
    Route("PUT", CATEGORY + "/products/sort-order", _set_sort_orders),
)
