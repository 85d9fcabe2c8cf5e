"""A product's options: which there are, whose, and who uses them.

The store deletes with a value the variants that have it (API facts §3.6), so a value is removed only where a fresh
read shows that no variant has it. Labels are looked up without minding upper and lower case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.bigcommerce import decode, encode, reads
from worker.bigcommerce.client import Client
from worker.catalog.items import Option, Variant

Options = dict[str, Any]
"""Option name -> its `id`, and the ids of its `values` by label."""


def held(client: Client, product_id: int) -> Options:
    """All options of the product with all their values, others' included, used or not."""
    return {
        str(row["display_name"]): {
            "id": int(row["id"]),
            "values": {str(value["label"]): int(value["id"]) for value in row["option_values"]},
        }
        for row in reads.options_of(client, product_id)
    }


def with_values(client: Client, product_id: int, wanted: Sequence[Option], variants: Sequence[Variant]) -> Options:
    """The product's options, all that these variants need among them: what is missing is made."""
    path = f"/v3/catalog/products/{product_id}/options"
    options = held(client, product_id)
    for place, option in enumerate(wanted):
        used = {value.label for variant in variants for value in variant.options if value.option == option.name}
        name = decode.option_named(options, option.name)
        if name not in options:
            answer = client.post(path, encode.shown_option(option, place, {}))
            options[name] = {
                "id": int(answer.data["id"]),
                "values": {str(value["label"]): int(value["id"]) for value in answer.data["option_values"]},
            }
        for order, (label, colors) in enumerate(option.values):
            if label in used and decode.option_named(options[name]["values"], label) not in options[name]["values"]:
                body: encode.Body = {"label": label, "sort_order": order}
                if colors:
                    body["value_data"] = {"colors": list(colors)}
                answer = client.post(f"{path}/{options[name]['id']}/values", body)
                options[name]["values"][label] = int(answer.data["id"])
    return options


def chosen(variant: Variant, options: Mapping[str, Any]) -> list[dict[str, int]]:
    """The variant's option values as ids of the store."""
    found = []
    for value in variant.options:
        option = options[decode.option_named(options, value.option)]
        label = decode.option_named(option["values"], value.label)
        found.append({"option_id": option["id"], "id": option["values"][label]})
    return found


def ours(options: Mapping[str, Any], before: Mapping[str, Any], variants: Iterable[Variant]) -> Options:
    """Of these options what was ours before, and what these variants of ours have; the rest is somebody else's."""
    known = value_ids(before)
    labels = {(value.option.casefold(), value.label.casefold()) for one in variants for value in one.options}
    found = {
        name: {
            "id": option["id"],
            "values": {
                label: value_id
                for label, value_id in option["values"].items()
                if value_id in known or (name.casefold(), label.casefold()) in labels
            },
        }
        for name, option in options.items()
    }
    return {name: option for name, option in found.items() if option["values"]}


def there(option: Option, held: Collection[str]) -> Option:
    """The option with those of its values that the store has: those of variants that could not be made are missing."""
    labels = {label.casefold() for label in held}
    return replace(option, values=tuple(one for one in option.values if one[0].casefold() in labels))


def value_ids(options: Mapping[str, Any]) -> set[int]:
    """The ids of all their values."""
    return {value_id for option in options.values() for value_id in option["values"].values()}


def without_orphans(client: Client, product_id: int, own: Mapping[str, Any], said: Collection[Option]) -> Options:
    """Our options without the values that the source has no more and no variant uses: those are removed."""
    stay = {(option.name.casefold(), label.casefold()) for option in said for label, _ in option.values}
    left = {
        name: {
            **option,
            "values": {one: i for one, i in option["values"].items() if (name.casefold(), one.casefold()) in stay},
        }
        for name, option in own.items()
    }
    if value_ids(left) == value_ids(own):
        return left
    used = used_ids(client, product_id)
    for name, option in own.items():
        for label, value_id in option["values"].items():
            if value_id in used:
                left[name]["values"][label] = value_id
            elif label not in left[name]["values"]:
                client.remove(f"/v3/catalog/products/{product_id}/options/{option['id']}/values/{value_id}")
    return {name: option for name, option in left.items() if option["values"]}


def used_ids(client: Client, product_id: int) -> set[int]:
    """The ids of the values that any variant of the product has."""
    return {int(one["id"]) for row in reads.variants_of(client, product_id) for one in row.get("option_values") or ()}


def are_same(row: Mapping[str, Any], variant: Variant) -> bool:
    """Whether the store's variant has the option values that this one is to have."""
    held = {
        (str(one.get("option_display_name")).casefold(), str(one.get("label")).casefold())
        for one in row.get("option_values") or ()
    }
    return held == {(one.option.casefold(), one.label.casefold()) for one in variant.options}
