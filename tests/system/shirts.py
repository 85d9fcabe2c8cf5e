"""A connector on a stage whose catalogue is written row by row, with the merchant's own hands in the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx
from sqlalchemy import text

from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.dying import Fate
from sandbox.stage.stage import TOKEN, Stage
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()

Row = dict[str, Any]


def product(source_id: int = 301, **cells: Any) -> Row:
    """A product that is fit to be sent; more columns by name."""
    fit = {"ID": source_id, "ID_catalogue": [1], "REF": f"P{source_id}", "product_name": f"Shirt {source_id}"}
    return {**fit, "product_price": "10", "product_weight": "1", **cells}


def variant(source_id: int, parent: int = 301, **cells: Any) -> Row:
    """A variant; its options and other columns by name."""
    return {"ID": source_id, "ID_products": parent, "REF": f"V{source_id}", **cells}


def catalogue(products: Sequence[Row], variants: Sequence[Row] = ()) -> dict[str, Any]:
    """One category with these products and their variants; a cell that a row does not have is empty."""
    tables: dict[str, Sequence[Row]] = {
        "catalogue": [{"ID": 1, "ID_PARENT": 0, "REF": "C1", "section_name": "Shirts"}],
        "products": products,
        "product_formats": variants or [],
    }
    fixed = {
        "catalogue": "ID ID_PARENT REF",
        "products": "ID ID_catalogue REF",
        "product_formats": "ID ID_products REF",
    }
    columns = {
        table: list(dict.fromkeys([*fixed[table].split(), *(name for row in rows for name in row)]))
        for table, rows in tables.items()
    }
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": {table: ["STATUS", *names] for table, names in columns.items()},
        "data_schema_info": {
            table: {name: {"type": "string"} for name in names[3:]} for table, names in columns.items()
        },
        "data": {
            table: [["M", *(row.get(name, "") for name in columns[table])] for row in rows]
            for table, rows in tables.items()
        },
    }


class Between(httpx.BaseTransport):
    """Stands between us and a neighbour, and may answer in its place."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop) -> None:
        self._inner = inner
        self._shop = shop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The neighbour's answer, or another one."""
        return self._shop.intercepts(request) or self._inner.handle_request(request)


