"""The catalogue behind one connector, and what of it is exported.

| item     | is exported when its own status passes the filter and ...                              |
| -------- | -------------------------------------------------------------------------------------- |
| category | (nothing else: a child may be exported without its parent, API facts §5)               |
| product  | one of the categories that it names is exported, or it names none that is known        |
| variant  | its product is exported, or is not known at all (an orphan)                            |

The cascade category > product > variant is API facts §1. An item that stops being exported is dated, so that updates
can say `D`; one that starts again is dated too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from sandbox.saleslayer.tables import CATEGORIES, PARENT_COLUMN, PRODUCTS, STANDARD, VARIANTS, Item, Table
from sandbox.saleslayer.trouble import NoSuchThing, NotAcceptable

PARENT_TABLE = {PRODUCTS: CATEGORIES, VARIANTS: PRODUCTS}
CHILD_TABLE = {CATEGORIES: PRODUCTS, PRODUCTS: VARIANTS}


class Catalogue:
    """Tables whose items can be edited, hidden, shown, deleted and added, each at a given date."""

    def __init__(self, content: Mapping[str, Any], *, at: int) -> None:
        missing = {"schema", "data_schema", "data"} - set(content)
        if missing:
            msg = f"the catalogue lacks {', '.join(sorted(missing))}"
            raise NotAcceptable(msg)
        self.schema: dict[str, Any] = content["schema"]
        self.info: dict[str, dict[str, Any]] = deepcopy(content.get("data_schema_info", {}))
        columns: dict[str, list[Any]] = content["data_schema"]
        rows: dict[str, list[Any]] = content["data"]
        names = [name for name in STANDARD if name in columns] + [name for name in columns if name not in STANDARD]
        self.tables = {name: Table(name, columns[name], rows.get(name, []), at=at) for name in names}
        self._cascade = True
        self._children: dict[tuple[str, int], set[int]] = defaultdict(set)
        for table in self.tables.values():
            for item in table.items.values():
                self._index(table, item)
        self._recount(at)

    def table(self, name: str) -> Table:
        """The table of that name."""
        if name not in self.tables:
            msg = f"there is no table {name}"
            raise NoSuchThing(msg)
        return self.tables[name]

    def children(self, name: str, item_id: int) -> Iterator[Item]:
        """The products in a category, or the variants of a product."""
        child = self.tables.get(CHILD_TABLE.get(name, ""))
        if child is not None:
            yield from (child.items[one] for one in sorted(self._children[child.name, item_id]))

    def is_excluded(self, name: str, item_id: int) -> bool:
        """True when the item is known and not exported."""
        item = self.tables[name].items.get(item_id) if name in self.tables else None
        return self._cascade and item is not None and not item.exported

    def set_cascade(self, *, cascade: bool, at: int) -> None:
        """Lets the filters cascade, or not, and judges every item anew."""
        if cascade == self._cascade:
            return
        self._cascade = cascade
        for table in self.tables.values():
            for item in table.items.values():
                self._settle(table, item, at)
        self._recount(at)

    def edit(self, name: str, item_id: int, changes: dict[str, Any], *, at: int) -> None:
        """Changes values; images that really change are no longer answered with `U`."""
        table = self.table(name)
        item = table.find(item_id)
        row = table.row_with(item.row, changes)
        item.media_changed_at |= {
            column: at for column in table.media if column in changes and changes[column] != table.cell(item, column)
        }
        self._unindex(table, item)
        item.row, item.modified_at = row, at
        self._index(table, item)
        if PARENT_COLUMN.get(name) in changes:
            self._settle(table, item, at)
            self._recount(at)

    def add(self, name: str, values: dict[str, Any], *, at: int) -> int:
        """A new item, under the `ID` in the values or the next free one."""
        table = self.table(name)
        item_id = _as_id(values.get("ID") or max(table.items, default=0) + 1)
        known = table.items.get(item_id)
        if known is not None and not known.deleted:
            msg = f"{name} has an item {item_id} already"
            raise NotAcceptable(msg)
        blank = ["M", item_id, *([""] * (len(table.columns) - 2))]
        row = table.row_with(blank, {column: value for column, value in values.items() if column != "ID"})
        item = table.items[item_id] = Item(item_id, row, at, at, exported=False, occupied=False, occupied_since=at)
        self._index(table, item)
        self._settle(table, item, at)
        self._recount(at)
        return item_id

    def set_shown(self, name: str, item_id: int, *, shown: bool, at: int) -> None:
        """Makes the item pass the connector's status filter, or not."""
        table = self.table(name)
        item = table.find(item_id)
        item.shown = shown
        self._settle(table, item, at)
        self._recount(at)

    def delete(self, name: str, item_id: int, *, at: int) -> None:
        """Removes the item; only its id is remembered, for `D` rows."""
        table = self.table(name)
        item = table.find(item_id)
        item.deleted = True
        self._settle(table, item, at)
        item.left_at = at
        self._recount(at)

    def _index(self, table: Table, item: Item) -> None:
        if table.name in PARENT_TABLE:
            for parent in table.parents(item):
                self._children[table.name, parent].add(item.id)

    def _unindex(self, table: Table, item: Item) -> None:
        if table.name in PARENT_TABLE:
            for parent in table.parents(item):
                self._children[table.name, parent].discard(item.id)

    def _may_be_exported(self, table: Table, item: Item) -> bool:
        if item.deleted or not item.shown:
            return False
        above = self.tables.get(PARENT_TABLE.get(table.name, ""))
        if not self._cascade or above is None:
            return True
        known = [above.items[one] for one in table.parents(item) if one in above.items]
        return not known or any(parent.exported for parent in known)

    def _settle(self, table: Table, item: Item, at: int) -> None:
        """Follows a change of status down the cascade."""
        exported = self._may_be_exported(table, item)
        if exported == item.exported:
            return
        item.exported = exported
        if exported:
            item.modified_at = item.appeared_at = at
            item.left_at = None
        else:
            item.left_at = at
        child_table = self.tables.get(CHILD_TABLE.get(table.name, ""))
        for child in self.children(table.name, item.id):
            assert child_table is not None
            child.modified_at = at  # its row names other categories now (API facts §7.7, §10.3)
            self._settle(child_table, child, at)

    def _recount(self, at: int) -> None:
        """Dates the categories that became empty or ceased to be; judged after the status filter (API facts §1)."""
        if not {CATEGORIES, PRODUCTS} <= set(self.tables):
            return
        categories, products = self.tables[CATEGORIES], self.tables[PRODUCTS]
        occupied: set[int] = set()
        for product in products.items.values():
            if product.exported:
                self._climb(categories, products.parents(product), occupied)
        for category in categories.items.values():
            if category.occupied != (category.id in occupied):
                category.occupied = not category.occupied
                category.occupied_since = at

    def upper_tree(self, below: list[int]) -> set[int]:
        """The given categories and all that stand above them."""
        found: set[int] = set()
        self._climb(self.tables[CATEGORIES], below, found)
        return found

    @staticmethod
    def _climb(categories: Table, below: list[int], found: set[int]) -> None:
        """Adds the given categories and their ancestors; what is there already ends the way up, circles too."""
        for one in below:
            if one in found or one not in categories.items:
                continue
            found.add(one)
            Catalogue._climb(categories, categories.parents(categories.items[one]), found)


def _as_id(given: Any) -> int:
    if not str(given).isdecimal():
        msg = f"an ID is a whole number, not {given!r}"
        raise NotAcceptable(msg)
    return int(given)
