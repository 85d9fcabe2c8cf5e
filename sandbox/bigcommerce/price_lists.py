"""Price lists and their records: other prices of variants, by currency."""

from typing import Any

from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, ShapedRefusalError, invalid, refused, too_large
from sandbox.bigcommerce.fields import checked, flag, many, number, record, text, whole
from sandbox.bigcommerce.limiter import Lane
from sandbox.bigcommerce.listing import PAGING, by, listed
from sandbox.bigcommerce.lookups import row_of, variant_by_sku
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

BATCH = 1000
PRICES = ("price", "sale_price", "retail_price", "map_price")
TIER = {"quantity_min": whole(0), "quantity_max": whole(0), "type": text(), "amount": number()}
RECORD = {
    "variant_id": whole(1),
    "sku": text(1, 255),
    "currency": text(3, 3, required=True),
    **{name: number(null=True) for name in PRICES},
    "bulk_pricing_tiers": many(record(TIER), 50),
}
FILTERS = {**PAGING, **by("variant_id", "whole", "in"), **by("product_id", "whole", "in"), **by("currency", "text", "")}


def _lists(call: Call) -> Reply:
    return listed(call, call.store.price_lists, {**PAGING, **by("id", "whole", "in"), **by("name", "text", "")})


def _create(call: Call) -> Reply:
    fields = checked(call.json(), {"name": text(1, 255, required=True), "active": flag()}, call.unknown)
    if call.store.price_lists.find("name", fields["name"].casefold()):
        raise refused("The price list name is a duplicate", "name", status=409)
    return single(call.store.price_lists.add({"active": True, **fields}))


def _records(call: Call) -> Reply:
    price_list = row_of(call.store.price_lists, call.ids[0], "Price list")
    rows = [_shown(call.store, row) for row in call.store.price_records.of(price_list["id"])]
    return listed(call, rows, FILTERS)


def _shown(store: Store, row: Row) -> Row:
    variant = row_of(store.variants, row["variant_id"], "Variant")
    seen = {name: value for name, value in row.items() if name != "id"}
    return {**seen, "sku": variant["sku"], "product_id": variant["product_id"], "calculated_price": row["price"]}


def _upsert(call: Call) -> Reply:
    """All or none; a record belongs to a variant and a currency."""
    price_list, body = row_of(call.store.price_lists, call.ids[0], "Price list"), call.json()
    if not isinstance(body, list):
        raise invalid({"": "error.expected.jsarray"})
    if len(body) > BATCH:
        raise too_large(BATCH)
    errors: list[dict[str, Any]] = []
    for item in body:
        try:
            _save(call, price_list, checked(item, RECORD, call.unknown))
        except RefusalError as refusal:
            errors.append({"data": item, "field_errors": refusal.errors or {"": "is invalid"}})
    if errors:
        raise ShapedRefusalError(422, {"batch_errors": errors})
    return Reply(200, {"data": {}, "meta": {}})


def _save(call: Call, price_list: Row, fields: Row) -> None:
    store = call.store
    known = store.variants.get(fields.get("variant_id", 0))
    variant = known or (variant_by_sku(store, fields["sku"]) if "sku" in fields else None)
    if variant is None:
        raise invalid({"variant_id": "The variant does not exist."})
    plain = {name: value for name, value in fields.items() if name not in {"variant_id", "sku"}}
    held = store.price_records.find("place", (price_list["id"], variant["id"], fields["currency"]))
    if held:
        store.price_records.change(held, plain)
    else:
        empty: Row = {**dict.fromkeys(PRICES), "bulk_pricing_tiers": []}
        own = {"price_list_id": price_list["id"], "variant_id": variant["id"]}
        store.price_records.add({**empty, **plain, **own})


# The prose says one at a time, the description two (API facts §2.4): the lower one.
SAVING = Lane("price records", 1)
ROUTES = (
    Route("GET", "/v3/pricelists", _lists),
    Route("POST", "/v3/pricelists", _create),
    Route("GET", "/v3/pricelists/{id}/records", _records),
    Route("PUT", "/v3/pricelists/{id}/records", _upsert, lane=SAVING),
)
