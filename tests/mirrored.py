"""One connector's mirror in the hands of a test: pages come, and are taken over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from models.vocabulary import ItemKind
from worker.catalog.columns import Column, Columns, Row
from worker.ledger import mirror, source_items
from worker.ledger.session import Session
from worker.ledger.source_items import SourceRow

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
COLUMNS = Columns({PRODUCT: (Column("product_name_en", "product_name", "string", "en", "Name"),)}, "en", ("en",))


class Source:
    """One connector's mirror, within one transaction."""

    def __init__(self, session: Session, made: Any) -> None:
        self.session, self.tenant_id, self.id = session, made.tenant_id, made.id
        self.pages = 0

    def stage(self, *rows: Row, keys: mirror.Keys | None = None) -> int:
        self.pages += 1
        return self.stage_page(self.pages, *rows, keys=keys)

    def stage_page(self, page: int, *rows: Row, keys: mirror.Keys | None = None) -> int:
        told = keys or {}
        changed = mirror.different(self.session, self.id, rows, told)
        return mirror.stage(self.session, self.tenant_id, self.id, page, rows, changed, told)

    def take_over(self, *, portion: int = 1000) -> int:
        return mirror.take_over(self.session, self.id, portion=portion)

    def finish(self, **told: Any) -> None:
        usual: dict[str, Any] = {
            "last_update": 100,
            "company_id": 7,
            "columns": COLUMNS,
            "refreshed": False,
            "all_due": False,
        }
        mirror.finish_attempt(self.session, self.id, **(usual | told))

    def read(self, *rows: Row, keys: mirror.Keys | None = None, refresh: bool = False) -> int:
        """A whole attempt of one page, settled; how many rows were taken over."""
        mirror.drop_attempt(self.session, self.id)
        self.stage(*rows, keys=keys)
        moved = self.take_over()
        if refresh:
            mirror.mark_missing(self.session, self.id)
        self.finish(refreshed=refresh)
        return moved

    def settle_all(self) -> None:
        self.session.execute(text("UPDATE source_item SET due = false"))

    def row(self, kind: ItemKind, source_id: int) -> SourceRow:
        (found,) = source_items.rows(self.session, self.id, kind, [source_id])
        return found

    def column(self, source_id: int, name: str, kind: ItemKind = PRODUCT) -> Any:
        return self.session.scalar(
            text(f"SELECT {name} FROM source_item WHERE kind = :kind AND source_id = :id"),  # noqa: S608
            {"kind": kind.value, "id": source_id},
        )

    def staged(self) -> list[int]:
        return list(self.session.scalars(text("SELECT source_id FROM source_staged ORDER BY kind, source_id")))

    @property
    def refresh_wanted(self) -> bool:
        return mirror.state(self.session, self.id).refresh_wanted


def a_row(source_id: int, kind: ItemKind = PRODUCT, *, hash_: str = "h1", **told: Any) -> Row:
    """A product row; `cells`, `parent_id`, `gone` and `unchanged_cells` as given."""
    usual: dict[str, Any] = {"gone": False, "raw_hash": hash_}
    return Row(kind, source_id, **(usual | told))


def gone(source_id: int, kind: ItemKind = PRODUCT) -> Row:
    return Row(kind, source_id, gone=True, raw_hash="d")
