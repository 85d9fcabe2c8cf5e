"""How an item is written as a row of the answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.saleslayer.catalogue import Catalogue
from sandbox.saleslayer.selection import Selected
from sandbox.saleslayer.tables import CATEGORIES, PARENT_COLUMN, PRODUCTS, Item, Row, Table

UNCHANGED = ["U"]  # API facts §6: keep the images that you have
GHOST_ID = 900_000_001


@dataclass(frozen=True, slots=True)
class Manner:
    """What a call and the switches say about the writing of rows."""

    since: int | None
    grouped: bool
    references: bool
    unchanged_images: bool
    empty_categories: bool
    ghosts: int


def write(catalogue: Catalogue, table: Table, selected: Selected, manner: Manner) -> Iterator[Row]:
    """The rows of one table: first what is gone, then what is there."""
    yield from (["D", one] for one in selected.gone)
    if manner.since is not None:
        # Changes of items that the connector never exported are sent too (API facts §7.6).
        yield from (["D", GHOST_ID + number] for number in range(manner.ghosts))
    for item in selected.modified:
        yield from _rows_of(catalogue, table, item, manner)


def _rows_of(catalogue: Catalogue, table: Table, item: Item, manner: Manner) -> Iterator[Row]:
    """One row, or one for each category where a product's categories are not grouped (API facts §2.2)."""
    row = _with_media(table, item, manner) if table.media else item.row
    if table.name != PRODUCTS or PARENT_COLUMN[PRODUCTS] not in table.columns:
        yield row
        return
    position = table.position(PARENT_COLUMN[PRODUCTS])
    categories = [one for one in table.parents(item) if not catalogue.is_excluded(CATEGORIES, one)]
    cells: list[Any] = [categories] if manner.grouped else list(categories) or [""]
    for cell in cells:
        yield row if row[position : position + 1] == [cell] else [*row[:position], cell, *row[position + 1 :]]


def _with_media(table: Table, item: Item, manner: Manner) -> Row:
    """The row with `U` in place of images that did not change, and with file references if they are wanted."""
    row = item.row
    for column in table.media:
        position = table.position(column)
        if position >= len(row):
            continue
        if manner.unchanged_images and manner.since is not None and _media_date(item, column, manner) < manner.since:
            cell: Any = UNCHANGED
        elif manner.references and row[position]:
            cell = [_with_reference(entry) for entry in row[position]]
        else:
            continue
        row = [*row[:position], cell, *row[position + 1 :]]
    return row


def _media_date(item: Item, column: str, manner: Manner) -> int:
    """Since when the client should know the images: a row that appears brings all of them."""
    appeared = item.appeared_at if manner.empty_categories else max(item.appeared_at, item.occupied_since)
    return max(appeared, item.media_changed_at.get(column, 0))


def _with_reference(entry: Row) -> Row:
    """The entry with its file's name as id; what a real reference looks like is not documented (API facts §6)."""
    return [entry[0], str(entry[2]).rpartition("/")[2], *entry[2:]] if len(entry) > 2 else entry
