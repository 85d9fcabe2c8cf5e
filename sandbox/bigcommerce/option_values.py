"""The values of an option: labels, order, swatches."""

import re

from sandbox.bigcommerce import schemas
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, not_found, refused
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.images import demand_inline
from sandbox.bigcommerce.listing import PAGING, listed
from sandbox.bigcommerce.lookups import child, row_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row
from sandbox.bigcommerce.variants import remove_users

MOST_VALUES = 250
HEX = re.compile(r"#[0-9A-Fa-f]{6}")
PRODUCT_LISTS = frozenset({"product_list", "product_list_with_images"})


def shown(row: Row) -> Row:
    """The value as the store shows it."""
    return {name: value for name, value in row.items() if name != "option_id"}


def add(store: Store, option: Row, fields: Row) -> Row:
    """The value, under its option; its label is the only one of its kind there."""
    if store.values.count_of(option["id"]) >= MOST_VALUES:
        raise refused(f"An option can have at most {MOST_VALUES} values.", "option_values")
    if store.values.find("label", (option["id"], fields["label"])):
        raise refused(f"The option value {fields['label']} already exists on this option.", "label")
    values = {"is_default": False, "value_data": None, "sort_order": 0, **fields, "option_id": option["id"]}
    return store.values.add(values)


def demand_fitting(store: Store, option: Row) -> None:
    """Every value carries what the option's type asks for (API facts §4.5)."""
    for value in store.values.of(option["id"]):
        data = value["value_data"] or {}
        if option["type"] == "swatch":
            _demand_swatch(store, value, data)
        elif option["type"] in PRODUCT_LISTS:
            if not store.products.get(data.get("product_id", 0)):
                raise invalid({"value_data.product_id": "required field is missing"})
        elif value["value_data"] is not None:
            store.values.change(value, {"value_data": None})


def _demand_swatch(store: Store, value: Row, data: Row) -> None:
    if value["is_default"]:
        raise refused("The field 'is_default' is not supported for the option type swatch.", "is_default")
    if "image_url" in data:
        demand_inline(store, data["image_url"])
    elif not data.get("colors"):
        raise refused(f"The option value {value['label']} must have value_data with colors or image_url.", "value_data")
    elif not all(HEX.fullmatch(color) for color in data["colors"]):
        raise refused(f"The option value {value['label']} has an invalid color.", "value_data")


def _option(call: Call) -> Row:
    return child(call, call.store.options, "Option")


def _value(call: Call) -> tuple[Row, Row]:
    option = _option(call)
    value = row_of(call.store.values, call.ids[2], "Option value")
    if value["option_id"] != option["id"]:
        raise not_found("Option value")
    return option, value


def _list(call: Call) -> Reply:
    return listed(call, call.store.values.of(_option(call)["id"]), PAGING, show=shown)


def _read(call: Call) -> Reply:
    return single(shown(_value(call)[1]))


def _create(call: Call) -> Reply:
    option = _option(call)
    value = add(call.store, option, checked(call.json(), schemas.VALUE, call.unknown))
    demand_fitting(call.store, option)
    _touch(call, option)
    return single(shown(value))


def _update(call: Call) -> Reply:
    option, value = _value(call)
    fields = checked(call.json(), schemas.VALUE, call.unknown, partial=True)
    label = fields.get("label", value["label"])
    if (call.store.values.find("label", (option["id"], label)) or value) is not value:
        raise refused(f"The option value {label} already exists on this option.", "label")
    if call.store.values.change(value, fields):
        _touch(call, option)
    demand_fitting(call.store, option)
    return single(shown(value))


def _delete(call: Call) -> Reply:
    option, value = _value(call)
    users = [v for v in call.store.variants.of(option["product_id"]) if _uses(v, value)]
    if users and not call.store.switches.value_delete_removes_variants:
        raise RefusalError(422, "The option value is in use by a variant", {"id": str(value["id"])})
    remove_users(call.store, option["product_id"], users)
    call.store.values.remove(value)
    _touch(call, option)
    return Reply(204)


def _uses(variant: Row, value: Row) -> bool:
    return any(chosen["id"] == value["id"] for chosen in variant["option_values"])


def _touch(call: Call, option: Row) -> None:
    if call.store.switches.variants_touch_product:
        call.store.touch(row_of(call.store.products, option["product_id"], "Product"))


ALL = "/v3/catalog/products/{id}/options/{id}/values"
ONE = ALL + "/{id}"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("GET", ONE, _read),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
)
