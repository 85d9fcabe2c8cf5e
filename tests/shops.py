"""A shop with several storefronts on a stage, and what its store shows where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx
from sqlalchemy import text

from sandbox.bigcommerce.store import Store
from sandbox.stage.stage import SECRET, Cast, Stage
from worker.ledger import connectors, register
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()

IMPORT = "CN-IMPORT"

MEN, SHOES, HATS, BOOTS, HOME, LAMPS = range(1, 7)
CATEGORIES: list[tuple[int, int, str]] = [
    (MEN, 0, "Men"),
    (SHOES, MEN, "Shoes"),
    (HATS, MEN, "Hats"),
    (BOOTS, SHOES, "Boots"),
    (HOME, 0, "Home"),
    (LAMPS, HOME, "Lamps"),
]
PRODUCTS: list[tuple[int, list[int], str]] = [
    (301, [SHOES], "Trainer"),
    (302, [HATS], "Cap"),
    (303, [BOOTS, HATS], "Set"),
    (304, [LAMPS], "Lantern"),
]
EVERYWHERE = ["1", "2"]
FULL = {"Men", "Men/Shoes", "Men/Shoes/Boots", "Men/Hats", "Home", "Home/Lamps"}
OF_MEN = {"Men", "Men/Shoes", "Men/Shoes/Boots", "Men/Hats"}
"""What a storefront shows of the full tree, and of the root Men."""


def catalogue(
    *,
    categories: Mapping[int, Any] | None = None,
    products: Mapping[int, Any] | None = None,
    more: Sequence[tuple[int, int, str]] = (),
) -> dict[str, Any]:
    """Two trees and four products; `categories` and `products` add the storefront field, by id (else everywhere)."""
    columns = {
        "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
        "products": ["STATUS", "ID", "ID_catalogue", "REF", "product_name", "product_price", "product_weight"],
    }
    rows: dict[str, list[list[Any]]] = {
        "catalogue": [["M", one, parent, f"C{one}", name] for one, parent, name in (*CATEGORIES, *more)],
        "products": [["M", one, ids, f"P{one}", name, "10", "1"] for one, ids, name in PRODUCTS],
    }
    named = {"catalogue": ("section_storefronts", categories), "products": ("product_storefronts", products)}
    for table, (column, cells) in named.items():
        if cells is not None:
            columns[table].append(column)
            rows[table] = [[*row, cells.get(row[1], EVERYWHERE)] for row in rows[table]]
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": columns,
        "data_schema_info": {
            table: {name: {"type": "list" if "storefronts" in name else "string"} for name in names[4:]}
            for table, names in columns.items()
        },
        "data": rows,
    }


class Shop:
    """A connector on a stage whose store has several storefronts."""

    def __init__(
        self,
        config: Settings,
        content: Mapping[str, Any],
        *,
        links: Sequence[tuple[int, int | None]] = (),
        storefronts: int = 2,
        wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda transport: transport,
        **profile: Any,
    ) -> None:
        self.stage = Stage(config, wrap=wrap, haste=50)
        linked = [{"storefront": storefront, "root": root} for storefront, root in links]
        self.cast: Cast = self.stage.connect(
            f"shop-{next(_names)}", content, storefronts=storefronts, profile={"storefronts": linked, **profile}
        )

    @property
    def store(self) -> Store:
        """The store itself."""
        return self.stage.stores.store(self.cast.store_hash)

    def may_import(self, code: str = IMPORT, secret: str = SECRET) -> None:
        """Give the connector credentials of an import connector, which is there as `IMPORT` with `SECRET`."""
        self.stage.sources.put_connector(IMPORT, secret=SECRET, catalogue=catalogue(categories={}, products={}))
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.keep_credentials(
                session,
                self.stage.vault,
                tenant_id=self.cast.tenant_id,
                connector_id=self.cast.connector_id,
                secrets={"import_code": code, "import_secret": secret},
            )

    def choices(self) -> list[tuple[str, str, list[str]]]:
        """(table, column, choices) of every list that was written by the import connector."""
        rows = self.stage.sources.state(IMPORT)["written"]
        return [(row["table"], column, value) for row in rows for column, value in row["fields"].items()]

    def run(self, *, refresh: bool = False) -> str:
        """A run to its end; its state."""
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return str(session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")))

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def writes(self) -> list[str]:
        """What was written into the store since its log was cleared."""
        return [f"{one['method']} {one['path']}" for one in self.store.log.lines() if one["method"] != "GET"]

    def tree(self, channel: int) -> set[str]:
        """The paths of the visible categories of the storefront."""
        snapshot = self.stage.stores.snapshot(self.cast.store_hash)
        tree = next((row["id"] for row in snapshot["trees"] if channel in row["channels"]), None)
        rows = {row["category_id"]: row for row in snapshot["categories"] if row["tree_id"] == tree}

        def path(row: Mapping[str, Any]) -> str:
            above = rows.get(row["parent_id"])
            return f"{path(above)}/{row['name']}" if above else str(row["name"])

        return {path(row) for row in rows.values() if row["is_visible"]}

    def product(self, name: str) -> dict[str, Any]:
        """The product of this name as the store holds it."""
        snapshot = self.stage.stores.snapshot(self.cast.store_hash)
        return next(dict(row) for row in snapshot["products"] if row["name"] == name)

    def names(self) -> set[str]:
        """The names of the store's products."""
        return {row["name"] for row in self.stage.stores.snapshot(self.cast.store_hash)["products"]}

    def channels_of(self, name: str) -> set[int]:
        """The storefronts on which a product sells."""
        return set(self.product(name)["channels"])

    def places_of(self, name: str) -> set[tuple[int, str]]:
        """(storefront, category) wherever a product stands."""
        snapshot = self.stage.stores.snapshot(self.cast.store_hash)
        channels = {row["id"]: row["channels"][0] for row in snapshot["trees"]}
        named = {row["category_id"]: (channels[row["tree_id"]], row["name"]) for row in snapshot["categories"]}
        return {named[one] for one in self.product(name)["categories"]}

    def status(self, kind: str, source_id: int) -> dict[int, tuple[str, str | None, str | None]]:
        """Storefront -> (outcome, code, message) of an item."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            rows = session.execute(
                text(
                    "SELECT storefront_id, outcome, code, message FROM item_status"
                    " WHERE kind = :kind AND source_id = :id"
                ),
                {"kind": kind, "id": source_id},
            )
            return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def messages(self) -> list[tuple[str, str]]:
        """(code, text) of the warnings and errors of the last run."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            last = register.runs(session, self.cast.connector_id, 1)[0]
            return [(one.code, one.text) for one in register.messages(session, last.id) if one.level != "info"]


def quiet(shop: Shop) -> bool:
    """Whether another run writes nothing, even where everything is looked at again."""
    shop.store.log.clear()
    shop.run(refresh=True)
    assert shop.writes() == []
    return True
