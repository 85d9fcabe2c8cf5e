"""Which source column is which field.

| column                                            | becomes                                    |
| ------------------------------------------------- | ------------------------------------------ |
| named in the profile's mapping                    | that field                                 |
| named like a field, with or without table prefix  | that field (`product_price`, `price`)      |
| `REF`, where nothing else is the SKU              | the SKU                                    |
| `bulk_pricing_rule_qty_min_1` and its like        | a cell of that bulk pricing rule           |
| named in the profile's metafields                 | a metafield, beside whatever else it is    |
| any other, of products                            | a custom field                             |
| any other, of variants                            | an option                                  |
| any other, of categories; other languages; files  | nothing                                    |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from models.vocabulary import ItemKind
from worker.catalog import bulk_pricing
from worker.catalog.columns import CATEGORIES, Column, Columns
from worker.catalog.fields import FIELDS, PREFIXES, Field, WhenEmpty
from worker.catalog.profile import MetafieldColumn, Profile
from worker.rules import fitting

JOINS = frozenset({"ID_PARENT", CATEGORIES, "ID_products"})
"""Columns that say where an item hangs, read apart."""
_NEVER_EXTRA = fitting.MEDIA | fitting.KEYS


@dataclass(frozen=True, slots=True)
class Mapped:
    """One item kind's mapping: field -> column, and the columns that become custom fields or options."""

    fields: Mapping[str, str]
    extras: tuple[tuple[str, str], ...] = ()
    """(column, the name shown in the store)"""
    when_empty: Mapping[str, WhenEmpty] = dataclasses.field(default_factory=dict)
    """Field -> what an empty cell does; OVERWRITE where nothing is said."""
    storefronts: Mapping[int, str] = dataclasses.field(default_factory=dict)
    """The store's storefronts, id -> name, by which the storefront field is read."""
    time_zone: tzinfo = UTC
    """The store's clock, by which a date without a time zone is read."""
    bulk_rules: Mapping[int, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    """Number of the bulk pricing rule -> its field -> column."""
    metafields: tuple[tuple[str, MetafieldColumn], ...] = ()
    """(column, what it becomes)"""


def settle(profile: Profile, columns: Columns) -> tuple[dict[ItemKind, Mapped], list[str]]:
    """The mapping of every kind, and all that is wrong with it, each fault as a sentence."""
    faults: list[str] = []
    language, fault = _language(profile, columns)
    faults += fault
    settled = {}
    for kind in ItemKind:
        shown = [c for c in columns.of.get(kind, ()) if c.language in (None, language)]
        wished = profile.mapping.of(kind)
        plain = {name: wish for name, wish in wished.items() if bulk_pricing.numbered(name) is None}
        fields, wrong = _fields(kind, plain, shown)
        faults += wrong
        rules, wrong = _bulk_rules(kind, wished, shown, set(fields.values()))
        faults += wrong
        metafields, wrong = _metafields(kind, profile, shown)
        faults += wrong
        ruling = {column for rule in rules.values() for column in rule.values()}
        noted = {column for column, _ in metafields}
        extras, wrong = _extras(kind, profile, shown, {*fields.values(), *ruling}, noted)
        faults += wrong
        settled[kind] = Mapped(
            fields, extras, _when_empty(kind, profile, fields), bulk_rules=rules, metafields=metafields
        )
    return settled, faults


def _when_empty(kind: ItemKind, profile: Profile, fields: Iterable[str]) -> dict[str, WhenEmpty]:
    """What the profile says of the field, else the field's own rule, else the profile's default."""
    said = profile.empty_values.of(kind)
    default = profile.empty_values.default
    return {name: said.get(name) or FIELDS[kind][name].when_empty or default for name in fields}


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
    for one in FIELDS[kind].values():
        found = None if one.name in wished else _named_like(one, kind, columns, taken)
        if found:
            fields[one.name] = found.name
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


def _bulk_rules(
    kind: ItemKind, wished: Mapping[str, str], columns: Sequence[Column], taken: set[str]
) -> tuple[dict[int, dict[str, str]], list[str]]:
    """The cells of the bulk pricing rules: those that the profile names, else those that are named like one."""
    if kind is not ItemKind.PRODUCT:
        return {}, []
    by_name = {c.base: c for c in columns} | {c.name: c for c in columns}
    found = {
        place: column.name
        for column in columns
        if column.name not in taken and (place := bulk_pricing.numbered(_without_prefix(column.base, kind)))
    }
    faults = []
    for name, wish in wished.items():
        place = bulk_pricing.numbered(name)
        if place is not None and wish not in by_name:
            faults.append(f"{kind}.{name} is mapped to '{wish}', which the source does not export")
        elif place is not None:
            found[place] = by_name[wish].name
    rules: dict[int, dict[str, str]] = {}
    for (number, part), column_name in found.items():
        rules.setdefault(number, {})[part] = column_name
    return rules, faults


def _metafields(
    kind: ItemKind, profile: Profile, columns: Sequence[Column]
) -> tuple[tuple[tuple[str, MetafieldColumn], ...], list[str]]:
    by_name = {c.base: c for c in columns} | {c.name: c for c in columns}
    found = []
    faults = []
    for one in profile.metafields.of(kind):
        column = by_name.get(one.column)
        told = f"the {kind} metafield {one.namespace}.{one.key} is mapped to '{one.column}', which"
        if column is None:
            faults.append(f"{told} the source does not export")
        elif media := fitting.media(column):
            faults.append(f"{told} {media}")
        else:
            found.append((column.name, one))
    return tuple(found), faults


def _extras(
    kind: ItemKind, profile: Profile, columns: Sequence[Column], taken: set[str], noted: set[str]
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    chosen = {ItemKind.PRODUCT: profile.custom_fields, ItemKind.VARIANT: profile.options}
    if kind not in chosen:
        return (), []
    free = [c for c in columns if c.name not in taken and c.name not in JOINS and c.name != "REF"]
    wish = chosen[kind]
    if wish is None:
        # A column that is a metafield is both only where the profile names it for both.
        return tuple((c.name, c.base) for c in free if c.type not in _NEVER_EXTRA and c.name not in noted), []
    by_name = {c.base: c for c in columns} | {c.name: c for c in columns}
    what = "custom field" if kind is ItemKind.PRODUCT else "option"
    faults = [fault for name in wish if (fault := _unfit(what, name, by_name.get(name)))]
    # A column may be named twice, with and without its language.
    return tuple(dict.fromkeys((by_name[name].name, by_name[name].base) for name in wish if name in by_name)), faults


def _unfit(what: str, name: str, column: Column | None) -> str | None:
    if column is None:
        return f"the {what} '{name}' is not exported by the source"
    media = fitting.media(column)
    return f"the {what} '{name}' {media}" if media else None
