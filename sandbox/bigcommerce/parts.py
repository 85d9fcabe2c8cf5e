"""Custom fields, videos and bulk rules of a product."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.bigcommerce import defaults, schemas
from sandbox.bigcommerce.call import Call, Room, Route
from sandbox.bigcommerce.errors import not_found, refused
from sandbox.bigcommerce.fields import Schema, checked
from sandbox.bigcommerce.listing import FIELDS, PAGING, by, listed
from sandbox.bigcommerce.lookups import child, product_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row, Table


def _demand_new_pair(store: Store, row: Row, own: Row | None) -> None:
    """The same name with another value is welcome, the same pair is not (API facts §3.8)."""
    holder = store.custom_fields.find("pair", (row["product_id"], row["name"], row["value"]))
    if holder is not None and holder is not own:
        raise refused(f"The custom field {row['name']} with the value {row['value']} already exists", "custom_fields")


def _demand_apart(store: Store, row: Row, own: Row | None) -> None:
    """Two rules never speak about the same quantity; a maximum of 0 is open."""
    low, high = _span(row)
    if low > high:
        raise refused("The quantity_max must be greater than quantity_min.", "quantity_max")
    for other in store.bulk_rules.of(row["product_id"]):
        other_low, other_high = _span(other)
        if other is not own and low <= other_high and other_low <= high:
            raise refused("The bulk pricing rule clashes with another one", "bulk_pricing_rules", status=409)


def _span(rule: Row) -> tuple[float, float]:
    return rule["quantity_min"], rule["quantity_max"] or math.inf


def _anything_goes(_store: Store, _row: Row, _own: Row | None) -> None:
    """Videos may be repeated (API facts §7)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of sub-resource: where it lies, what it takes, and what it must not clash with."""

    path: str
    title: str
    table: Callable[[Store], Table]
    schema: Schema
    most: int
    demand: Callable[[Store, Row, Row | None], None]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def add(self, store: Store, product: Row, fields: Row) -> Row:
        """The part, under its product."""
        table = self.table(store)
        if table.count_of(product["id"]) >= self.most:
            raise refused(f"A product can have at most {self.most} {self.title.lower()}s.", self.path.replace("-", "_"))
        row = {**self.defaults, **fields, "product_id": product["id"]}
        self.demand(store, row, None)
        return table.add(row)

    def change(self, store: Store, row: Row, fields: Row) -> bool:
        """Whether the part really changed."""
        self.demand(store, {**row, **fields}, row)
        return self.table(store).change(row, fields)


CUSTOM_FIELDS = Part(
    "custom-fields", "Custom field", lambda s: s.custom_fields, schemas.CUSTOM_FIELD, 200, _demand_new_pair
)
BULK_RULES = Part(
    "bulk-pricing-rules", "Bulk pricing rule", lambda s: s.bulk_rules, schemas.BULK_RULE, 50, _demand_apart
)
VIDEOS = Part("videos", "Video", lambda s: s.videos, schemas.VIDEO, 250, _anything_goes, defaults=defaults.VIDEO)
# By the name that they have inside a product.
INLINE: Mapping[str, Part] = {"custom_fields": CUSTOM_FIELDS, "videos": VIDEOS, "bulk_pricing_rules": BULK_RULES}


def shown(row: Row) -> Row:
    """The part as the store shows it."""
    return {name: value for name, value in row.items() if name != "product_id"}


def save_inline(store: Store, product: Row, part: Part, entries: list[Row]) -> bool:
    """Whether anything changed: entries with an id change a part, others add one, absent ones stay (API facts §3.3)."""
    changed = False
    for entry in entries:
        fields = {name: value for name, value in entry.items() if name != "id"}
        if "id" not in entry:
            part.add(store, product, fields)
            changed = True
            continue
        row = part.table(store).get(entry["id"])
        if row is None or row["product_id"] != product["id"]:
            raise not_found(part.title)
        changed |= part.change(store, row, fields)
    return changed


def drop_omitted(store: Store, product: Row, part: Part, entries: list[Row]) -> None:
    """Where the store is one that takes a list for the whole: what it leaves out is gone."""
    kept = {entry["id"] for entry in entries if "id" in entry}
    for row in part.table(store).of(product["id"]):
        if row["id"] not in kept:
            part.table(store).remove(row)


def _routes(part: Part) -> tuple[Route, ...]:
    def listing(call: Call) -> Reply:
        rows = part.table(call.store).of(product_of(call)["id"])
        return listed(call, rows, {**PAGING, **FIELDS, **by("id", "whole", "", "in")}, show=shown)

    def read(call: Call) -> Reply:
        return single(shown(child(call, part.table(call.store), part.title)))

    def create(call: Call) -> Reply:
        product = product_of(call)
        row = part.add(call.store, product, checked(call.json(), part.schema, call.unknown))
        call.store.touch(product)
        return single(shown(row))

    def update(call: Call) -> Reply:
        row = child(call, part.table(call.store), part.title)
        if part.change(call.store, row, checked(call.json(), part.schema, call.unknown, partial=True)):
            call.store.touch(product_of(call))
        return single(shown(row))

    def delete(call: Call) -> Reply:
        part.table(call.store).remove(child(call, part.table(call.store), part.title))
        call.store.touch(product_of(call))
        return Reply(204)

    path = f"/v3/catalog/products/{{id}}/{part.path}"
    rooms: tuple[tuple[str, str, Room], ...] = (
        ("GET", path, listing),
        ("POST", path, create),
        ("GET", path + "/{id}", read),
        ("PUT", path + "/{id}", update),
        ("DELETE", path + "/{id}", delete),
    )
    return tuple(Route(method, pattern, room) for method, pattern, room in rooms)


ROUTES = tuple(route for part in INLINE.values() for route in _routes(part))
