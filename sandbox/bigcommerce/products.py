"""Products: created whole, changed in part, removed with all that is theirs."""

from collections.abc import Mapping
from typing import Any

from sandbox.bigcommerce import defaults, images, options, parts, product_rules, schemas, urls, variants
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, not_found, too_large
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.listing import FIELDS, asked, narrowed
from sandbox.bigcommerce.lookups import product_of, row_of
from sandbox.bigcommerce.messages import Reply
from sandbox.bigcommerce.product_reads import FILTERS, found, shown
from sandbox.bigcommerce.product_reads import ROUTES as READ_ROUTES
from sandbox.bigcommerce.store import DEFAULT_CHANNEL, Store
from sandbox.bigcommerce.tables import Row

BATCH = 10
# What a product body holds that is no column of the product.
APART = frozenset({"id", "categories", "custom_url", "variants", "images", *parts.INLINE})
INVENTORY_FIELDS = frozenset({"inventory_level", "inventory_warning_level"})
# What the answer of a write shows beside the product itself (API facts §3.3).
SHOWN_AFTER_WRITE = ("images", "custom_fields", "bulk_pricing_rules", "videos")


def _columns(call: Call, fields: Row) -> Row:
    left_out = APART | INVENTORY_FIELDS if "inventory" in call.unsaved else APART
    return {name: value for name, value in fields.items() if name not in left_out}


def _create(call: Call) -> Reply:
    values, store = asked(call, FIELDS), call.store
    body = call.json()
    product_rules.demand_required(body)
    fields = checked(body, schemas.PRODUCT_POST, call.unknown)
    product_rules.demand_possible(store, fields, None)
    now = store.timestamp()
    row = store.products.add(
        {
            **defaults.PRODUCT,
            **_columns(call, product_rules.with_brand(store, fields)),
            "date_created": now,
            "date_modified": now,
            "base_variant_id": None,
            "custom_url": {"url": "", "is_customized": False},
            "found_from": store.clock() + store.switches.filter_lag,
        }
    )
    store.products.change(row, {"custom_url": product_rules.created_url(call, row["id"], fields)})
    for category in fields.get("categories", ()):
        store.in_category.add(row["id"], category)
    if store.switches.auto_assign:
        store.on_channel.add(row["id"], DEFAULT_CHANNEL)
    _add_parts(store, row, fields)
    errors = {}
    if "url" in call.unsaved and "custom_url" in fields:
        errors["custom_url"] = "The URL could not be saved."
    if "inventory" in call.unsaved:
        errors["inventory_level"] = "The inventory could not be saved."
    return _written(call, [row], errors, values, created=True, alone=True)


def _add_parts(store: Store, row: Row, fields: Row) -> None:
    inline = fields.get("variants") or []
    for variant in options.from_labels(store, row, inline) if inline else ():
        variants.add(store, row, variant)
    if not inline:
        variants.add_base(store, row)
    _save_images(store, row, fields.get("images", ()))
    for name, part in parts.INLINE.items():
        parts.save_inline(store, row, part, fields.get(name, []))


def _save_images(store: Store, row: Row, entries: Any) -> None:
    """Entries with an id change an image, others append one (API facts §3.3)."""
    for entry in entries:
        if "image_url" in entry:
            images.demand_inline(store, entry["image_url"])
        if "id" in entry:
            image = store.images.get(entry["id"])
            if image is None or image["product_id"] != row["id"]:
                raise not_found("Image")
            images.change(store, image, entry)
        elif "image_url" in entry or "image_file" in entry:
            images.add(store, row, entry)
        else:
            raise invalid({"images.image_url": "required field is missing"})


