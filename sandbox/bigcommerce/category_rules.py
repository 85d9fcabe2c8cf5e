"""What a category may be: its place, its name, its address."""

import hashlib

from sandbox.bigcommerce import defaults, urls
from sandbox.bigcommerce.errors import RefusalError, refused
from sandbox.bigcommerce.images import demand_inline
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

MOST_CATEGORIES = 16_000
DEEPEST = 8


def add(store: Store, fields: Row) -> Row:
    """The category, in its place; a root needs `tree_id`, a child `parent_id` (API facts §4.3)."""
    if len(store.categories) >= MOST_CATEGORIES:
        raise RefusalError(403, f"A store can have at most {MOST_CATEGORIES} categories")
    if "name" not in fields:
        raise refused("Please provide a name.", "name")
    tree_id, parent_id = _place(store, fields)
    _demand_room(store, tree_id, parent_id, fields["name"])
    if fields.get("image_url"):
        demand_inline(store, fields["image_url"])
    plain = {name: value for name, value in fields.items() if name != "url"}
    row = store.categories.add(
        {**defaults.CATEGORY, **plain, "tree_id": tree_id, "parent_id": parent_id, "url": {"path": ""}}
    )
    digest = hashlib.sha256(f"{store.hash} {row['category_id']}".encode()).hexdigest()
    uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    store.categories.change(row, {"category_uuid": uuid, "url": _url(store, row, fields.get("url", {}))})
    return row


def change(store: Store, fields: Row) -> None:
    """The category with other fields, perhaps under another parent of the same tree."""
    row = store.categories.get(fields["category_id"])
    if row is None:
        raise refused(f"The category {fields['category_id']} does not exist", "category_id", status=404)
    if fields.get("tree_id", row["tree_id"]) != row["tree_id"]:
        raise refused("The tree of a category cannot be changed.", "tree_id")
    parent_id: int = {**row, **fields}["parent_id"]
    name: str = {**row, **fields}["name"]
    if (parent_id, name) != (row["parent_id"], row["name"]):
        if parent_id != row["parent_id"]:
            _demand_sound_move(store, row, parent_id)
        _demand_room(store, row["tree_id"], parent_id, name, row)
    if fields.get("image_url"):
        demand_inline(store, fields["image_url"])
    plain = {field: value for field, value in fields.items() if field not in {"url", "category_id"}}
    store.categories.change(row, {**plain, "parent_id": parent_id})
    if "path" in (wanted := fields.get("url", {})):
        urls.check(wanted["path"], "url")
        path = urls.moved(store, "category", row, wanted["path"], "url")
        store.categories.change(row, {"url": {"path": path, "is_customized": wanted.get("is_customized", True)}})


def line(store: Store, category_id: int) -> list[Row]:
    """The category and its parents up to the root."""
    rows: list[Row] = []
    while category_id and (row := store.categories.get(category_id)):
        rows.append(row)
        category_id = row["parent_id"]
    return rows


def branch(store: Store, row: Row) -> list[Row]:
    """The category and all below it, parents first."""
    rows = [row]
    for known in rows:
        rows.extend(store.categories.of(known["category_id"]))
    return rows


def _place(store: Store, fields: Row) -> tuple[int, int]:
    parent_id = fields.get("parent_id", 0)
    if not parent_id:
        if "tree_id" not in fields:
            raise refused("Please provide a tree_id or a parent_id.", "tree_id")
        if not store.trees.get(fields["tree_id"]):
            raise refused(f"The category tree {fields['tree_id']} does not exist", "tree_id")
        return fields["tree_id"], 0
    parent = store.categories.get(parent_id)
    if parent is None:
        raise refused(f"The parent category {parent_id} does not exist", "parent_id")
    if fields.get("tree_id", parent["tree_id"]) != parent["tree_id"]:
        raise refused("The parent category belongs to another tree", "parent_id")
    return parent["tree_id"], parent_id


def _demand_room(store: Store, tree_id: int, parent_id: int, name: str, own: Row | None = None) -> None:
    holder = store.categories.find("sibling", (tree_id, parent_id, name.casefold()))
    if holder is not None and holder is not own:
        raise refused(f"A category with the name {name} already exists under this parent", "name")
    height = _height(store, own) if own else 1
    if len(line(store, parent_id)) + height > DEEPEST:
        raise refused(f"Categories can be at most {DEEPEST} levels deep", "parent_id")


def _height(store: Store, row: Row) -> int:
    return 1 + max((_height(store, child) for child in store.categories.of(row["category_id"])), default=0)


def _demand_sound_move(store: Store, row: Row, parent_id: int) -> None:
    if not parent_id:
        return
    parent = store.categories.get(parent_id)
    if parent is None or parent["tree_id"] != row["tree_id"]:
        raise refused(f"The parent category {parent_id} does not exist in this tree", "parent_id")
    if row in line(store, parent_id):
        raise refused("A category cannot be its own descendant", "parent_id")


def _url(store: Store, row: Row, wanted: Row) -> Row:
    category_id = row["category_id"]
    if "path" in wanted:
        urls.check(wanted["path"], "url")
        path = urls.claimed(store, "category", category_id, wanted["path"], "url")
        return {"path": path, "is_customized": wanted.get("is_customized", True)}
    parent = store.categories.get(row["parent_id"])
    stem = parent["url"]["path"] if parent else "/"
    path = urls.generated(store, "category", category_id, f"{stem.rstrip('/')}/{urls.slug(row['name'])}/")
    return {"path": path, "is_customized": False}
