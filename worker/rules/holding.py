"""What of an item the store holds already, when the two are linked for the first time.

A group whose values coincide is taken as sent: its fingerprint is
remembered and nothing goes out. A picture coincides when the store's file
carries the name of the source's: the store tells no source URL (API facts §3.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from worker.catalog import bulk_pricing, pictures
from worker.catalog.fields import FIELDS, Field, Group, Type
from worker.catalog.fingerprint import of as fingerprint
from worker.catalog.items import Category, Image, Item, Product, Variant
from worker.catalog.store import StoreRow
from worker.catalog.values import Value, brand_id
from worker.rules.bulk_pricing import KEPT


def coinciding(
    item: Item, said: Mapping[str, Any], row: StoreRow, *, category_ids: Iterable[int] = ()
) -> dict[str, str]:
    """Group -> fingerprint, for the groups of `said` in which the store holds what the source says.

    `category_ids`: the store's ids of the categories that a product is to stand in.
    """
    table = FIELDS[row.kind]
    same = {}
    for group, value in said.items():
        match group:
            case Group.IMAGES:
                holds = _same_pictures(item.images, row.fields.get("images") or ())
            case Group.CUSTOM_FIELDS:
                held = {(name, text) for name, text, _ in row.fields.get("custom_fields") or ()}
                holds = isinstance(item, Product) and set(item.custom_fields) <= held
            case Group.BULK_PRICING:
                rules = {bulk_pricing.from_row(one)[1] for one in row.fields.get("bulk_rules") or ()}
                holds = isinstance(item, Product) and set(item.bulk_rules) <= rules
            case Group.VIDEOS:
                watched = {video for video, _ in row.fields.get("videos") or ()}
                holds = isinstance(item, Product) and set(item.videos or ()) <= watched
            case Group.RELATED | Group.METAFIELDS:
                # The first speaks of other items, the store's read tells nothing of the second: their own changes
                # find out.
                holds = not value
            case Group.CATEGORIES:
                holds = isinstance(item, Category) or set(category_ids) <= set(row.fields.get("categories") or ())
            case Group.STOREFRONTS:
                holds = row.fields.get("storefronts") is not None and set(value) <= set(row.fields["storefronts"])
            case Group.OPTIONS:
                holds = isinstance(item, Variant) and _same_options(value, row)
            case _:
                fields = {name: wanted for name, wanted in item.fields.items() if table[name].group == group}
                holds = all(_same(table[name], wanted, row) for name, wanted in fields.items())
        if holds:
            same[str(group)] = fingerprint(value)
    return same


def _same(field: Field, wanted: Value, row: StoreRow) -> bool:
    held = row.fields.get(field.name)
    if field.group is Group.BRAND and (number := brand_id(wanted)) is not None:
        return bool(row.fields.get("brand_id") == number)
    if wanted is None:
        has_no_empty_value = field.blank is None and not field.nullable
        return has_no_empty_value or held in ((None,) if field.nullable else (None, "", "0", 0, []))
    if field.group is Group.URL:
        return isinstance(held, str) and held.strip("/") == str(wanted).strip("/")
    if field.type is Type.NUMBER:
        return _as_kept(wanted) == _as_kept(held or "0")
    return held == wanted


def _as_kept(number: Any) -> Decimal:
    """The number with the decimals that the store keeps (API facts §4)."""
    return Decimal(str(number)).quantize(KEPT, ROUND_HALF_UP)


def _same_pictures(wanted: Sequence[Image], held: Sequence[Sequence[Any]]) -> bool:
    """All are there, in their order and with their descriptions; what else the store holds is not ours."""
    found = pictures.held_by(wanted, held)
    if len(found) < len(wanted):
        return False
    places = [pictures.place_of(found[one.source_id]) or 0 for one in wanted]
    in_order = all(one < other for one, other in pairwise(places))
    return in_order and all(pictures.description_of(found[one.source_id]) == one.description for one in wanted)


def _same_options(wanted: Sequence[Sequence[str]], row: StoreRow) -> bool:
    held = {(name.casefold(), label.casefold()) for name, label in row.fields.get("option_values") or ()}
    return {(name.casefold(), label.casefold()) for name, label in wanted} == held