class Shop:
    """A connector on a stage, and the merchant's own hands in the store."""

    def __init__(
        self,
        config: Settings,
        products: Sequence[Row],
        variants: Sequence[Row] = (),
        *,
        store: Mapping[str, Any] | None = None,
        fate: Fate | None = None,
        **profile: Any,
    ) -> None:
        self.intercepts: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.fate = fate or Fate()
        self.stage = Stage(config, wrap=lambda inner: self.fate.wrap(Between(inner, self)), haste=50)
        self.fate.watch(self.stage.engine)
        self.cast = self.stage.connect(
            f"shirts-{next(_names)}", catalogue(products, variants), profile=profile, store=store
        )
        self.merchant = httpx.Client(
            transport=SandboxTransport(self.stage.stores),
            headers={"X-Auth-Token": TOKEN},
            base_url=f"https://store.test/stores/{self.cast.store_hash}/v3",
        )

    def run(self, *, refresh: bool = False) -> str:
        """A run to its end; its state."""
        self.log.clear()
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return str(session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")))

    def mend(self) -> None:
        """The trouble is over, and the connector is enabled again."""
        self.intercepts = lambda _: None
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.enable(session, self.cast.connector_id)

    def change_profile(self, **settings: Any) -> None:
        """Save another profile; it counts from the next run on."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.change_profile(session, self.cast.connector_id, Profile.model_validate(settings))

    def set(self, table: str, source_id: int, **cells: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, cells)

    def vary(self, source_id: int, **cells: Any) -> None:
        """Change a variant at the source."""
        self.set("product_formats", source_id, **cells)

    def remove(self, table: str, source_id: int) -> None:
        """Delete an item at the source."""
        self.stage.sources.delete(self.cast.code, table, source_id)

    @property
    def log(self) -> Any:
        """What was asked of the store since the run began."""
        return self.stage.stores.store(self.cast.store_hash).log

    def calls(self, start: str) -> int:
        """How many calls of the log are on routes that begin so: "PUT /v3/inventory"."""
        return sum(n for route, n in self.log.counters()["by_route"].items() if route.startswith(start))

    def bodies(self, start: str) -> list[Any]:
        """The bodies of those calls."""
        found = [one for one in self.log.entries if f"{one.method} {one.route}".startswith(start)]
        return [json.loads(one.body) for one in found]

    def product(self, source_id: int = 301) -> Row:
        """The product of the store under this item's SKU."""
        rows = self.stage.stores.snapshot(self.cast.store_hash)["products"]
        return next(row for row in rows if row["sku"] == f"P{source_id}")

    def variants(self, source_id: int = 301) -> dict[str, Row]:
        """The product's variants by SKU."""
        return {row["sku"]: row for row in self.product(source_id)["variants"]}

    def ids(self) -> dict[str, int]:
        """SKU -> the store's id of the variant."""
        return {sku: row["id"] for sku, row in self.variants().items()}

    def labels(self) -> dict[str, str]:
        """SKU -> its option values, in the order of the options' names: "Red/S"."""
        return {
            sku: "/".join(
                one["label"] for one in sorted(row["option_values"], key=lambda one: str(one["option_display_name"]))
            )
            for sku, row in self.variants().items()
        }

    def values(self, option: str = "size") -> list[str]:
        """All values of an option in their order, used or not."""
        options = {one["display_name"]: one for one in self.product()["options"]}
        return [one["label"] for one in options[option]["option_values"]]

    def levels(self, location: int = 1) -> dict[str, int]:
        """SKU -> stock at a location, where there is any."""
        snapshot = self.stage.stores.snapshot(self.cast.store_hash)
        skus = {row["id"]: row["sku"] for product in snapshot["products"] for row in product["variants"]}
        return {
            skus[row["variant_id"]]: row["quantity"]
            for row in snapshot["inventory"]
            if row["location_id"] == location and row["quantity"]
        }

    def status(self, kind: str, source_id: int) -> tuple[str, str | None, str]:
        """(outcome, code, message) of an item."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            row = session.execute(
                text("SELECT outcome, code, message FROM item_status WHERE kind = :kind AND source_id = :id"),
                {"kind": kind, "id": source_id},
            ).one()
            return row[0], row[1], row[2] or ""

    def pending(self) -> list[str]:
        """The actions that are still to be done."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return list(session.scalars(text("SELECT action FROM pending_change ORDER BY id")))

    def add_location(self) -> int:
        """One more location of the store's inventory; its id."""
        answer = self.merchant.post("/inventory/locations", json={"label": "Warehouse"}).raise_for_status()
        data = answer.json()["data"]
        return int(data[0]["id"] if isinstance(data, list) else data["id"])

    def stocks(self, location: int, **levels: int) -> None:
        """The merchant counts: V1=5."""
        items = [{"location_id": location, "sku": sku, "quantity": quantity} for sku, quantity in levels.items()]
        self.merchant.put("/inventory/adjustments/absolute", json={"items": items}).raise_for_status()

    def track(self, mode: str, source_id: int = 301) -> None:
        """The merchant says how a product is tracked."""
        path = f"/catalog/products/{self.product(source_id)['id']}"
        self.merchant.put(path, json={"inventory_tracking": mode}).raise_for_status()


def in_sizes(*labels: str) -> list[Row]:
    """Variants 1, 2, 3 ... in these sizes."""
    return [variant(n, size=label) for n, label in enumerate(labels, 1)]


def option(here: Shop, name: str) -> Row:
    """An option of the product, as the store has it."""
    return next(one for one in here.product()["options"] if one["display_name"] == name)
