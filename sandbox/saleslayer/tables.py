"""The tables of a catalogue and the items in them."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.saleslayer.trouble import NoSuchThing, NotAcceptable

CATEGORIES, PRODUCTS, VARIANTS = "catalogue", "products", "product_formats"
STANDARD = (CATEGORIES, PRODUCTS, VARIANTS)  # the order of pages, API facts §8
PARENT_COLUMN = {CATEGORIES: "ID_PARENT", PRODUCTS: "ID_catalogue", VARIANTS: "ID_products"}
FIXED_COLUMNS = ("STATUS", "ID")
Row = list[Any]


@dataclass(slots=True)
class Item:
    """One category, product, variant or row of another table, with the dates of what happened to it."""

    id: int
    row: Row  # replaced, never changed in place: open reads hold it
    modified_at: int
    appeared_at: int  # since when it is exported
    left_at: int | None = None  # since when it is not
    shown: bool = True  # its own status passes the connector's filter
    deleted: bool = False
    exported: bool = True  # shown, and not excluded by what stands above it
    occupied: bool = True  # categories: a product stands in it or below it
    occupied_since: int = 0  # categories: when that last turned
    media_changed_at: dict[str, int] = field(default_factory=dict)


class Table:
    """The rows of one table under the columns that its `data_schema` lists."""

    def __init__(self, name: str, schema: list[Any], rows: list[Row], *, at: int) -> None:
        self.name = name
        self.schema = schema
        self.columns = [column if isinstance(column, str) else next(iter(column)) for column in schema]
        # A column with sizes or extensions holds images or files (API facts §5).
        self.media = [column for column, wire in zip(self.columns, schema, strict=True) if not isinstance(wire, str)]
        self._position = {column: position for position, column in enumerate(self.columns)}
        if tuple(self.columns[:2]) != FIXED_COLUMNS:
            msg = f"the columns of {name} must begin with STATUS and ID"
            raise NotAcceptable(msg)
        self.items = {row[1]: Item(row[1], ["M", *row[1:]], at, at) for row in rows if row[0] != "D"}

    def position(self, column: str) -> int:
        """Where the column stands in a row."""
        if column not in self._position:
            msg = f"{self.name} has no column {column}"
            raise NotAcceptable(msg)
        return self._position[column]

    def cell(self, item: Item, column: str) -> Any:
        """The item's value; rows may be shorter than the schema (API facts §5)."""
        position = self._position.get(column, len(item.row))
        return item.row[position] if position < len(item.row) else None

    def parents(self, item: Item) -> list[int]:
        """The ids that the item names as its parents, whether they are known or not."""
        return ids_in(self.cell(item, PARENT_COLUMN.get(self.name, "")))

    def row_with(self, row: Row, changes: dict[str, Any]) -> Row:
        """A copy of the row with other values in the named columns."""
        if set(changes) & set(FIXED_COLUMNS):
            msg = "STATUS and ID are not edited: use hide, show and delete"
            raise NotAcceptable(msg)
        positions = {self.position(column): value for column, value in changes.items()}
        longest = max([len(row), *(position + 1 for position in positions)])
        padded = [*row, *([""] * (longest - len(row)))]
        for position, value in positions.items():
            padded[position] = value
        return padded

    def find(self, item_id: int) -> Item:
        """The item, which may be hidden but not deleted."""
        item = self.items.get(item_id)
        if item is None or item.deleted:
            msg = f"{self.name} has no item {item_id}"
            raise NoSuchThing(msg)
        return item


def ids_in(cell: Any) -> list[int]:
    """The ids in a relation cell, which holds one id or a list of them (API facts §5); 0 stands for none."""
    several = cell if isinstance(cell, list) else [cell]
    return [int(one) for one in several if one not in {None, "", 0, "0"}]
