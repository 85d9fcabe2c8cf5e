"""Stock by location: absolute, relative, and read with a lag."""

import hashlib
from typing import Any

from sandbox.bigcommerce import schemas, variants
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import TYPE, ShapedRefusalError
from sandbox.bigcommerce.fields import checked, flag, many, record, text, whole
from sandbox.bigcommerce.limiter import CATALOGUE_WRITES, Lane
from sandbox.bigcommerce.listing import PAGING, Filter, asked, by, listed, page, passing
from sandbox.bigcommerce.lookups import row_of, variant_by_sku
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import DEFAULT_LOCATION, Store
from sandbox.bigcommerce.tables import Row

ITEMS_A_PAGE = 1000
# Stock locations by plan (API facts §3.9).
MOST_LOCATIONS = {"Standard": 4, "Plus": 5, "Pro": 8}
IDENTITIES = ("sku", "variant_id", "product_id")
SETTINGS = {"safety_stock": whole(0), "is_in_stock": flag(), "warning_level": whole(0), "bin_picking_number": text()}


def level(store: Store, variant: Row, location_id: int) -> int:
    """How many are there; the default location is the catalogue's own inventory_level."""
    if location_id == DEFAULT_LOCATION:
        return int(variants.shown(store, variant)["inventory_level"] or 0)
    held = store.stock.find("place", (location_id, variant["id"]))
    return int(held["quantity"]) if held else 0


def _set_level(store: Store, variant: Row, location_id: int, quantity: int, *, is_whole: bool) -> None:
    if location_id == DEFAULT_LOCATION and is_whole and not variant["is_base"]:
        store.products.change(row_of(store.products, variant["product_id"], "Product"), {"inventory_level": quantity})
    elif location_id == DEFAULT_LOCATION:
        variants.change(store, variant, {"inventory_level": quantity})
    else:
        store.stock.change(_place(store, variant, location_id), {"quantity": quantity})


def _place(store: Store, variant: Row, location_id: int) -> Row:
    held = store.stock.find("place", (location_id, variant["id"]))
    fresh = {"location_id": location_id, "variant_id": variant["id"], "quantity": 0, "settings": {}}
    return held or store.stock.add(fresh)


def _target(store: Store, item: Row) -> Row | str:
    """The variant that an item means, or why it means none."""
    named = [name for name in IDENTITIES if name in item]
    if len(named) != 1:
        return "Item needs exactly one of sku, variant_id, product_id"
    if not store.locations.get(item["location_id"]):
        return f"Location with id {item['location_id']} was not found"
    name, value = named[0], item[named[0]]
    variant = {
        "product_id": lambda: _whole_product(store, value),
        "variant_id": lambda: store.variants.get(value),
        "sku": lambda: variant_by_sku(store, value),
    }[name]()
    if variant is None:
        return f"Item with {name} {value} was not found"
    tracking = row_of(store.products, variant["product_id"], "Product")["inventory_tracking"]
    # A product tracked as one is spoken of by its own id only, and the other way round (API facts §3.9).
    if name == "product_id" and (tracking == "variant" or (tracking == "none" and not variant["is_base"])):
        return f"Item with {name} {value} is tracked by variant, please update stock by variant id"
    if name != "product_id" and tracking == "product":
        return f"Item with {name} {value} is tracked by product, please update stock by product id"
    return variant


def _whole_product(store: Store, product_id: int) -> Row | None:
    held = store.variants.of(product_id)
    return held[0] if held else None


def _adjust(call: Call, *, relative: bool) -> Reply:
    store = call.store
    items = checked(call.json(), schemas.ADJUSTMENTS, call.unknown)["items"]
    plan: list[tuple[Row, int, int, bool]] = []
    troubles = []
    for item in items:
        target = _target(store, item)
        if isinstance(target, str):
            troubles.append(target)
            continue
        quantity = item["quantity"] + (level(store, target, item["location_id"]) if relative else 0)
        if quantity < 0:
            troubles.append(f"Item with variant_id {target['id']} cannot go below zero")
        plan.append((target, item["location_id"], quantity, "product_id" in item))
    if troubles:
        title = f"[{', '.join(troubles)}]"
        body = {"status": 422, "title": title, "type": TYPE, "errors": {}, "detail": title}
        raise ShapedRefusalError(422, body, "application/problem+json")

    def act() -> None:
        for variant, location_id, quantity, is_whole in plan:
            if store.variants.get(variant["id"]) is variant:
                _set_level(store, variant, location_id, quantity, is_whole=is_whole)

    store.later(store.switches.inventory_lag, act)
    seed = f"{store.hash} {store.requests}".encode()
    return Reply(200, {"transaction_id": hashlib.sha256(seed).hexdigest()[:32]})


def _absolute(call: Call) -> Reply:
    return _adjust(call, relative=False)


def _relative(call: Call) -> Reply:
    return _adjust(call, relative=True)


CHOOSING = {**by("sku", "text", "in"), **by("variant_id", "whole", "in"), **by("product_id", "whole", "in")}
ITEM_FILTERS = {**PAGING, **CHOOSING, "location_id:in": Filter("wholes"), "location_code:in": Filter("texts")}


