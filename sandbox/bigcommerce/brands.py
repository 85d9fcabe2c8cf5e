"""Brands: one name each, found or made by a product."""

from sandbox.bigcommerce import defaults, schemas, urls
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, refused
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.images import demand_inline
from sandbox.bigcommerce.listing import FIELDS, ORDER, PAGING, asked, by, listed, passing
from sandbox.bigcommerce.lookups import row_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

MOST_BRANDS = 30_000
FILTERS = {
    **PAGING,
    **FIELDS,
    **ORDER,
    **by("id", "whole", "", "in", "not_in", "min", "max", "greater", "less"),
    **by("name", "text", "", "like"),
    **by("page_title", "text", ""),
}


def named(store: Store, name: str) -> Row:
    """The brand of this name, without regard to case; made if there is none (API facts §3.2)."""
    return store.brands.find("name", name.casefold()) or add(store, {"name": name})


def add(store: Store, fields: Row) -> Row:
    """The brand, with an address of its own."""
    if len(store.brands) >= MOST_BRANDS:
        raise RefusalError(403, f"A store can have at most {MOST_BRANDS} brands")
    _demand_free_name(store, fields["name"])
    row = store.brands.add({**defaults.BRAND, **_plain(fields), "custom_url": {"url": "", "is_customized": False}})
    wanted = fields.get("custom_url", {})
    if "url" in wanted:
        urls.check(wanted["url"], "custom_url.url", urls.BRAND_PATH)
        path, customized = urls.claimed(store, "brand", row["id"], wanted["url"], "custom_url"), True
    else:
        path, customized = urls.generated(store, "brand", row["id"], f"/{urls.slug(fields['name'])}/"), False
    store.brands.change(row, {"custom_url": {"url": path, "is_customized": customized}})
    return row


def _plain(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if name != "custom_url"}


def _demand_free_name(store: Store, name: str, own: Row | None = None) -> None:
    holder = store.brands.find("name", name.casefold())
    if holder is not None and holder is not own:
        raise refused("The brand name is a duplicate", "name", status=409)


def _fields(call: Call, *, partial: bool) -> Row:
    fields = checked(call.json(), schemas.BRAND, call.unknown, partial=partial)
    if fields.get("image_url"):
        demand_inline(call.store, fields["image_url"])
    return fields


def _brand(call: Call) -> Row:
    return row_of(call.store.brands, call.ids[0], "Brand")


def _list(call: Call) -> Reply:
    rows = sorted(call.store.brands, key=lambda row: int(row["id"]))
    sort = dict(call.request.query).get("sort", "id")
    if sort == "name":
        rows.sort(key=lambda row: str(row["name"]))
    if dict(call.request.query).get("direction") == "desc":
        rows.reverse()
    return listed(call, rows, FILTERS)


def _read(call: Call) -> Reply:
    return single(_brand(call))


def _create(call: Call) -> Reply:
    return single(add(call.store, _fields(call, partial=False)))


def _update(call: Call) -> Reply:
    row, fields, store = _brand(call), _fields(call, partial=True), call.store
    _demand_free_name(store, {**row, **fields}["name"], row)
    store.brands.change(row, _plain(fields))
    if "url" in (wanted := fields.get("custom_url", {})):
        urls.check(wanted["url"], "custom_url.url", urls.BRAND_PATH)
        try:
            path = urls.moved(store, "brand", row, wanted["url"], "custom_url")
        except RefusalError:
            errors = {"custom_url": f"The URL {wanted['url']} is already in use."}
            return Reply(207, {"data": row, "errors": errors, "meta": {}})
        store.brands.change(row, {"custom_url": {"url": path, "is_customized": True}})
    return single(row)


def _remove(store: Store, row: Row) -> None:
    for product in store.products:
        if product["brand_id"] == row["id"]:
            store.products.change(product, {"brand_id": 0})
    for metafield in store.metafields.of(("brand", row["id"])):
        store.metafields.remove(metafield)
    store.urls.free(urls.holding(row["custom_url"]["url"]))
    store.brands.remove(row)


def _delete(call: Call) -> Reply:
    _remove(call.store, _brand(call))
    return Reply(204)


def _delete_by_name(call: Call) -> Reply:
    values = asked(call, FILTERS)
    if not {"name", "page_title"} & set(values):
        raise RefusalError(422, "A filter is required to delete brands")
    for row in passing(list(call.store.brands), FILTERS, values):
        _remove(call.store, row)
    return Reply(204)


def _image(call: Call) -> Reply:
    row = _brand(call)
    if not call.is_multipart():
        raise invalid({"image_file": "required field is missing"})
    address = f"https://cdn11.bigcommerce.com/s-{call.store.hash}/b/{row['id']}.jpg"
    call.store.brands.change(row, {"image_url": address})
    return single({"image_url": address})


def _delete_image(call: Call) -> Reply:
    call.store.brands.change(_brand(call), {"image_url": ""})
    return Reply(204)


ALL = "/v3/catalog/brands"
ONE = ALL + "/{id}"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("DELETE", ALL, _delete_by_name),
    Route("GET", ONE, _read),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
    Route("POST", ONE + "/image", _image, takes_files=True),
    Route("DELETE", ONE + "/image", _delete_image),
)
