"""What the store answers, as rows that can be compared with the source.

A row's `fields` hold our field names with canonical values (see
`catalog/values.py`), and beside them what hangs on the item:
`bulk_rules` [[minimum, maximum, type, amount, store id]], `videos` [[video id, store id]],
`images` [[store id, file, place, description]], `custom_fields` [[name, value, store id]],
`options` {name: {"id", "values": {label: id}}}, `categories` and `storefronts` (ids).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce.unread import Unread
from worker.catalog import fingerprint, sources
from worker.catalog.fields import FIELDS, Field, Group, Type
from worker.catalog.store import StoreRow
from worker.catalog.values import Value, key

CODE = sources.hash_of("bigcommerce/decode.py", "bigcommerce/unread.py", "catalog")
"""What makes rows of answers: with other code, all that the store holds is read anew."""
_APART = frozenset({"images", "brand", "storefronts", "videos"})


def category(raw: Mapping[str, Any]) -> StoreRow:
    """A category of a tree (`GET /catalog/trees/categories`)."""
    fields: dict[str, Any] = _fields(ItemKind.CATEGORY, raw)
    fields["images"] = [[0, raw["image_url"], 0]] if raw.get("image_url") else []
    return StoreRow(
        ItemKind.CATEGORY,
        int(raw["category_id"]),
        int(raw.get("parent_id") or 0),
        int(raw["tree_id"]),
        key(raw.get("name")) or "",
        None,
        fields,
        fingerprint.of(fields),
    )


def read_as(product: Unread, brands: Mapping[int, str]) -> str:
    """The hash of a product as the store writes it: where it is as it was, its rows are too."""
    return fingerprint.of_written(product.written, CODE, brands.get(product.brand_id))


def product(raw: Mapping[str, Any], brands: Mapping[int, str], *, read_as: str | None = None) -> list[StoreRow]:
    """A product (`GET /catalog/products` with its includes) and its variants."""
    fields: dict[str, Any] = _fields(ItemKind.PRODUCT, raw)
    fields["brand"] = brands.get(int(raw.get("brand_id") or 0))
    fields["brand_id"] = int(raw.get("brand_id") or 0)
    fields |= parts(raw)
    fields["categories"] = sorted(int(one) for one in raw.get("categories") or ())
    fields["storefronts"] = sorted(int(one) for one in raw["channels"]) if "channels" in raw else None
    store_id = int(raw["id"])
    own = StoreRow(
        ItemKind.PRODUCT,
        store_id,
        None,
        None,
        key(raw.get("name")) or "",
        key(raw.get("sku")) or "",
        fields,
        fingerprint.of(fields),
        read_as,
    )
    return [own, *(variant(one, store_id) for one in raw.get("variants") or () if one.get("option_values"))]


def variant(raw: Mapping[str, Any], product_id: int) -> StoreRow:
    """A variant inside its product."""
    fields: dict[str, Any] = _fields(ItemKind.VARIANT, raw)
    fields["images"] = [[0, raw["image_url"], 0]] if raw.get("image_url") else []
    fields["option_values"] = sorted(
        [one.get("option_display_name") or "", one.get("label") or ""] for one in raw.get("option_values") or ()
    )
    return StoreRow(
        ItemKind.VARIANT,
        int(raw["id"]),
        product_id,
        None,
        None,
        key(raw.get("sku")) or "",
        fields,
        fingerprint.of(fields),
    )


def parts(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What hangs on a product: pictures in their order, custom fields, bulk pricing rules, videos, options."""
    images = sorted(raw.get("images") or (), key=lambda one: (one.get("sort_order") or 0, one["id"]))
    return {
        "images": [
            [
                int(one["id"]),
                str(one.get("image_file") or one.get("url_zoom") or ""),
                int(one.get("sort_order") or 0),
                str(one.get("description") or ""),
            ]
            for one in images
        ],
        "custom_fields": [
            [str(one["name"]), str(one["value"]), int(one["id"])] for one in raw.get("custom_fields") or ()
        ],
        "bulk_rules": [bulk_rule(one) for one in raw.get("bulk_pricing_rules") or ()],
        "videos": [[str(one["video_id"]), int(one["id"])] for one in raw.get("videos") or ()],
        "options": options(raw.get("variants") or ()),
    }


def bulk_rule(raw: Mapping[str, Any]) -> list[int | str]:
    """A bulk pricing rule as [minimum, maximum, type, amount, store id]."""
    low, high = int(raw["quantity_min"]), int(raw["quantity_max"] or 0)
    return [low, high, str(raw["type"]), number(raw["amount"]), int(raw["id"])]


def options(variants: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Option name -> its id and the ids of its values by label, as the variants show them (API facts §8)."""
    found: dict[str, Any] = {}
    for one in variants:
        for value in one.get("option_values") or ():
            option = found.setdefault(str(value["option_display_name"]), {"id": int(value["option_id"]), "values": {}})
            option["values"][str(value["label"])] = int(value["id"])
    return found


def option_named(options: Iterable[str], name: str) -> str:
    """The option's name as the store writes it: names are compared without their case."""
    return next((held for held in options if held.casefold() == name.casefold()), name)


def _fields(kind: ItemKind, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.name: held(field, raw.get(field.store)) for field in FIELDS[kind].values() if field.name not in _APART
    }


def held(field: Field, raw: Any) -> Value:
    """The canonical value of a field that the store holds; None for what counts as empty there."""
    if field.group is Group.URL:
        raw = (raw or {}).get("url") or (raw or {}).get("path") if isinstance(raw, Mapping) else raw
        return str(raw) if raw else None
    if raw is None or raw in ("", []):
        return None
    match field.type:
        case Type.NUMBER:
            return number(raw)
        case Type.INTEGER:
            return int(raw)
        case Type.FLAG:
            return bool(raw) is not field.inverted
        case Type.WORDS | Type.IDS:
            return [str(word) for word in raw] if isinstance(raw, list) else [str(raw)]
        case _:
            return str(raw)


def number(raw: Any) -> str:
    """A number of the store as an exact decimal text."""
    plain = format(Decimal(str(raw)).normalize(), "f")
    return "0" if plain == "-0" else plain
