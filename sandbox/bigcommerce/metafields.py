"""Metafields: small notes on products, variants, categories and brands."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.bigcommerce import defaults, schemas
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, not_found, refused
from sandbox.bigcommerce.fields import checked, whole
from sandbox.bigcommerce.listing import FIELDS, PAGING, Filter, asked, by, listed, page, passing
from sandbox.bigcommerce.lookups import row_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row, Table

MOST = 250
TABLES: Mapping[str, Callable[[Store], Table]] = {
    "product": lambda store: store.products,
    "variant": lambda store: store.variants,
    "category": lambda store: store.categories,
    "brand": lambda store: store.brands,
}
FOLDERS = {"product": "products", "variant": "variants", "category": "categories", "brand": "brands"}
# Where the single endpoints lie, and which id of the path is the owner's.
SINGLE = {
    "product": ("/v3/catalog/products/{id}", 0),
    "variant": ("/v3/catalog/products/{id}/variants/{id}", 1),
    "category": ("/v3/catalog/categories/{id}", 0),
    "brand": ("/v3/catalog/brands/{id}", 0),
}
FILTERS = {
    **FIELDS,
    **by("key", "text", "", "in"),
    **by("namespace", "text", "", "in"),
    **by("resource_id", "whole", "", "in"),
    **by("date_modified", "date", "", "min", "max"),
}
CURSORS = {"after": Filter("whole"), "before": Filter("whole")}
POST = {**schemas.METAFIELD, "resource_id": whole(1, required=True)}
PUT = {**schemas.METAFIELD, "id": whole(1)}


def shown(row: Row) -> Row:
    """The metafield as the store shows it."""
    return {name: value for name, value in row.items() if name != "owner"}


def _add(store: Store, kind: str, resource_id: int, fields: Row) -> Row:
    row_of(TABLES[kind](store), resource_id, kind.capitalize())
    owner = (kind, resource_id)
    if store.metafields.count_of(owner) >= MOST:
        raise refused(f"A resource can have at most {MOST} metafields.", "key")
    if store.metafields.find("key", (owner, fields["namespace"], fields["key"])):
        raise refused("A metafield with this namespace and key already exists", "key", status=409)
    now = store.timestamp()
    stamps = {"date_created": now, "date_modified": now, "resource_type": kind, "resource_id": resource_id}
    return store.metafields.add({**defaults.METAFIELD, **fields, **stamps, "owner": owner})


def _change(store: Store, row: Row, fields: Row) -> None:
    wanted = {**row, **fields}
    holder = store.metafields.find("key", (row["owner"], wanted["namespace"], wanted["key"]))
    if holder is not None and holder is not row:
        raise refused("A metafield with this namespace and key already exists", "key", status=409)
    if store.metafields.change(row, fields):
        store.metafields.change(row, {"date_modified": store.timestamp()})


def _held(store: Store, kind: str, row_id: Any) -> Row:
    row = store.metafields.get(row_id) if isinstance(row_id, int) else None
    if row is None or row["owner"][0] != kind:
        raise not_found("Metafield")
    return row


def _single_routes(kind: str) -> tuple[Route, ...]:
    path, place = SINGLE[kind]

    def owner(call: Call) -> int:
        row_of(TABLES[kind](call.store), call.ids[place], kind.capitalize())
        return call.ids[place]

    def one(call: Call) -> Row:
        row = _held(call.store, kind, call.ids[-1])
        if row["resource_id"] != owner(call):
            raise not_found("Metafield")
        return row

    def listing(call: Call) -> Reply:
        rows = call.store.metafields.of((kind, owner(call)))
        return listed(call, rows, {**PAGING, **FILTERS}, show=shown)

    def create(call: Call) -> Reply:
        fields = checked(call.json(), schemas.METAFIELD, call.unknown)
        return single(shown(_add(call.store, kind, owner(call), fields)))

    def read(call: Call) -> Reply:
        return single(shown(one(call)))

    def update(call: Call) -> Reply:
        row = one(call)
        _change(call.store, row, checked(call.json(), schemas.METAFIELD, call.unknown, partial=True))
        return single(shown(row))

    def delete(call: Call) -> Reply:
        call.store.metafields.remove(one(call))
        return Reply(204)

    return (
        Route("GET", path + "/metafields", listing),
        Route("POST", path + "/metafields", create),
        Route("GET", path + "/metafields/{id}", read),
        Route("PUT", path + "/metafields/{id}", update),
        Route("DELETE", path + "/metafields/{id}", delete),
    )


def _batch_routes(kind: str) -> tuple[Route, ...]:
    path = f"/v3/catalog/{FOLDERS[kind]}/metafields"

    def listing(call: Call) -> Reply:
        filters = {**PAGING, **CURSORS, **FILTERS}
        values = asked(call, filters)
        rows = sorted((row for row in call.store.metafields if row["owner"][0] == kind), key=lambda r: int(r["id"]))
        rows = [row for row in passing(rows, filters, values) if row["id"] > values.get("after", 0)]
        some, meta = page(call, rows, values)
        cursors = {"start_cursor": str(some[0]["id"]), "end_cursor": str(some[-1]["id"])} if some else {}
        meta["cursor_pagination"] = {"count": len(some), **cursors, "links": {}}
        return Reply(200, {"data": [shown(row) for row in some], "meta": meta})

    def create(call: Call) -> Reply:
        def act(item: Any) -> Row:
            fields = checked(item, POST, call.unknown)
            resource_id = fields.pop("resource_id")
            return shown(_add(call.store, kind, resource_id, fields))

        return _each(call, act)

    def update(call: Call) -> Reply:
        def act(item: Any) -> Row:
            fields = checked(item, PUT, call.unknown, partial=True)
            row = _held(call.store, kind, fields.get("id"))
            _change(call.store, row, fields)
            return shown(row)

        return _each(call, act)

    def delete(call: Call) -> Reply:
        def act(item: Any) -> Any:
            call.store.metafields.remove(_held(call.store, kind, item))
            return item

        return _each(call, act)

    rooms = (("GET", listing), ("POST", create), ("PUT", update), ("DELETE", delete))
    return tuple(Route(method, path, room) for method, room in rooms)


def _each(call: Call, act: Callable[[Any], Any]) -> Reply:
    """Each item by itself; a partial success is a 422 with both data and errors (API facts §3.8)."""
    items = call.json()
    if not isinstance(items, list):
        raise invalid({"": "error.expected.jsarray"})
    done, errors = [], []
    for item in items:
        mark = call.store.journal.mark()
        try:
            done.append(act(item))
        except RefusalError as refusal:
            call.store.journal.roll_back(mark)
            errors.append(refusal.envelope)
    meta = {"total": len(items), "success": len(done), "failed": len(errors)}
    return Reply(422 if errors else 200, {"data": done, "errors": errors, "meta": meta})


ROUTES = tuple(route for kind in TABLES for route in (*_single_routes(kind), *_batch_routes(kind)))
