"""Which values the store would lose by an update.

| the source says                          | the store holds | is it a blank                       |
| ---------------------------------------- | --------------- | ----------------------------------- |
| nothing, and an empty value is written   | something       | yes                                 |
| nothing, and the field is cleared        | something else  | yes                                 |
| nothing, and the field is left alone     | anything        | no: nothing is written              |
| a value, be it 0 or No                   | anything        | no: somebody said so                |
| no picture, custom field, bulk pricing   | some of ours    | yes                                 |
| rule or video any more                   |                 |                                     |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS, Group, WhenEmpty
from worker.catalog.items import Item, Product
from worker.rules.mapping import Mapped

_NOTHING: tuple[object, ...] = (None, "", "0", 0, [], ())


def of(
    kind: ItemKind,
    item: Item,
    groups: Collection[str],
    *,
    held: Mapping[str, Any],
    ours: Mapping[str, Any],
    mapped: Mapped,
) -> tuple[str, ...]:
    """The fields that an update of these groups would empty.

    `held`: what the store holds of the item (`StoreRow.fields`); `ours`: the parts of its relation.
    """
    return (*_fields(kind, item, groups, held, mapped), *_parts(item, groups, held, ours))


def _fields(
    kind: ItemKind, item: Item, groups: Collection[str], held: Mapping[str, Any], mapped: Mapped
) -> Iterable[str]:
    for name, value in item.fields.items():
        field = FIELDS[kind][name]
        if field.group not in groups or held.get(name) in _NOTHING:
            continue
        has_empty_value = field.nullable or field.blank is not None
        clears = field.is_cleared_by(mapped.when_empty.get(name, WhenEmpty.OVERWRITE))
        if (clears and value == field.cleared != held.get(name)) or (value is None and has_empty_value):
            yield name


def _parts(item: Item, groups: Collection[str], held: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterable[str]:
    had_pictures = ours.get("images") if isinstance(item, Product) else held.get("images")
    if Group.IMAGES in groups and not item.images and had_pictures:
        yield "images"
    had_custom_fields = isinstance(item, Product) and not item.custom_fields and ours.get("custom_fields")
    if Group.CUSTOM_FIELDS in groups and had_custom_fields:
        yield "custom_fields"
    if isinstance(item, Product):
        if Group.BULK_PRICING in groups and not item.bulk_rules and ours.get("bulk_rules"):
            yield "bulk_rules"
        if Group.VIDEOS in groups and not item.videos and ours.get("videos"):
            yield "videos"
