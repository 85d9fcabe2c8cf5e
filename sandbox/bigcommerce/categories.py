"""Categories of all trees: many in a call, each with its own fate."""

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.bigcommerce import category_rules, schemas, urls
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import INVALID_JSON, TYPE, RefusalError, ShapedRefusalError, invalid, too_large
from sandbox.bigcommerce.fields import Schema, checked_list
from sandbox.bigcommerce.listing import FIELDS, PAGING, Filter, asked, by, listed, passing
from sandbox.bigcommerce.lookups import row_of
from sandbox.bigcommerce.messages import Reply
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

CHOOSING = {
    **by("category_id", "whole", "in", "not_in"),
    **by("category_uuid", "text", "in"),
    **by("tree_id", "whole", "in"),
    **by("parent_id", "whole", "in"),
}
FILTERS = {
    **PAGING,
    **FIELDS,
    **CHOOSING,
    **by("name", "text", "", "like"),
    **by("page_title", "text", "", "like"),
    "keyword": Filter("text", lambda row, asked: asked.casefold() in f"{row['name']} {row['description']}".casefold()),
    **by("is_visible", "flag", ""),
}
# Above this many items the url must not be left out: a known bug (bigcommerce/docs#904).
BUG_ABOVE = 10


def _list(call: Call) -> Reply:
    rows = sorted(call.store.categories, key=lambda row: int(row["category_id"]))
    return listed(call, rows, FILTERS, always=("category_id",))


def _items(call: Call, schema: Schema) -> list[Row]:
    body = call.json()
    if not isinstance(body, list):
        # This endpoint answers a body that is no array with a list of errors (API facts §3.1).
        raise ShapedRefusalError(400, {"errors": [{"status": 400, "title": INVALID_JSON, "type": TYPE}]})
    return checked_list(body, schema, call.unknown)


def _each(call: Call, items: list[Row], act: Callable[[Row], Row | None]) -> tuple[list[Row], dict[str, Any], Row]:
    """What was done, the errors by `<index>.<field>`, and the counts; a failed item leaves no trace."""
    done: list[Row] = []
    errors: dict[str, Any] = {}
    failed = 0
    for n, item in enumerate(items):
        mark = call.store.journal.mark()
        try:
            row = act(item)
        except RefusalError as refusal:
            call.store.journal.roll_back(mark)
            failed += 1
            errors.update(
                {f"{n}.{field}": message for field, message in (refusal.errors or {"": refusal.title}).items()}
            )
        else:
            done.append(row or {})
    meta = {"total": len(items), "success": len(items) - failed, "failed": failed}
    envelope = {"status": 422, "title": INVALID_JSON, "type": TYPE, "errors": errors}
    if errors and not done:
        raise ShapedRefusalError(422, {"errors": envelope, "meta": meta})
    return done, envelope if errors else {}, meta


def _weigh(call: Call, items: Sequence[Row]) -> None:
    """More than ten are refused where one has no `url.path` (API facts §2.5 names both POST and PUT)."""
    if 0 < (most := call.store.switches.most_categories) < len(items):
        raise too_large(most)
    if call.store.switches.bulk_category_url_bug and len(items) > BUG_ABOVE:
        lacking = [n for n, item in enumerate(items) if "path" not in item.get("url", {})]
        if lacking:
            raise invalid({f"{n}.url": "Url is required and can't be empty" for n in lacking})


def _create(call: Call) -> Reply:
    items = _items(call, schemas.CATEGORY)
    _weigh(call, items)
    done, errors, meta = _each(call, items, lambda item: category_rules.add(call.store, item))
    if errors:
        return Reply(207, {"data": done, "errors": errors, "meta": meta})
    return Reply(201, {"data": done, "meta": meta})


def _update(call: Call) -> Reply:
    items = _items(call, schemas.CATEGORY_PUT)
    _weigh(call, items)
    _, errors, meta = _each(call, items, lambda item: category_rules.change(call.store, item))
    return Reply(207, {"errors": errors, "meta": meta}) if errors else Reply(200, {"meta": meta})


def _delete(call: Call) -> Reply:
    values, store = asked(call, CHOOSING), call.store
    if not values:
        raise RefusalError(422, "A filter is required to delete categories")
    chosen = passing(list(store.categories), CHOOSING, values)
    doomed = {row["category_id"]: row for root in chosen for row in category_rules.branch(store, root)}
    if store.switches.keep_filled_categories and any(store.in_category.to(category_id) for category_id in doomed):
        raise RefusalError(422, "The category still holds products", {"category_id": "The category is not empty."})

    def act() -> None:
        for row in doomed.values():
            if store.categories.get(row["category_id"]) is row:
                remove(store, row)

    store.later(store.switches.category_delete_lag, act)
    return Reply(202, {"meta": {"total": len(chosen), "success": len(chosen), "failed": 0}})


def _delete_image(call: Call) -> Reply:
    row = row_of(call.store.categories, call.ids[0], "Category")
    call.store.categories.change(row, {"image_url": ""})
    return Reply(204)


def remove(store: Store, row: Row) -> None:
    """The category is gone; its products stay."""
    category_id = row["category_id"]
    for product_id in store.in_category.to(category_id):
        store.in_category.remove(product_id, category_id)
    for metafield in store.metafields.of(("category", category_id)):
        store.metafields.remove(metafield)
    store.urls.free(urls.holding(row["url"]["path"]))
    store.categories.remove(row)


ALL = "/v3/catalog/trees/categories"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("PUT", ALL, _update),
    Route("DELETE", ALL, _delete),
    # Of the old endpoint, which tells no categories apart by their tree.
    Route("DELETE", "/v3/catalog/categories/{id}/image", _delete_image),
)