def _identities(store: Store) -> list[Row]:
    rows = sorted(store.variants, key=lambda row: int(row["id"]))
    return [
        {
            "sku": variants.shown(store, row)["sku"],
            "variant_id": row["id"],
            "product_id": row["product_id"],
            "sku_id": row["sku_id"],
        }
        for row in rows
    ]


def _at(store: Store, variant_id: int, location: Row) -> dict[str, Any]:
    variant = row_of(store.variants, variant_id, "Variant")
    held = store.stock.find("place", (location["id"], variant_id))
    settings: dict[str, Any] = {"safety_stock": 0, "is_in_stock": True, "warning_level": 0, "bin_picking_number": ""}
    count = level(store, variant, location["id"])
    settings.update(held["settings"] if held else {})
    return {
        "available_to_sell": max(0, count - settings["safety_stock"]),
        "total_inventory_onhand": count,
        "settings": settings,
    }


def _items(call: Call) -> Reply:
    values, store = asked(call, ITEM_FILTERS, ITEMS_A_PAGE), call.store
    wanted_ids, wanted_codes = values.get("location_id:in"), values.get("location_code:in")
    locations = [
        location
        for location in store.locations
        if (wanted_ids is None or location["id"] in wanted_ids)
        and (wanted_codes is None or location["code"] in wanted_codes)
    ]
    some, meta = page(call, passing(_identities(store), ITEM_FILTERS, values), values, ITEMS_A_PAGE)
    data = [
        {
            "identity": identity,
            "locations": [
                {
                    "location_id": location["id"],
                    "location_code": location["code"],
                    "location_name": location["label"],
                    "location_enabled": location["enabled"],
                    **_at(store, identity["variant_id"], location),
                }
                for location in locations
            ],
        }
        for identity in some
    ]
    return Reply(200, {"data": data, "meta": meta})


def _items_at(call: Call) -> Reply:
    location, store = row_of(call.store.locations, call.ids[0], "Location"), call.store
    filters = {**PAGING, **CHOOSING}
    values = asked(call, filters, ITEMS_A_PAGE)
    some, meta = page(call, passing(_identities(store), filters, values), values, ITEMS_A_PAGE)
    data = [{"identity": identity, **_at(store, identity["variant_id"], location)} for identity in some]
    return Reply(200, {"data": data, "meta": meta})


def _set_settings(call: Call) -> Reply:
    location, store = row_of(call.store.locations, call.ids[0], "Location"), call.store
    identity = {"sku": text(1, 255), "variant_id": whole(1), "product_id": whole(1)}
    schema = {"settings": many(record({"identity": record(identity), **SETTINGS}), 2000, 1, required=True)}
    for item in checked(call.json(), schema, call.unknown)["settings"]:
        target = _target(store, {**item.get("identity", {}), "location_id": location["id"]})
        if isinstance(target, str):
            raise ShapedRefusalError(422, {"status": 422, "title": f"[{target}]", "type": TYPE, "errors": {}})
        place = _place(store, target, location["id"])
        plain = {name: value for name, value in item.items() if name != "identity"}
        store.stock.change(place, {"settings": {**place["settings"], **plain}})
    return Reply(200, {"transaction_id": hashlib.sha256(f"settings {store.requests}".encode()).hexdigest()[:32]})


def _locations(call: Call) -> Reply:
    return listed(call, call.store.locations, {**PAGING, **by("id", "whole", "in"), **by("code", "text", "in")})


def _add_location(call: Call) -> Reply:
    store, body = call.store, call.json()
    schema = {"code": text(1, 120), "label": text(1, 255, required=True), "type_id": text(), "enabled": flag()}
    items = [checked(item, schema, call.unknown) for item in (body if isinstance(body, list) else [body])]
    most = MOST_LOCATIONS.get(store.plan, 100)
    if len(store.locations) + len(items) > most:
        raise ShapedRefusalError(422, {"status": 422, "title": f"The plan allows {most} locations", "type": TYPE})
    fresh = {"type_id": "PHYSICAL", "enabled": True}
    rows = [store.locations.add({**fresh, "code": f"LOCATION-{len(store.locations) + 1}", **item}) for item in items]
    return single(rows)


SCOPE = "store_inventory"
# Wait for the answer before the next one, and keep apart from bulk catalogue work (API facts §2.4): noted in the log.
ADJUSTING = Lane("inventory adjustments", 1, refuses=False, apart_from=CATALOGUE_WRITES)
ROUTES = (
    Route("PUT", "/v3/inventory/adjustments/absolute", _absolute, SCOPE, ADJUSTING),
    Route("POST", "/v3/inventory/adjustments/relative", _relative, SCOPE, ADJUSTING),
    Route("GET", "/v3/inventory/items", _items, SCOPE),
    Route("GET", "/v3/inventory/locations", _locations, "store_locations_read_only"),
    Route("POST", "/v3/inventory/locations", _add_location, SCOPE),
    Route("GET", "/v3/inventory/locations/{id}/items", _items_at, SCOPE),
    Route("PUT", "/v3/inventory/locations/{id}/items", _set_settings, SCOPE),
)
