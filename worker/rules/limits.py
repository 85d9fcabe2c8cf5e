"""What is beyond the store's limits: checked before a call is spent.

A value that is beyond them in a field that is not required costs the item that field, not the item: a
product without its too long warranty text is better than no product. In a required field (name, SKU,
price, weight) it rejects the item, see `rules/validity.py`.

| what                                     | where it is beyond the limits                                  |
| ---------------------------------------- | -------------------------------------------------------------- |
| text, list of words                      | longer than the store takes                                    |
| number                                   | below 0, above what the store takes                            |
| URL                                      | other than Latin letters, digits and marks; over 255 characters |
| custom field                             | name or value over 250 characters; more than 200 of a product  |
| category                                 | more than 1000 of a product                                    |
| picture                                  | URL over 255 characters, or none of the web; more than 1000    |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS, Field, Group, Type
from worker.catalog.items import Image, Problem
from worker.catalog.values import Value, brand_id, shown

MOST_CUSTOM_FIELDS = 200  # per product (Help Center, platform limits)
LONGEST_CUSTOM_FIELD = 250  # name and value (API reference, custom fields)
MOST_IMAGES = 1000  # per product (Help Center, platform limits)
MOST_PLACES = 1000  # categories of a product (Help Center, platform limits)
LONGEST_IMAGE_URL = 255  # API reference, images
HIGHEST_BRAND = 1_000_000_000  # API reference, brand_id

MISSING = {"price": "no_valid_price", "weight": "no_valid_weight", "name": "no_name", "sku": "no_sku"}
"""The codes of required fields that are missing, or numbers that are no good."""
_BESIDE_LATIN = re.compile(r"[\s?#\"<>\\^`{|}\u0250-\U0010ffff]")  # API facts §4.1: Latin letters
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")


def beyond(field: Field, value: Value) -> Problem | None:
    """What the store would not take of this value."""
    match field.type:
        case Type.NUMBER | Type.INTEGER:
            return _number(field, Decimal(str(value)))
        case _:
            return _brand(field, value) or _length(field, value) or _url(field, value)


def _number(field: Field, value: Decimal) -> Problem | None:
    if field.type is Type.NUMBER and value < 0:
        code = MISSING.get(field.name, "value_negative") if field.required else "value_negative"
        return Problem(code, f"{field.name} is {value}; it has to be 0 or more", field.name)
    least = -2_147_483_648 if field.name == "sort_order" else 0
    if field.most is not None and not least <= value <= field.most:
        text = f"{field.name} is {value}; the store takes {least} to {field.most}"
        return Problem("value_out_of_range", text, field.name)
    return None


def _brand(field: Field, value: Value) -> Problem | None:
    number = brand_id(value) if field.group is Group.BRAND else None
    if number is None or number <= HIGHEST_BRAND:
        return None
    text = f"{field.name} is {number}; the ids of the store's brands end at {HIGHEST_BRAND}"
    return Problem("value_out_of_range", text, field.name)


def _length(field: Field, value: Value) -> Problem | None:
    written = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    longest = field.longest
    if longest and field.group is Group.URL:
        longest, written = longest - 2, written.strip("/")  # the store's path has a slash at both ends
    if not longest or len(written) <= longest:
        return None
    text = f"{field.name} has {len(written)} characters, the store takes {longest}: '{shown(written)}'"
    return Problem("value_too_long", text, field.name)


def _url(field: Field, value: Value) -> Problem | None:
    found = _BESIDE_LATIN.search(str(value)) if field.group is Group.URL else None
    if found is None:
        return None
    text = f"{field.name} '{shown(value)}' holds '{found[0]}'; the store takes Latin letters, digits and - . _ /"
    return Problem("url_unusable", text, field.name)


def fitting(kind: ItemKind, fields: Mapping[str, Value]) -> tuple[dict[str, Value], list[Problem]]:
    """The fields without those that are beyond the limits and not required, and what is wrong with these."""
    kept, problems = {}, []
    for name, value in fields.items():
        field = FIELDS[kind][name]
        problem = None if value is None or field.required else beyond(field, value)
        if problem is None:
            kept[name] = value
        else:
            problems.append(problem)
    if kind is ItemKind.PRODUCT:
        problems += [problem for rule in _TOGETHER for problem in rule(kept)]
    return kept, problems


def _hidden_price(fields: dict[str, Value]) -> Iterable[Problem]:
    """A price is hidden only of what cannot be bought (API facts §4.1)."""
    if fields.get("availability") == "disabled":
        return
    for name in ("is_price_hidden", "price_hidden_label"):
        if fields.get(name):
            fields.pop(name)
            yield Problem("needs_availability", f"{name} needs the availability 'disabled'; it was left out", name)
            if name == "is_price_hidden" and "availability" in fields:
                fields[name] = False  # what can be bought again shows its price again


def _gift_wrapping(fields: dict[str, Value]) -> Iterable[Problem]:
    """Ids are listed only with the type `list`, and that type needs some (the original's §11)."""
    kind, listed = fields.get("gift_wrapping_options_type"), fields.get("gift_wrapping_options_list")
    if kind == "list" and not listed:
        fields.pop("gift_wrapping_options_type")
        text = "gift_wrapping_options_type is 'list', and gift_wrapping_options_list names none; both were left out"
        yield Problem("gift_wrapping_differs", text, "gift_wrapping_options_type")
    elif listed and kind != "list":
        fields.pop("gift_wrapping_options_list")
        text = "gift_wrapping_options_list needs the type 'list'; it was left out"
        yield Problem("gift_wrapping_differs", text, "gift_wrapping_options_list")


def _quantities(fields: dict[str, Value]) -> Iterable[Problem]:
    """The least that is ordered at once is not more than the most; 0 is no limit."""
    least, most = fields.get("order_quantity_minimum"), fields.get("order_quantity_maximum")
    if isinstance(least, int) and isinstance(most, int) and 0 < most < least:
        fields.pop("order_quantity_minimum")
        fields.pop("order_quantity_maximum")
        text = f"order_quantity_minimum is {least}, order_quantity_maximum {most}; both were left out"
        yield Problem("quantities_differ", text, "order_quantity_maximum")


_TOGETHER = (_hidden_price, _gift_wrapping, _quantities)
"""Fields of a product that have to go together; each rule takes out what does not."""


def custom_fields(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[tuple[str, str], ...], list[Problem]]:
    """The pairs that the store takes, and what is wrong with the others."""
    problems = []
    kept = []
    for name, value in pairs:
        if len(name) > LONGEST_CUSTOM_FIELD:
            text = f"custom field '{shown(name)}' has a name of {len(name)} characters"
        elif len(value) > LONGEST_CUSTOM_FIELD:
            text = f"custom field {name} has {len(value)} characters"
        else:
            kept.append((name, value))
            continue
        problems.append(Problem("value_too_long", f"{text}, the store takes {LONGEST_CUSTOM_FIELD}", name))
    if len(kept) > MOST_CUSTOM_FIELDS:
        text = f"{len(kept)} custom fields, the store takes {MOST_CUSTOM_FIELDS}; the last were left out"
        problems.append(Problem("too_many_custom_fields", text))
    return tuple(kept[:MOST_CUSTOM_FIELDS]), problems


def images(found: Sequence[Image], *, most: int) -> tuple[tuple[Image, ...], list[Problem]]:
    """The pictures that the store may take, and why the others are refused without a call; `most` of an item."""
    problems = []
    kept = []
    for one in found:
        if len(one.url) > LONGEST_IMAGE_URL:
            text = f"its URL has {len(one.url)} characters, the store takes {LONGEST_IMAGE_URL}"
        elif not _ADDRESS.fullmatch(one.url):
            text = "its URL is none of the web (http, https)"
        else:
            kept.append(one)
            continue
        problems.append(Problem("image_refused", f"picture {one.source_id} ({shown(one.url)}): {text}", "images"))
    if len(kept) > most > 1:
        text = f"{len(kept)} pictures, the store takes {most}; the last were left out"
        problems.append(Problem("image_refused", text, "images"))
    return tuple(kept[:most]), problems


def places(found: Sequence[tuple[int, int]]) -> tuple[tuple[tuple[int, int], ...], tuple[Problem, ...]]:
    """The places of a product ((storefront, category) pairs) that the store takes, and what is said of the others."""
    if len(found) <= MOST_PLACES:
        return tuple(found), ()
    text = f"it stands in {len(found)} categories, the store takes {MOST_PLACES}; the last were left out"
    return tuple(found[:MOST_PLACES]), (Problem("too_many_places", text, "categories"),)
