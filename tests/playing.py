"""A connector on a stage, and what a test asks of it: edits at the source, runs, and what the store then holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import text

from sandbox.stage.stage import Cast, Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()
_JOIN = {"catalogue": "ID_PARENT", "products": "ID_catalogue", "product_formats": "ID_products"}
_PICTURES = {"image", "product_image"}

Row = dict[str, Any]


def a_catalogue(
    categories: Sequence[Row], products: Sequence[Row] = (), variants: Sequence[Row] = ()
) -> dict[str, Any]:
    """A source of these rows: each has an `ID` and its joining column; `image` and `product_image` hold pictures."""
    tables = {"catalogue": categories, "products": products, "product_formats": variants}
    columns: dict[str, list[Any]] = {}
    info: dict[str, dict[str, Any]] = {}
    data: dict[str, list[list[Any]]] = {}
    for table, rows in tables.items():
        names = list(dict.fromkeys(name for row in rows for name in row if name not in ("ID", _JOIN[table])))
        pictures = _PICTURES & set(names)
        columns[table] = ["STATUS", "ID", _JOIN[table]]
        columns[table] += [{name: ["STATUS", "ID", "ORG"]} if name in pictures else name for name in names]
        info[table] = {name: {"type": "image" if name in pictures else "string"} for name in names if name != "REF"}
        data[table] = [["M", row["ID"], row[_JOIN[table]], *(row.get(name, "") for name in names)] for row in rows]
    schema = {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]}
    return {"schema": schema, "data_schema": columns, "data_schema_info": info, "data": data}


def photo(name: str, *, source_id: str | None = None) -> list[str]:
    """A picture as the source writes it; its id is the file's name where none is said."""
    url = name if "/" in name else f"https://media.test/{name}.jpg"
    return ["M", source_id or f"img-{name}", url]


class Shop:
    """A connector between a source and a store of its own."""

    def __init__(
        self,
        config: Settings,
        catalogue: Mapping[str, Any],
        *,
        profile: Mapping[str, Any] | None = None,
        storefronts: int = 1,
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        self.stage = Stage(config, haste=50)
        store = {"switches": dict(switches)} if switches else None
        self.cast: Cast = self.stage.connect(
            f"playing-{next(_names)}", catalogue, profile=profile, storefronts=storefronts, store=store
        )
        self.store = self.stage.stores.store(self.cast.store_hash)

    def run(self, *, refresh: bool = False) -> str:
        """A run to its end; its state. The store's log holds this run's calls alone."""
        self.store.log.clear()
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        return str(self._ask("SELECT state FROM run ORDER BY id DESC LIMIT 1")[0][0])

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def switch(self, **switches: Any) -> None:
        """Set switches of the simulated store."""
        self.store.configure(switches=switches)

    def status(self, kind: str, source_id: int, storefront: int | None = None) -> tuple[str, list[str], str]:
        """(outcome, codes, message) of an item."""
        where = "kind = :kind AND source_id = :id" + (" AND storefront_id = :at" if storefront is not None else "")
        rows = self._ask(
            f"SELECT outcome, problems, message FROM item_status WHERE {where}",  # noqa: S608 constants
            kind=kind,
            id=source_id,
            at=storefront,
        )
        ((outcome, problems, message),) = rows
        return outcome, [one["code"] for one in problems], message or ""

    def messages(self) -> list[tuple[str, str]]:
        """(code, text) of the last run's warnings and errors."""
        return [
            (row[0], row[1])
            for row in self._ask(
                "SELECT code, text FROM run_message WHERE run_id = (SELECT max(id) FROM run) AND level <> 'info'"
                " ORDER BY id"
            )
        ]

    def products(self) -> dict[str, Row]:
        """The store's products by SKU."""
        return {row["sku"]: row for row in self._snapshot()["products"]}

    def variants(self) -> dict[str, Row]:
        """The store's variants by SKU, those that are no product's base."""
        return {one["sku"]: one for row in self._snapshot()["products"] for one in row["variants"]}

    def categories(self) -> dict[str, Row]:
        """The store's categories by their path, behind the number of their tree: `1 Men/Tops`."""
        rows = {row["category_id"]: row for row in self._snapshot()["categories"]}

        def path(row: Row) -> str:
            above = rows.get(row["parent_id"])
            return f"{path(above)}/{row['name']}" if above else f"{row['tree_id']} {row['name']}"

        return {path(row): row for row in rows.values()}

    def snapshot(self) -> Row:
        """All that the store holds."""
        return self._snapshot()

    def writes(self) -> list[str]:
        """Method and route of the writing calls of the last run."""
        return [f"{one.method} {one.route}" for one in self.store.log.entries if one.method != "GET"]

    def _snapshot(self) -> Row:
        return self.stage.stores.snapshot(self.cast.store_hash)

    def _ask(self, sql: str, **values: Any) -> list[Any]:
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return list(session.execute(text(sql), values).all())
