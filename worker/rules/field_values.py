"""An item's values by field: as the source says them, as a change sends them, as the store holds them.

All three have the same shape: our own field names, and beside them what hangs on an item (pictures by their address,
custom fields, bulk pricing rules, categories, options, metafields). What nobody says is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog import bulk_pricing
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    PutMetafields,
    RebuildVariants,
    RelabelOptions,
    RelateProducts,
    SetStock,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.changes import key as key_of
from worker.catalog.fields import FIELDS, Group
from worker.catalog.items import Category, Item, Key, Metafield, Option, Product, Variant

Values = dict[str, Any]
"""Field -> its value, as JSON."""

PARTS = {
    "images": Group.IMAGES,
    "custom_fields": Group.CUSTOM_FIELDS,
    "bulk_rules": Group.BULK_PRICING,
    "videos": Group.VIDEOS,
    "related_products": Group.RELATED,
    "metafields": Group.METAFIELDS,
    "categories": Group.CATEGORIES,
    "options": Group.OPTIONS,
}
"""What hangs on an item -> its group."""
_LATER = frozenset({Group.RELATED, Group.METAFIELDS})
"""What is never sent with the item itself, but by a change of its own."""


def of_item(item: Item) -> Values:
    """What the source says, or what is sent, of the item; parts that it has none of are left out."""
    return {name: value for name, value in _all_of(item).items() if name not in PARTS or value}


def _all_of(item: Item) -> Values:
    found: Values = {name: value for name, value in item.fields.items() if name not in PARTS}
    if item.pictured:
        found["images"] = [one.url for one in item.images]
    match item:
        case Category():
            pass
        case Product():
            found["custom_fields"] = [list(pair) for pair in item.custom_fields]
            found["bulk_rules"] = [[one.minimum, one.maximum, one.type, one.amount] for one in item.bulk_rules]
            found["videos"] = list(item.videos or ())
            found["related_products"] = list(item.related or ())
            found["metafields"] = _metafields(item.metafields)
            found["categories"] = sorted(item.category_ids)
        case Variant():
            found["options"] = sorted([one.option, one.label] for one in item.options)
            found["metafields"] = _metafields(item.metafields)
    return found


def sent_by(change: Change) -> dict[Key, Values]:
    """What the change sends, of each item that it is about; to be merged with what was sent before."""
    at = key_of(change)
    match change:
        case CreateCategory():
            return {at: _created(change.category)}
        case UpdateCategory():
            return {at: _of_groups(change.category, change.groups)}
        case CreateProduct():
            own = _created(change.product) | _placed(change.places) | _shown(change.options)
            variants = {Key(ItemKind.VARIANT, one.source_id): _created(one) for one in change.variants}
            return {at: own, **variants}
        case UpdateProduct():
            places = _placed(change.places) if Group.CATEGORIES in change.groups else {}
            return {at: _of_groups(change.product, change.groups) | places}
        case CreateVariant():
            return {at: _created(change.variant)}
        case UpdateVariant():
            return {at: _of_groups(change.variant, change.groups)}
        case RebuildVariants():
            held = {Group.STOCK} if not change.sends_stock else set[Group]()
            held |= {Group.PRICE} if not change.sends_prices else set()
            return {Key(ItemKind.VARIANT, one.source_id): _created(one, without=held) for one in change.variants}
        case RelabelOptions():
            # Which of its variants had which label stands nowhere: what was sent of them is not known any more.
            return {Key(ItemKind.VARIANT, one): {"options": None} for one in change.fingerprints}
        case Disable():
            return {at: {"enabled" if change.kind is ItemKind.VARIANT else "is_visible": False}}
        case SetStock():
            return {at: {"inventory_level": change.quantity}}
        case RelateProducts():
            return {at: {"related_products": list(change.references)}}
        case PutMetafields():
            return {at: {"metafields": _metafields(change.metafields)}}
        case AssignStorefronts():
            return {at: {"storefronts": list(change.storefronts)}}
        case _:
            return {}


def in_store(kind: ItemKind, fields: Mapping[str, Any]) -> Values:
    """What the store holds of an item, as `bigcommerce/decode.py` keeps it; categories are those of the store."""
    found = {name: fields[name] for name in FIELDS[kind] if name in fields and name not in PARTS}
    found["images"] = [one[1] for one in fields.get("images") or ()]
    match kind:
        case ItemKind.CATEGORY:
            pass
        case ItemKind.PRODUCT:
            rules = (bulk_pricing.from_row(one)[1] for one in fields.get("bulk_rules") or ())
            found["custom_fields"] = [[one[0], one[1]] for one in fields.get("custom_fields") or ()]
            found["bulk_rules"] = [[one.minimum, one.maximum, one.type, one.amount] for one in rules]
            found["videos"] = [one[0] for one in fields.get("videos") or ()]
            found["related_products"] = [str(one) for one in fields.get("related_products") or ()]
            found["categories"] = sorted(fields.get("categories") or ())
            found["options"] = [[name, list(one["values"])] for name, one in (fields.get("options") or {}).items()]
        case ItemKind.VARIANT:
            found["options"] = [list(one) for one in fields.get("option_values") or ()]
    return {name: value for name, value in found.items() if value not in (None, [])}


def _created(item: Item, *, without: Iterable[Group] = ()) -> Values:
    held = {*_LATER, *without}
    return {name: value for name, value in of_item(item).items() if _group(item, name) not in held}


def _of_groups(item: Item, groups: Iterable[str]) -> Values:
    sent = set(groups) - _LATER
    return {name: value for name, value in _all_of(item).items() if _group(item, name) in sent}


def _group(item: Item, name: str) -> Group:
    return PARTS[name] if name in PARTS else FIELDS[_KIND[type(item)]][name].group


_KIND = {Category: ItemKind.CATEGORY, Product: ItemKind.PRODUCT, Variant: ItemKind.VARIANT}


def _placed(places: Iterable[tuple[int, int]]) -> Values:
    return {"categories": sorted({category for _, category in places})}


def _shown(options: Iterable[Option]) -> Values:
    found = [[one.name, [label for label, _ in one.values]] for one in options]
    return {"options": found} if found else {}


def _metafields(metafields: Iterable[Metafield]) -> list[list[str]]:
    return sorted([one.namespace, one.key, one.value] for one in metafields)
