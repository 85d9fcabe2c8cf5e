"""Options of a product: created by labels or by name, retyped, removed."""

from typing import Any

from sandbox.bigcommerce import option_values, schemas
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, refused
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.listing import PAGING, listed
from sandbox.bigcommerce.lookups import child, product_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row
from sandbox.bigcommerce.variants import remove_users


def shown(store: Store, option: Row) -> Row:
    """The option with its values, in their order."""
    values = sorted(store.values.of(option["id"]), key=lambda value: value["sort_order"])
    return {**option, "option_values": [option_values.shown(value) for value in values]}


def add(store: Store, product: Row, fields: Row) -> Row:
    """The option, under its product; its values are added apart."""
    _demand_free_name(store, product["id"], fields["display_name"])
    count = store.options.count_of(product["id"])
    # The internal name gets a time stamp behind it (API facts §3.6).
    name = f"{fields['display_name']}{int(store.clock())}-{product['id']}"
    plain = {key: value for key, value in fields.items() if key != "option_values"}
    row = {"product_id": product["id"], "name": name, "sort_order": count, "config": {}, **plain}
    return store.options.add(row)


def from_labels(store: Store, product: Row, variants: list[Row]) -> list[Row]:
    """The variants with ids instead of labels; options and values come into being in the order of their first use.

    Every variant has to name the same options, each once.
    """
    named = [frozenset(v["option_display_name"] for v in variant.get("option_values", ())) for variant in variants]
    for variant, names in zip(variants, named, strict=True):
        if not names or names != named[0] or len(variant["option_values"]) != len(names):
            raise RefusalError(
                422, "Invalid field(s): option_values", {"option_values": "every option needs exactly one value"}
            )
    options: dict[str, Row] = {}
    translated = []
    for variant in variants:
        chosen = []
        for pair in variant["option_values"]:
            name, label = pair["option_display_name"], pair["label"]
            if name not in options:
                kind = store.switches.inline_option_type
                options[name] = add(store, product, {"display_name": name, "type": kind})
            option = options[name]
            value = store.values.find("label", (option["id"], label)) or option_values.add(
                store, option, {"label": label, "sort_order": store.values.count_of(option["id"])}
            )
            chosen.append({"option_id": option["id"], "id": value["id"]})
        translated.append({**variant, "option_values": chosen})
    return translated


def _demand_free_name(store: Store, product_id: int, name: str, own: Row | None = None) -> None:
    holder = store.options.find("name", (product_id, name.casefold()))
    if holder is not None and holder is not own:
        raise refused(f"The display name {name} has already been used on this product.", "display_name")


def _list(call: Call) -> Reply:
    product = product_of(call)
    return listed(call, call.store.options.of(product["id"]), PAGING, show=lambda row: shown(call.store, row))


def _read(call: Call) -> Reply:
    return single(shown(call.store, child(call, call.store.options, "Option")))


def _create(call: Call) -> Reply:
    product = product_of(call)
    fields = checked(call.json(), schemas.OPTION, call.unknown)
    option = add(call.store, product, fields)
    for value in fields["option_values"]:
        option_values.add(call.store, option, value)
    option_values.demand_fitting(call.store, option)
    _touch(call, product)
    return single(shown(call.store, option))


def _update(call: Call) -> Reply:
    option = child(call, call.store.options, "Option")
    fields = checked(call.json(), schemas.OPTION_PUT, call.unknown, partial=True)
    before: Any = shown(call.store, option)
    listing = fields.pop("option_values", None)
    _demand_free_name(call.store, option["product_id"], fields.get("display_name", ""), option)
    call.store.options.change(option, fields)
    if listing is not None:
        _replace_values(call.store, option, listing)
    option_values.demand_fitting(call.store, option)
    after = shown(call.store, option)
    if before != after:
        _touch(call, product_of(call))
    return single(after)


def _replace_values(store: Store, option: Row, listing: list[Row]) -> None:
    """The list is the whole list; a value in use outlives it, an unused one does not (a switch, API facts §3.6)."""
    kept = set()
    for position, entry in enumerate(listing):
        fields = {name: value for name, value in entry.items() if name != "id"}
        if "id" in entry:
            value = store.values.get(entry["id"])
            if value is None or value["option_id"] != option["id"]:
                raise invalid({f"option_values.{position}.id": "The option value does not belong to this option."})
            store.values.change(value, fields)
        elif "label" in fields:
            value = option_values.add(store, option, fields)
        else:
            raise invalid({f"option_values.{position}.label": "required field is missing"})
        kept.add(value["id"])
    used = {chosen["id"] for variant in store.variants.of(option["product_id"]) for chosen in variant["option_values"]}
    if store.switches.omitted_values_removed:
        for value in store.values.of(option["id"]):
            if value["id"] not in kept | used:
                store.values.remove(value)
    labels = [value["label"] for value in store.values.of(option["id"])]
    if len(set(labels)) < len(labels):
        raise refused("The option value labels must be unique.", "option_values")


def _delete(call: Call) -> Reply:
    option, store = child(call, call.store.options, "Option"), call.store
    users = [
        v
        for v in store.variants.of(option["product_id"])
        if option["id"] in {c["option_id"] for c in v["option_values"]}
    ]
    if users and not store.switches.value_delete_removes_variants:
        raise RefusalError(422, "The option is in use by a variant", {"id": str(option["id"])})
    remove_users(store, option["product_id"], users)
    remove_row(store, option)
    _touch(call, product_of(call))
    return Reply(204)


def remove_row(store: Store, option: Row) -> None:
    """The option is gone with its values."""
    for value in store.values.of(option["id"]):
        store.values.remove(value)
    store.options.remove(option)


def _touch(call: Call, product: Row) -> None:
    if call.store.switches.variants_touch_product:
        call.store.touch(product)


ALL = "/v3/catalog/products/{id}/options"
ONE = ALL + "/{id}"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("GET", ONE, _read),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
)