def _change(call: Call, row: Row, fields: Row, errors: dict[str, str]) -> None:
    """The product with the sent fields changed; what could not be saved is said in `errors`."""
    store = call.store
    product_rules.demand_possible(store, fields, row)
    changed = store.products.change(row, _columns(call, product_rules.with_brand(store, fields)))
    if "custom_url" in fields:
        url, trouble = product_rules.changed_url(call, row, fields["custom_url"])
        changed |= store.products.change(row, {"custom_url": url})
        if trouble:
            errors["custom_url"] = trouble
    if "inventory" in call.unsaved and INVENTORY_FIELDS & set(fields):
        errors["inventory_level"] = "The inventory could not be saved."
    if "categories" in fields:
        changed |= _replace_categories(store, row["id"], fields["categories"])
    for name, part in parts.INLINE.items():
        if name in fields and store.switches.omitted_parts_removed:
            parts.drop_omitted(store, row, part, fields[name])
        changed |= parts.save_inline(store, row, part, fields.get(name, []))
    _save_images(store, row, fields.get("images", ()))
    if changed:
        store.touch(row)


def _replace_categories(store: Store, product_id: int, wanted: list[int]) -> bool:
    before = store.in_category.of(product_id)
    for category in before:
        if category not in wanted:
            store.in_category.remove(product_id, category)
    for category in wanted:
        store.in_category.add(product_id, category)
    return set(before) != set(wanted)


def _update(call: Call) -> Reply:
    values, row = asked(call, FIELDS), product_of(call)
    errors: dict[str, str] = {}
    _change(call, row, checked(call.json(), schemas.PRODUCT, call.unknown), errors)
    return _written(call, [row], errors, values, alone=True)


def _update_batch(call: Call) -> Reply:
    """All or none; a refusal does not say which item it was (API facts §3.3)."""
    values, body = asked(call, FIELDS), call.json()
    if not isinstance(body, list):
        raise invalid({"": "error.expected.jsarray"})
    if len(body) > BATCH:
        raise too_large(BATCH)
    rows, errors = [], dict[str, str]()
    for item in body:
        if not isinstance(item, dict) or "id" not in item:
            product_rules.demand_required(item)
            raise invalid({"id": "required field is missing"})
        fields = checked(item, schemas.PRODUCT_BATCH, call.unknown)
        row = row_of(call.store.products, fields["id"], "Product")
        _change(call, row, fields, errors)
        rows.append(row)
    return _written(call, rows, errors, values)


def _written(
    call: Call, rows: list[Row], errors: Mapping[str, str], values: Row, *, created: bool = False, alone: bool = False
) -> Reply:
    bare = created and call.store.switches.bare_product_answer
    include = SHOWN_AFTER_WRITE if bare else ("variants", *SHOWN_AFTER_WRITE)
    data = [narrowed(shown(call.store, row, include), values) for row in rows]
    payload = {"data": data[0] if alone else data, "meta": {}}
    return Reply(207, {**payload, "errors": dict(errors)}) if errors else Reply(200, payload)


def remove(store: Store, row: Row) -> None:
    """The product is gone with its variants, parts, assignments and its address."""
    for variant in store.variants.of(row["id"]):
        variants.remove(store, variant)
    for option in store.options.of(row["id"]):
        options.remove_row(store, option)
    for table in (store.images, store.custom_fields, store.bulk_rules, store.videos):
        for part in table.of(row["id"]):
            table.remove(part)
    for metafield in store.metafields.of(("product", row["id"])):
        store.metafields.remove(metafield)
    for links in (store.in_category, store.on_channel):
        for other in links.of(row["id"]):
            links.remove(row["id"], other)
    store.urls.free(urls.holding(row["custom_url"]["url"]))
    store.products.remove(row)


def _delete(call: Call) -> Reply:
    remove(call.store, product_of(call))
    return Reply(204)


def _delete_many(call: Call) -> Reply:
    values = asked(call, FILTERS)
    if not any(FILTERS[name].test for name in values):
        raise RefusalError(422, "A filter is required to delete products")
    if len(values.get("id:in", ())) > 250:
        raise too_large(250)
    for row in found(call.store, values):
        remove(call.store, row)
    return Reply(204)


ALL = "/v3/catalog/products"
ONE = ALL + "/{id}"
ROUTES = (
    *READ_ROUTES,
    Route("POST", ALL, _create),
    Route("PUT", ALL, _update_batch),
    Route("DELETE", ALL, _delete_many),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
)
