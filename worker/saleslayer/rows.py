"""The rows of a source table: each is known by its hash, and read only where somebody looks into it.

| cell of a media column              | becomes                                                          |
| ----------------------------------- | ---------------------------------------------------------------- |
| `["U", ...]`                        | nothing: the column is named in `unchanged_cells`                |
| `[["M", id, url, url], ...]`        | `[[id, url], ...]`, with ORG, else the largest size that has one |
| an entry marked `D`, or without url | left out                                                         |
| `[]`, `""`, null                    | `[]`                                                             |

To read a row takes three times as long as to hash it, and nearly all rows of a refresh are known already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog import fingerprint
from worker.catalog.columns import CATEGORIES, Column, Row
from worker.catalog.fields import TABLES
from worker.errors import SourceUnreadable

FIXED = ("STATUS", "ID")
PARENT = {ItemKind.CATEGORY: "ID_PARENT", ItemKind.VARIANT: "ID_products"}
MEDIA = frozenset({"image", "file"})
ORIGINAL = "ORG"
_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,19}\s*")


class RawTable:
    """The rows of one table under its columns."""

    def __init__(self, kind: ItemKind, columns: tuple[Column, ...]) -> None:
        self.kind = kind
        self.names = (*FIXED, *(column.name for column in columns))
        self.columns = columns
        self.places = {column.name: place for place, column in enumerate(columns)}
        parent = PARENT.get(kind)
        self._parent = columns[self.places[parent]] if parent in self.places else None
        self._categories = columns[self.places[CATEGORIES]] if CATEGORIES in self.places else None
        self._media = [column for column in columns if is_media(column)]
        self._translated = [
            column for column in columns if column.translations and column.name != CATEGORIES and not is_media(column)
        ]
        self._hash = fingerprint.of_rows(self.names)

    def row(self, raw: Any, number: int) -> Row:
        """The row with this number, its cells unread; SourceUnreadable where it cannot be told whose it is."""
        if not isinstance(raw, list) or len(raw) < len(FIXED):
            raise SourceUnreadable(f"{self.where(number)} is not a list that begins with STATUS and ID.")
        if len(raw) > len(self.names):
            raise SourceUnreadable(f"{self.where(number)} has {len(raw)} cells for {len(self.names)} columns.")
        source_id = whole(raw[1])
        if source_id is None:
            raise SourceUnreadable(f"{self.where(number)} has an ID that is not a whole number.")
        if raw[0] == "D":
            return Row(self.kind, source_id, gone=True, raw_hash=self._hash(raw))
        cells = Cells(self, raw, number)
        # A value that is only called otherwise now leaves the raw row as it was; its text is hashed too.
        called = [
            told
            for column in self._translated
            if (told := _translated(cell := cells.raw(column), column.translations)) != cell
        ]
        parents = cells.ids(self._parent) if self._parent else ()
        return Row(
            self.kind,
            source_id,
            gone=False,
            raw_hash=self._hash([*raw, *called] if called else raw),
            parent_id=parents[0] if parents else None,
            cells=cells,
            unchanged_cells=tuple([column.name for column in self._media if _is_unchanged(cells.raw(column))]),
            may_be_a_part=self._may_be_a_part(cells),
        )

    def _may_be_a_part(self, cells: Cells) -> bool:
        if self._categories is None:
            return False
        told = cells.raw(self._categories)
        return not isinstance(told, list | dict) and len(cells.ids(self._categories)) == 1

    def where(self, number: int) -> str:
        """The row with this number, as it is called where something is wrong with it."""
        return f"Row {number} of the table {TABLES[self.kind]}"


class Cells(Mapping[str, Any]):
    """Column name -> JSON cell of one row, read when it is asked for; SourceUnreadable where it makes no sense."""

    __slots__ = ("_number", "_raw", "_table")

    def __init__(self, table: RawTable, raw: Sequence[Any], number: int) -> None:
        self._table = table
        self._raw = raw
        self._number = number

    def raw(self, column: Column) -> Any:
        """The cell as it came, or what a short row leaves out."""
        place = self._table.places[column.name] + len(FIXED)
        return self._raw[place] if place < len(self._raw) else _missing(column)

    def __getitem__(self, name: str) -> Any:
        column = self._table.columns[self._table.places[name]]
        cell = self.raw(column)
        if name == CATEGORIES:
            return self.ids(column)
        if not is_media(column):
            return _translated(cell, column.translations)
        if _is_unchanged(cell):
            raise KeyError(name)
        return media(cell, column, self._table.where(self._number))

    def ids(self, column: Column) -> list[int]:
        """The ids of a joining cell: one, a list, or a text that is divided by commas or line breaks; 0 is none."""
        cell = self.raw(column)
        if type(cell) is int and 0 < cell < 2**63:  # as the source tells nearly all of them
            return [cell]
        parts = re.split(r"[,\s]+", cell) if isinstance(cell, str) else listed(cell) or [cell]
        found = [0 if part in (None, "", []) else whole(part) for part in parts]
        if None in found:
            where = self._table.where(self._number)
            raise SourceUnreadable(f"{where} has an id in the column {column.name} that is not a whole number.")
        return [one for one in dict.fromkeys(found) if one]

    def __iter__(self) -> Iterator[str]:
        return (
            column.name for column in self._table.columns if not (is_media(column) and _is_unchanged(self.raw(column)))
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Cells({dict(self)!r})"


def is_media(column: Column) -> bool:
    """Whether the column's cells are lists of files."""
    return column.name != CATEGORIES and bool(column.sizes or column.type in MEDIA)


def _is_unchanged(cell: Any) -> bool:
    return isinstance(cell, list) and cell[:1] == ["U"]


def _missing(column: Column) -> str | None:
    """What a cell holds that a short row leaves out (API facts §5)."""
    return None if column.name == "REF" or column.name.startswith("ID_") else ""


def media(cell: Any, column: Column, where: str) -> list[list[str]]:
    """The entries of a media cell as [id, url], in the source's order."""
    entries = [listed(entry) for entry in listed(cell)]
    if (cell and not entries) or [] in entries:
        raise SourceUnreadable(f"{where} has a cell in the column {column.name} that is not a list of files.")
    picked = ((entry[1], _best_url(entry[2:], column)) for entry in entries if entry[0] != "D" and len(entry) > 2)
    return [[str(file_id), url] for file_id, url in picked if url]


def _best_url(urls: list[Any], column: Column) -> str:
    """The original's URL, else that of the largest size that has one."""
    sizes = column.sizes + (("", 0),) * (len(urls) - len(column.sizes))
    ranked = sorted(zip(sizes, urls, strict=False), key=lambda sized: (sized[0][0] != ORIGINAL, -sized[0][1]))
    return next((str(url) for _, url in ranked if url), "")


def _translated(cell: Any, called: Mapping[str, str]) -> Any:
    if not called or cell is None:
        return cell
    if isinstance(cell, list):
        return [_translated(value, called) for value in cell]
    return called.get(str(cell), cell)


def listed(told: Any) -> list[Any]:
    """A list, which PHP writes as an object where it has gaps; empty where it is neither."""
    return told if isinstance(told, list) else list(told.values()) if isinstance(told, dict) else []


def whole(told: Any) -> int | None:
    """A whole number that is one, or a text of one, and that the database can hold."""
    if isinstance(told, str) and _WHOLE_NUMBER.fullmatch(told):
        told = int(told)
    return told if isinstance(told, int) and not isinstance(told, bool) and abs(told) < 2**63 else None
