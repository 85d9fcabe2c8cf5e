"""What differs between what the source says and what was last sent.

| remembered       | the source says | resulting change                                    |
| ---------------- | --------------- | --------------------------------------------------- |
| nothing          | present         | create                                              |
| linked           | present, equal  | none: *unchanged*                                   |
| linked           | present, other  | update, of the groups that differ                   |
| linked, enabled  | gone            | disable                                             |
| linked, disabled | gone            | none                                                |
| linked, disabled | present         | update, visibility included                         |
| nothing          | gone            | none: never synced = untouched                      |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from worker.catalog.fields import FIELDS, Group
from worker.catalog.fingerprint import of as fingerprint
from worker.catalog.items import Category, Option, Product, Variant
from worker.catalog.profile import Switches
from worker.catalog.values import Value


def groups(fields: Mapping[str, Value], table: Mapping[str, Any]) -> dict[str, Any]:
    """Group -> the values that are fingerprinted together; a group without a mapped field is absent."""
    found: dict[str, dict[str, Value]] = {}
    for name, value in fields.items():
        found.setdefault(table[name].group.value, {})[name] = value
    return dict(found)


def category_groups(category: Category, parent: int | None) -> dict[str, Any]:
    """The groups of a category at its place in one storefront's tree."""
    found = groups(category.fields, FIELDS_OF[Category])
    found[Group.CATEGORIES] = parent
    if category.pictured:
        found[Group.IMAGES] = [[image.source_id, image.url] for image in category.images[:1]]
    return found


def product_groups(
    product: Product, places: tuple[tuple[int, int], ...], options: tuple[Option, ...], *, kept: Iterable[int] = ()
) -> dict[str, Any]:
    """The groups of a product that stands in `places` ((storefront, category)), and stays on the storefronts `kept`."""
    found = groups(product.fields, FIELDS_OF[Product])
    if product.pictured:
        found[Group.IMAGES] = [
            [one.source_id, one.url, one.description] if one.description else [one.source_id, one.url]
            for one in product.images
        ] + [[source_id] for source_id in product.spared]
    found[Group.CUSTOM_FIELDS] = sorted([name, value] for name, value in product.custom_fields)
    found[Group.BULK_PRICING] = sorted([r.minimum, r.maximum, r.type, r.amount] for r in product.bulk_rules)
    if product.videos is not None:
        found[Group.VIDEOS] = sorted(product.videos)
    if product.related is not None:
        found[Group.RELATED] = list(product.related)
    found[Group.METAFIELDS] = _metafields(product)
    found[Group.CATEGORIES] = sorted([storefront, category] for storefront, category in places)
    found[Group.STOREFRONTS] = sorted({storefront for storefront, _ in places} | set(kept))
    found[Group.OPTIONS] = [[o.name, o.type, [[label, list(colors)] for label, colors in o.values]] for o in options]
    return found


def variant_groups(variant: Variant) -> dict[str, Any]:
    """The groups of a variant."""
    found = groups(variant.fields, FIELDS_OF[Variant])
    if variant.pictured:
        found[Group.IMAGES] = [[image.source_id, image.url] for image in variant.images[:1]]
    found[Group.OPTIONS] = sorted([value.option, value.label] for value in variant.options)
    found[Group.METAFIELDS] = _metafields(variant)
    return found


def _metafields(item: Product | Variant) -> list[list[str]]:
    return sorted([one.namespace, one.key, one.value, one.permission_set] for one in item.metafields)


_MAY_BE_UNSAID = frozenset({Group.BULK_PRICING, Group.VIDEOS, Group.RELATED, Group.METAFIELDS})
"""Where nothing was ever sent, to say nothing is no difference."""

FIELDS_OF = dict(zip((Category, Product, Variant), FIELDS.values(), strict=True))


def with_refused_pictures(
    groups: frozenset[str], said: Mapping[str, Any], parts: Mapping[str, Any], *, forced: bool
) -> frozenset[str]:
    """The groups, with the pictures that the store refused among them: a forced refresh tries those again."""
    tried = forced and Group.IMAGES in said and parts.get("refused_images")
    return groups | {Group.IMAGES.value} if tried else groups


def changed(said: Mapping[str, Any], sent: Mapping[str, str], switches: Switches) -> frozenset[str]:
    """The groups in which the source says something else than what was last sent."""
    differing = {
        group
        for group, value in said.items()
        if sent.get(group) != fingerprint(value) and (value or group in sent or group not in _MAY_BE_UNSAID)
    }
    return frozenset(differing) - held_back(switches)


def held_back(switches: Switches) -> frozenset[str]:
    """The groups that go with a creation alone; bulk pricing rules are prices too."""
    stock = () if switches.overwrite_stock else (Group.STOCK,)
    prices = () if switches.overwrite_prices else (Group.PRICE, Group.BULK_PRICING)
    return frozenset(group.value for group in (*stock, *prices))


def after_rebuild(told: Mapping[str, str], sent: Mapping[str, str], switches: Switches) -> dict[str, str]:
    """The fingerprints of a variant that is made anew: what is held back is as it was `sent` last."""
    held = held_back(switches)
    return {group: one for group, one in told.items() if group not in held} | {
        group: one for group, one in sent.items() if group in held
    }
