"""The variants' endpoints, one by one and fifty at a time."""

from sandbox.bigcommerce import schemas, variants
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, ShapedRefusalError, invalid, refused, too_large
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.images import can_be_downloaded, is_address
from sandbox.bigcommerce.listing import FIELDS, PAGING, Filter, asked, by, listed
from sandbox.bigcommerce.lookups import child, product_of, row_of, variant_by_sku
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.tables import Row

BATCH = 50
INVENTORY_FIELDS = ("inventory_level", "inventory_warning_level")
FILTERS = {
    **PAGING,
    **FIELDS,
    **by("id", "whole", "", "in", "not_in", "min", "max", "greater", "less"),
    # Answered by the index of SKUs: a base variant's SKU is its product's.
    "sku": Filter("text"),
    "sku:in": Filter("texts"),
    **by("upc", "text", ""),
    **by("mpn", "text", ""),
    **by("product_id", "whole", "", "in"),
}


def _everywhere(call: Call) -> Reply:
    store = call.store
    values = asked(call, FILTERS)
    rows = sorted(_candidates(call, values), key=lambda row: int(row["id"]))
    if {"upc", "mpn"} & set(values):
        return listed(call, [variants.shown(store, row) for row in rows], FILTERS)
    return listed(call, rows, FILTERS, show=lambda row: variants.shown(store, row))


def _candidates(call: Call, values: Row) -> list[Row]:
    """The rows of the asked products and SKUs, by index."""
    store = call.store
    products = values.get("product_id:in") or ([values["product_id"]] if "product_id" in values else None)
    skus = values.get("sku:in") or ([values["sku"]] if "sku" in values else None)
    if skus is not None:
        owners = {row["id"]: row for sku in skus if (row := variant_by_sku(store, sku)) is not None}
        return list(owners.values())
    if products is not None:
        return [row for product in dict.fromkeys(products) for row in store.variants.of(product)]
    return list(store.variants)


def _list(call: Call) -> Reply:
    product, store = product_of(call), call.store
    rows = store.variants.of(product["id"])
    return listed(call, rows, {**PAGING, **FIELDS}, show=lambda row: variants.shown(store, row, product))


def _read(call: Call) -> Reply:
    return single(variants.shown(call.store, child(call, call.store.variants, "Variant")))


def _answer(call: Call, row: Row) -> Reply:
    seen = variants.shown(call.store, row)
    if "inventory" in call.unsaved:
        return Reply(
            207, {"data": seen, "errors": {"inventory_level": "The inventory could not be saved."}, "meta": {}}
        )
    return single(seen)


def _saved(call: Call, fields: Row) -> Row:
    dropped = INVENTORY_FIELDS if "inventory" in call.unsaved else ()
    return {name: value for name, value in fields.items() if name not in dropped}


def _create(call: Call) -> Reply:
    product = product_of(call)
    fields = checked(call.json(), schemas.VARIANT_POST, call.unknown)
    row = variants.add(call.store, product, _saved(call, fields))
    if call.store.switches.variants_touch_product:
        call.store.touch(product)
    return _answer(call, row)


def _update(call: Call) -> Reply:
    row = child(call, call.store.variants, "Variant")
    variants.change(call.store, row, _saved(call, checked(call.json(), schemas.VARIANT, call.unknown)))
    return _answer(call, row)


def _delete(call: Call) -> Reply:
    row = child(call, call.store.variants, "Variant")
    if row["is_base"]:
        raise RefusalError(422, "The base variant of a product cannot be deleted")
    variants.remove_users(call.store, row["product_id"], [row])
    if call.store.switches.variants_touch_product:
        call.store.touch(product_of(call))
    return Reply(204)


def _batch(call: Call) -> Reply:
    body = call.json()
    if not isinstance(body, list):
        raise invalid({"": "error.expected.jsarray"})
    if len(body) > BATCH:
        raise too_large(BATCH)
    rows: list[Row] = []
    errors = []
    for n, item in enumerate(body):
        try:
            rows.append(_one_of_batch(call, item))
        except RefusalError as refusal:
            errors.append(refusal.envelope)
            if call.store.switches.indexed_batch_errors:
                refusal.errors.update({f"{n}.{name}": refusal.errors.pop(name) for name in list(refusal.errors)})
                errors[-1] = refusal.envelope
    if errors:
        # All or nothing, and unless a switch says otherwise nothing tells which item it was (API facts §3.3, §3.5).
        raise ShapedRefusalError(422, {"batch_errors": errors})
    return Reply(200, {"data": [variants.shown(call.store, row) for row in rows], "meta": {}})


def _one_of_batch(call: Call, item: object) -> Row:
    fields = checked(item, schemas.VARIANT_BATCH, call.unknown)
    if "id" not in fields:
        if "product_id" not in fields:
            raise invalid({"id": "required field is missing"})
        product = row_of(call.store.products, fields["product_id"], "Product")
        row = variants.add(call.store, product, {k: v for k, v in fields.items() if k != "product_id"})
        if call.store.switches.variants_touch_product:
            call.store.touch(product)
        return row
    row = row_of(call.store.variants, fields["id"], "Variant")
    if fields.get("product_id", row["product_id"]) != row["product_id"]:
        raise invalid({"product_id": "The variant does not belong to this product."})
    if "option_values" in fields:
        call.unknown.add("option_values")
    plain = {name: value for name, value in fields.items() if name not in {"id", "product_id", "option_values"}}
    variants.change(call.store, row, plain)
    return row


def _image(call: Call) -> Reply:
    row = child(call, call.store.variants, "Variant")
    address = "upload.jpg" if call.is_multipart() else _address(call)
    call.store.variants.change(row, {"image_url": address})
    return single({"image_url": address})


def _address(call: Call) -> str:
    address = str(checked(call.json(), {"image_url": schemas.VARIANT["image_url"]}, call.unknown).get("image_url", ""))
    if not is_address(address):
        raise refused("The field 'image_url' is invalid.", "image_url")
    if not can_be_downloaded(address, call.store.switches):
        raise RefusalError(400, f"The image could not be downloaded from {address}")
    return address


ALL = "/v3/catalog/products/{id}/variants"
ONE = ALL + "/{id}"
ROUTES = (
    Route("GET", "/v3/catalog/variants", _everywhere),
    Route("PUT", "/v3/catalog/variants", _batch),
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("GET", ONE, _read),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
    Route("POST", ONE + "/image", _image, takes_files=True),
)
