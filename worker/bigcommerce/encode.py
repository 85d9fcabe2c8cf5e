"""Items as the bodies that the store's API takes.

One dict a body, no cleverness: field names and limits stand in
`catalog/fields.py`, what is not known here (ids) comes as an argument.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.fields import FIELDS, Field, Group, Type
from worker.catalog.items import Category, Image, Metafield, Option, Product, Variant
from worker.catalog.values import Value, brand_id

Body = dict[str, Any]


def new_category(category: Category, *, tree_id: int, parent_store_id: int) -> Body:
    """The body that creates a category; a root names its tree, a child its parent (API facts §4.3)."""
    place = {"parent_id": parent_store_id} if parent_store_id else {"tree_id": tree_id}
    body = _fields(ItemKind.CATEGORY, category.fields, None) | place
    if category.images:
        body["image_url"] = category.images[0].url
    return body


def changed_category(
    category: Category, groups: Collection[str], *, store_id: int, parent_store_id: int | None
) -> Body:
    """The body that updates these groups of a category; `parent_store_id` None = it stays where it is.

    A picture is not taken away by a body, but by a call of its own (API facts §3.1).
    """
    body = _fields(ItemKind.CATEGORY, category.fields, groups) | {"category_id": store_id}
    if Group.IMAGES in groups and category.images:
        body["image_url"] = category.images[0].url
    if parent_store_id is not None:
        body["parent_id"] = parent_store_id
    return body


def new_product(
    product: Product,
    variants: Sequence[Variant],
    *,
    category_ids: Sequence[int],
    with_images: bool = True,
    with_parts: bool = True,
) -> Body:
    """The body that creates a product with everything inline: one call (API facts §3.3)."""
    body: Body = {"type": "physical"} | _fields(ItemKind.PRODUCT, product.fields, None)
    body["categories"] = list(category_ids)
    if variants:
        body["variants"] = [new_variant(variant, with_image=with_images) for variant in variants]
    if product.images and with_images:
        body["images"] = [image(one, place, is_first=not place) for place, one in enumerate(product.images)]
    if product.custom_fields:
        body["custom_fields"] = [{"name": name, "value": value} for name, value in product.custom_fields]
    if product.bulk_rules and with_parts:
        body["bulk_pricing_rules"] = [bulk_rule(rule) for rule in product.bulk_rules]
    if product.videos and with_parts:
        body["videos"] = [video(one, place) for place, one in enumerate(product.videos)]
    return body


def bulk_rule(rule: BulkRule, store_id: int | None = None) -> Body:
    """A bulk pricing rule; with its id it changes the one that is there (API facts §3.3)."""
    body: Body = {"id": store_id} if store_id is not None else {}
    span = {"quantity_min": rule.minimum, "quantity_max": rule.maximum}
    return body | span | {"type": rule.type, "amount": float(rule.amount)}


def video(video_id: str, place: int) -> Body:
    """A YouTube video by its id."""
    return {"type": "youtube", "video_id": video_id, "sort_order": place}


def metafield(one: Metafield, resource_id: int) -> Body:
    """A metafield of a product or variant, as the batch endpoints take it."""
    named = {"namespace": one.namespace, "key": one.key}
    return {"resource_id": resource_id, "permission_set": one.permission_set, **named, "value": one.value}


def changed_product(product: Product, groups: Collection[str], *, category_ids: Sequence[int] | None) -> Body:
    """The base fields of these groups; images, custom fields and storefronts go their own ways."""
    body = _fields(ItemKind.PRODUCT, product.fields, groups)
    if isinstance(address := body.get("custom_url"), dict):
        body["custom_url"] = {**address, "create_redirect": True}  # the address that shoppers know leads on
    if category_ids is not None:
        body["categories"] = list(category_ids)
    return body


def new_variant(variant: Variant, *, with_image: bool = True) -> Body:
    """A variant inside the body of its product: options by their labels."""
    body = _fields(ItemKind.VARIANT, variant.fields, None)
    body["option_values"] = [{"option_display_name": value.option, "label": value.label} for value in variant.options]
    if variant.images and with_image:
        body["image_url"] = variant.images[0].url
    return body


def changed_variant(variant: Variant, groups: Collection[str]) -> Body:
    """The fields of these groups of a variant; an empty URL takes its picture away."""
    body = _fields(ItemKind.VARIANT, variant.fields, groups)
    if Group.IMAGES in groups:
        body["image_url"] = variant.images[0].url if variant.images else ""
    return body


def image(one: Image, place: int, *, is_first: bool) -> Body:
    """A picture by its URL; the first one is the thumbnail."""
    body: Body = {"image_url": one.url, "sort_order": place, "is_thumbnail": is_first}
    return body | {"description": one.description} if one.description else body


def shown_option(
    option: Option, place: int, value_ids: Mapping[str, int], held: Sequence[Mapping[str, Any]] = ()
) -> Body:
    """The body that gives an option its display type; the whole list of values, with their ids.

    `held`: the values that the option has; those that are not ours are sent as they are, since what is
    left out of the list may be removed (API facts §3.6).
    """
    values = []
    ids = {label.casefold(): value_id for label, value_id in value_ids.items()}
    for order, (label, colors) in enumerate(option.values):
        value: Body = {"label": label, "sort_order": order}
        if label.casefold() in ids:
            value["id"] = ids[label.casefold()]
        if colors:
            value["value_data"] = {"colors": list(colors)}
        values.append(value)
    ours = {label.casefold() for label, _ in option.values}
    for one in held:
        if one["label"].casefold() not in ours:
            known = {name: one[name] for name in ("id", "label", "value_data") if one.get(name) is not None}
            values.append({**known, "sort_order": len(values)})
    return {"display_name": option.name, "type": option.type, "sort_order": place, "option_values": values}


def _fields(kind: ItemKind, fields: Mapping[str, Value], groups: Collection[str] | None) -> Body:
    """The fields of these groups; None = all of a new item, where empty values are left out."""
    body: Body = {}
    for name, value in fields.items():
        field = FIELDS[kind][name]
        if groups is not None and field.group not in groups:
            continue
        if value is None:
            if groups is not None and (field.nullable or field.blank is not None):
                # A brand is cleared by its id: what an empty name does is not documented.
                body["brand_id" if field.group is Group.BRAND else field.store] = field.blank
        else:
            body |= _field(kind, field, value)
    return body


def _field(kind: ItemKind, field: Field, value: Value) -> Body:
    if field.group is Group.URL:
        key = "path" if kind is ItemKind.CATEGORY else "url"
        return {field.store: {key: url_path(str(value)), "is_customized": True}}
    if field.group is Group.BRAND:
        # A text finds or creates the brand.
        number = brand_id(value)
        return {"brand_name": value} if number is None else {"brand_id": number}
    match field.type:
        case Type.NUMBER:
            return {field.store: float(str(value))}
        case Type.FLAG:
            return {field.store: bool(value) is not field.inverted}
        case Type.IDS if isinstance(value, list):
            return {field.store: [int(word) for word in value]}
        case _:
            return {field.store: value}


def url_path(written: str) -> str:
    """A path as the store takes it: one slash before and one behind."""
    return f"/{written.strip().strip('/')}/"


def written(value: Any) -> bytes:
    """A call's body; TypeError for what is no JSON."""
    return json.dumps(value, separators=(",", ":"), default=_number).encode()


def _number(value: Any) -> int | float:
    """A Decimal as a JSON number: the store keeps 4 decimals, which a float holds."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON")
    return int(value) if value == value.to_integral_value() else float(value)
