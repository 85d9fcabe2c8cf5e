"""Which source column is which field.

| column                                            | becomes                                    |
| ------------------------------------------------- | ------------------------------------------ |
| named in the profile's mapping                    | that field                                 |
| named like a field, with or without table prefix  | that field (`product_price`, `price`)      |
| `REF`, where nothing else is the SKU              | the SKU                                    |
| any other, of products                            | a custom field                             |
| any other, of variants                            | an option                                  |
| any other, of categories; other languages; files  | nothing                                    |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.vocabulary import ItemKind
from worker.catalog.columns import Column, Columns
from worker.catalog.fields import FIELDS, PREFIXES, Field
from worker.catalog.profile import Profile
from worker.rules import fitting

JOINS = frozenset({"ID_PARENT", "ID_catalogue", "ID_products"})
"""Columns that say where an item hangs, read apart."""
_NEVER_EXTRA = fitting.MEDIA | fitting.KEYS


@dataclass(frozen=True, slots=True)
class Mapped:
    """One item kind's mapping: field -> column, and the columns that become custom fields or options."""

    fields: Mapping[str, str]
    extras: tuple[tuple[str, str], ...] = ()
    """(column, the name shown in the store)"""


def settle(profile: Profile, columns: Columns) -> tuple[dict[ItemKind, Mapped], list[str]]:
    """The mapping of every kind, and all that is wrong with it, each fault as a sentence."""
    faults: list[str] = []
    language, fault = _language(profile, columns)
    faults += fault
    settled = {}
    for kind in ItemKind:
        shown = [c for c in columns.of.get(kind, ()) if c.language in (None, language)]
        fields, wrong = _fields(kind, profile.mapping.of(kind), shown)
        faults += wrong
        extras, wrong = _extras(kind, profile, shown, set(fields.values()))
        faults += wrong
        settled[kind] = Mapped(fields, extras)
    return settled, faults


def _language(profile: Profile, columns: Columns) -> tuple[str | None, list[str]]:
    # A default that is forced is exported without standing among the languages (SL API facts §4).
    exported = {*columns.languages, *(column.language for kind in columns.of.values() for column in kind)}
    if profile.language and columns.languages and profile.language not in exported:
        known = ", ".join(columns.languages)
        return None, [f"the source exports no language '{profile.language}'; it exports {known}"]
    if profile.language:
        return profile.language, []
    # The SDK's rule: the default language where it is exported, else the first (SL API facts §6).
    if columns.default_language in exported or not columns.languages:
        return columns.default_language, []
    return columns.languages[0], []


def _fields(kind: ItemKind, wished: Mapping[str, str], columns: Sequence[Column]) -> tuple[dict[str, str], list[str]]:
    by_name = {c.base: c for c in columns} | {c.name: c for c in columns}
    fields: dict[str, str] = {}
    faults = []
    for name, wish in wished.items():
        column = by_name.get(wish)
        if column is None:
            faults.append(f"{kind}.{name} is mapped to '{wish}', which the source does not export")
        elif fault := fitting.misfit(FIELDS[kind][name], column):
            faults.append(f"{kind}.{name} is mapped to '{wish}', which {fault}")
        else:
            fields[name] = column.name
    taken = set(fields.values())
    for field in FIELDS[kind].values():
        found = None if field.name in wished else _named_like(field, kind, columns, taken)
        if found:
            fields[field.name] = found.name
            taken.add(found.name)
    return fields, faults


def _named_like(field: Field, kind: ItemKind, columns: Sequence[Column], taken: set[str]) -> Column | None:
    bare: dict[str, Column] = {}
    for column in columns:
        if column.name not in taken and column.name not in JOINS and not fitting.misfit(field, column):
            bare.setdefault(_without_prefix(column.base, kind), column)
    for name in (field.name, *field.aliases):
        if name in bare:
            return bare[name]
    return None


def _without_prefix(base: str, kind: ItemKind) -> str:
    lowered = base.casefold()
    for prefix in PREFIXES[kind]:
        if lowered.startswith(prefix):
            return lowered.removeprefix(prefix)
    return lowered


def _extras(
    kind: ItemKind, profile: Profile, columns: Sequence[Column], taken: set[str]
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    chosen = {ItemKind.PRODUCT: profile.custom_fields, ItemKind.VARIANT: profile.options}
    if kind not in chosen:
        return (), []
    free = [c for c in columns if c.name not in taken and c.name not in JOINS and c.name != "REF"]
    wish = chosen[kind]
    if wish is None:
        return tuple((c.name, c.base) for c in free if c.type not in _NEVER_EXTRA), []
    by_name = {c.base: c for c in columns} | {c.name: c for c in columns}
    what = "custom field" if kind is ItemKind.PRODUCT else "option"
    faults = [fault for name in wish if (fault := _unfit(what, name, by_name.get(name)))]
    # A column may be named twice, with and without its language.
    return tuple(dict.fromkeys((by_name[name].name, by_name[name].base) for name in wish if name in by_name)), faults


def _unfit(what: str, name: str, column: Column | None) -> str | None:
    if column is None:
        return f"the {what} '{name}' is not exported by the source"
    return f"the {what} '{name}' holds {column.type}s" if column.type in fitting.MEDIA else None
