"""A connector on the stage: a small catalogue at the source, an empty store, and runs from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import text

from sandbox.stage.stage import Cast, Stage
from worker.catalog.profile import Profile
from worker.ledger import connectors, register
from worker.ledger.register import Entry, Message
from worker.ledger.session import as_tenant
from worker.settings import Settings

_numbers = count()
_LEADING = {
    "catalogue": ("ID_PARENT", "REF", "section_name"),
    "products": ("ID_catalogue", "REF", "product_name", "product_price", "product_weight"),
    "product_formats": ("ID_products", "REF", "size"),
}


def a_source(
    *,
    categories: Sequence[Sequence[Any]] = ((1, 0, "C1", "Root"),),
    products: Sequence[Sequence[Any]] = (),
    variants: Sequence[Sequence[Any]] = (),
    columns: Mapping[str, Iterable[str]] | None = None,
    types: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A catalogue of rows without STATUS.

    Categories are (id, parent, REF, name), products (id, [categories], REF, name, price, weight), variants
    (id, product, REF, size), each with cells for the further `columns` of its table behind; `types` by column name.
    """
    further = columns or {}
    names = {table: ["STATUS", "ID", *leading, *further.get(table, ())] for table, leading in _LEADING.items()}
    known = types or {}
    rows = {"catalogue": categories, "products": products, "product_formats": variants}
    pictures = {name for name, kind in known.items() if kind == "image"}
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": {
            table: [{one: ["STATUS", "ID", "ORG"]} if one in pictures else one for one in of]
            for table, of in names.items()
        },
        "data_schema_info": {
            table: {name: {"type": known.get(name, "string")} for name in of[2:]} for table, of in names.items()
        },
        "data": {table: [["M", *row] for row in of] for table, of in rows.items()},
    }


class Shop:
    """A connector on a stage, with what a test asks of it."""

    def __init__(
        self, config: Settings, catalogue: Mapping[str, Any], *, profile: Mapping[str, Any] | None = None, **wiring: Any
    ) -> None:
        self.stage = Stage(config, haste=50)
        self.cast: Cast = self.stage.connect(f"shop-{next(_numbers)}", catalogue, profile=profile, **wiring)

    def close(self) -> None:
        """Give the connections back."""
        self.stage.close()

    def run(self, *, refresh: bool = False) -> Entry:
        """A run, played until nothing moves any more; its entry in the register."""
        run_id = self.stage.request(self.cast, refresh=refresh)
        self.stage.play()
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            entry = register.run(session, run_id)
        assert entry is not None
        return entry

    def change_profile(self, **settings: Any) -> None:
        """Save another profile; it counts from the next run on."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.change_profile(session, self.cast.connector_id, Profile.model_validate(settings))

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def messages(self, entry: Entry) -> list[Message]:
        """What the run says of itself."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return register.messages(session, entry.id)

    def status(self, kind: str, source_id: int, storefront: int = 0) -> tuple[str, str | None, str | None]:
        """(outcome, code, message) of an item."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            row = session.execute(
                text(
                    "SELECT outcome, code, message FROM item_status WHERE kind = :kind AND source_id = :id"
                    " AND storefront_id = :at"
                ),
                {"kind": kind, "id": source_id, "at": storefront},
            ).one()
            return row[0], row[1], row[2]

    @property
    def holds(self) -> dict[str, Any]:
        """All that the store holds."""
        return self.stage.stores.snapshot(self.cast.store_hash)

    def product(self, name: str) -> dict[str, Any]:
        """The store's product of this name."""
        return next(row for row in self.holds["products"] if row["name"] == name)

    def category(self, name: str) -> dict[str, Any]:
        """The store's category of this name."""
        return next(row for row in self.holds["categories"] if row["name"] == name)

    def variant(self, sku: str) -> dict[str, Any]:
        """The store's variant of this SKU."""
        return next(one for row in self.holds["products"] for one in row["variants"] if one["sku"] == sku)

    def calls(self, pattern: str = "") -> list[str]:
        """The calls since the last look that match, as 'METHOD /path', in order."""
        log = self.stage.stores.store(self.cast.store_hash).log
        made = [f"{one.method} {one.path}" for one in log.entries]
        log.clear()
        return [one for one in made if re.search(pattern, one)]
