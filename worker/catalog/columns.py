"""The shape in which the source's rows come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog import fingerprint

CATEGORIES = "ID_catalogue"
"""The column that says in which categories a product stands."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source table; `base` is its name without the language."""

    name: str
    base: str
    type: str
    language: str | None = None
    label: str = ""
    sizes: tuple[tuple[str, int], ...] = ()
    """A media column's sizes and their areas, in the order in which an entry of its cells holds their URLs."""
    translations: Mapping[str, str] = field(default_factory=dict, hash=False)
    """List value -> what it is called in the column's language; a value that is not here is called as it is."""

    def to_json(self) -> list[Any]:
        """The column as it is kept with the mirror; the last two only where they hold anything."""
        told: list[Any] = [self.name, self.base, self.type, self.language, self.label]
        if self.sizes or self.translations:
            told += [[list(size) for size in self.sizes], dict(self.translations)]
        return told

    @staticmethod
    def from_json(kept: Sequence[Any]) -> Column:
        """The column that `to_json` kept."""
        name, base, kind, language, label, *rest = kept
        sizes, translations = rest or ((), {})
        return Column(name, base, kind, language, label, tuple((code, area) for code, area in sizes), translations)


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns by item kind, and the languages that the source exports."""

    of: Mapping[ItemKind, tuple[Column, ...]] = field(default_factory=dict)
    default_language: str | None = None
    languages: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The columns as they are kept with the mirror."""
        return {
            "default_language": self.default_language,
            "languages": list(self.languages),
            "of": {kind.value: [column.to_json() for column in columns] for kind, columns in self.of.items()},
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Columns:
        """The columns that `to_json` kept."""
        return Columns(
            of={ItemKind(kind): tuple(map(Column.from_json, columns)) for kind, columns in kept["of"].items()},
            default_language=kept["default_language"],
            languages=tuple(kept["languages"]),
        )

    def merged_with(self, newer: Columns) -> Columns:
        """These columns, with those that a newer answer tells anew."""
        of = dict(self.of)
        for kind, columns in newer.of.items():
            known = {column.name: column for column in of.get(kind, ())}
            of[kind] = tuple((known | {column.name: column for column in columns}).values())
        return Columns(of, newer.default_language or self.default_language, newer.languages or self.languages)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a page: an item as the source tells it, or that it is gone.

    `cells` is column name -> JSON cell, without STATUS and ID; a picture column holds a list of
    [picture id, url], in the source's order. A picture cell that is marked unchanged (`U`) is left out
    of `cells`. `raw_hash` tells an unchanged row without reading it.
    """

    kind: ItemKind
    source_id: int
    gone: bool
    raw_hash: str
    parent_id: int | None = None
    cells: Mapping[str, Any] = field(default_factory=dict)
    unchanged_cells: tuple[str, ...] = ()
    """The columns whose cell was marked `U`: the mirror's value stands."""
    may_be_a_part: bool = False
    """A product told under one category: where the source does not group them, another row adds the next (§7.9)."""

    def united_with(self, later: Row) -> Row:
        """Two rows of one item as one: categories are added up, what is there outweighs what is gone."""
        if self.gone or later.gone:
            return self if later.gone else later
        if self.raw_hash == later.raw_hash or not (CATEGORIES in self.cells and CATEGORIES in later.cells):
            return later
        categories = list(dict.fromkeys([*self.cells[CATEGORIES], *later.cells[CATEGORIES]]))
        raw_hash = fingerprint.of_row([self.raw_hash], [later.raw_hash])
        return replace(later, cells={**later.cells, CATEGORIES: categories}, raw_hash=raw_hash)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the source's answer."""

    is_refresh: bool
    """True: the answer carries everything, what it does not name is gone. False: changes only."""
    time: int
    """Unix seconds; that of the first page is the next cursor."""
    company_id: int | None
    columns: Columns
    rows: tuple[Row, ...]
    next_url: str | None
    media_pending: int = 0
    """How many pictures the source is still processing (`waiting`)."""
