"""Option values changed without losing what is not ours: relabel in place, else rebuild with care.

A rebuild 1. reads the old variants whole (fields, stock by location, metafields) and hands that back to
be kept, 2. deletes and creates, 3. writes back what Sales Layer does not manage, and 4. reads again until
it agrees. From step 2 on it can be broken off and begun again anywhere: what is there with the new
options is adopted, what is there with the old ones is deleted, what is missing is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import decode, encode, reads, write_variants
from worker.bigcommerce.client import Client
from worker.catalog import pictures
from worker.catalog.changes import RebuildVariants, RelabelOptions
from worker.catalog.fields import FIELDS, Group
from worker.catalog.items import Key, Problem, Variant
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PROOFS = 3
"""Reads of the stock written back before it counts as unproven: stock is asynchronous (API facts §3.9)."""
PROOF_SECONDS = 1.0

_FIELDS = tuple(field.store for field in FIELDS[ItemKind.VARIANT].values())
"""All that can be written to a variant, a picture by the address that the store itself gives it."""
_STOCK = frozenset(field.store for field in FIELDS[ItemKind.VARIANT].values() if field.group == Group.STOCK)


def relabel(client: Client, job: Job) -> Applied:
    """Rename option values in place: every variant keeps its id, SKU, stock and picture."""
    change, product = job.change, job.relation
    assert isinstance(change, RelabelOptions)
    assert product is not None
    path = f"/v3/catalog/products/{product.store_id}/options"
    try:
        options = options_of(client, product.store_id)
        for one in change.relabels:
            option = options[decode.option_named(options, one.option)]
            if one.old in option["values"]:
                value_id = option["values"].pop(one.old)
                client.put(f"{path}/{option['id']}/values/{value_id}", {"label": one.new})
                option["values"][one.new] = value_id
    except KeyError as missing:
        text = f"the store has no option {missing.args[0]} of this product"
        return Applied(job, trouble=RefusedByStore(404, text))
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    product = replace(product, parts={**product.parts, "options": options})
    told = "; ".join(f"{one.option} '{one.old}' is called '{one.new}' now" for one in change.relabels)
    note = Problem("relabelled", f"kept its id, SKU and stock: {told}")
    variants = [
        replace(relation, fingerprints={**relation.fingerprints, Group.OPTIONS.value: change.fingerprints[source_id]})
        for source_id, relation in job.siblings.items()
        if source_id in change.fingerprints
    ]
    return Applied(job, (product, *variants), notes={one.key.source_id: note for one in variants})


def options_of(client: Client, product_id: int) -> dict[str, Any]:
    """Option name -> its id and the ids of its values by label, all of them, used or not."""
    return {
        str(row["display_name"]): {
            "id": int(row["id"]),
            "values": {str(value["label"]): int(value["id"]) for value in row["option_values"]},
        }
        for row in reads.options_of(client, product_id)
    }


def rebuild(client: Client, job: Job) -> Applied:
    """Read what has to be kept; once that is kept, make the variants anew."""
    change = job.change
    assert isinstance(change, RebuildVariants)
    try:
        if change.kept is None:
            return Applied(job, revised=replace(change, kept=_whole(client, job, change)))
        return _rebuilt(client, job, change, change.kept)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)


def _whole(client: Client, job: Job, change: RebuildVariants) -> dict[int, dict[str, Any]]:
    """The old variants as they are: our fields and others', stock by location, metafields."""
    assert job.relation is not None
    present = {int(row["id"]): row for row in reads.variants_of(client, job.relation.store_id)}
    ids = [store_id for store_id in change.old_ids.values() if store_id in present]
    stock = reads.stock_of(client, ids)
    kept: dict[int, dict[str, Any]] = {}
    for source_id, store_id in change.old_ids.items():
        if store_id not in present:
            continue
        row = present[store_id]
        kept[source_id] = {
            "fields": {name: _plain(row[name]) for name in _FIELDS if row.get(name) not in (None, "")},
            "stock": [[location, quantity] for variant, location, quantity in stock if variant == store_id],
            "metafields": [
                {
                    name: one[name]
                    for name in ("namespace", "key", "value", "permission_set", "description")
                    if name in one
                }
                for one in reads.variant_metafields(client, job.relation.store_id, store_id)
            ],
        }
    return kept


def _rebuilt(client: Client, job: Job, change: RebuildVariants, kept: Mapping[int, Mapping[str, Any]]) -> Applied:
    product = job.relation
    assert product is not None
    path = f"/v3/catalog/products/{product.store_id}"
    present = reads.variants_of(client, product.store_id)
    made: dict[int, int] = {}
    for variant in change.variants:
        row = next((row for row in present if _is(row, variant)), None)
        if row is not None:
            made[variant.source_id] = int(row["id"])
    old = {*change.old_ids.values(), *change.dropped.values()} - set(made.values())
    before = dict(product.parts.get("options") or {})
    names = {option.name.casefold() for option in change.options}
    strangers = [row for row in present if int(row["id"]) not in old | set(made.values()) and row.get("option_values")]
    dropped = {
        name: option
        for name, option in options_of(client, product.store_id).items()
        if name.casefold() not in names and name in before
    }
    if dropped and strangers:
        text = f"{len(strangers)} variants that Sales Layer does not manage use {', '.join(dropped)}; remove them first"
        raise RefusedByStore(409, text)
    for row in present:
        if int(row["id"]) in old:
            client.remove(f"{path}/variants/{row['id']}")
    for option in dropped.values():
        client.remove(f"{path}/options/{option['id']}")
    options = write_variants.with_values(client, product.store_id, change.options, change.variants)
    notes = {}
    refusals: dict[int, RefusedByStore] = {}
    for variant in change.variants:
        old_one = kept.get(variant.source_id, {})
        if variant.source_id not in made:
            body = _body(variant, options, old_one.get("fields", {}), sends_stock=_sends_stock(change, variant))
            row, refused = write_variants.posted(client, f"{path}/variants", body)
            made[variant.source_id] = int(row["id"])
            if refused is not None:
                refusals[variant.source_id] = refused
        notes[variant.source_id] = _give_back(
            client, product.store_id, made[variant.source_id], old_one, sends_stock=_sends_stock(change, variant)
        )
    options = _without_orphans(client, product.store_id, options, before)
    product = replace(product, parts={**product.parts, "options": options})
    variants = [
        Relation(
            Key(ItemKind.VARIANT, variant.source_id),
            made[variant.source_id],
            product.store_id,
            created_here=True,
            enabled=variant.fields.get("enabled") is not False,
            fingerprints=change.fingerprints[variant.source_id],
            parts=write_variants.parts_without(variant, refusals.get(variant.source_id)),
        )
        for variant in change.variants
    ]
    told = {
        variant.source_id: tuple(pictures.refused(one, refusals[variant.source_id]) for one in variant.images[:1])
        for variant in change.variants
        if variant.source_id in refusals
    }
    return Applied(job, (product, *variants), notes=notes, of_variants=told)


def _sends_stock(change: RebuildVariants, variant: Variant) -> bool:
    """Whether the source tells this variant's stock and may overwrite it; else the store's own is written back."""
    return change.sends_stock and variant.fields.get("inventory_level") is not None


def _is(row: Mapping[str, Any], variant: Variant) -> bool:
    """Whether this is the variant under its new options: same SKU, same combination."""
    held = {
        (str(one.get("option_display_name")).casefold(), str(one.get("label")).casefold())
        for one in row.get("option_values") or ()
    }
    wanted = {(one.option.casefold(), one.label.casefold()) for one in variant.options}
    return key(row.get("sku")) == key(str(variant.fields.get("sku"))) and held == wanted


def _body(variant: Variant, options: Mapping[str, Any], kept: Mapping[str, Any], *, sends_stock: bool) -> encode.Body:
    """What Sales Layer says, over what the old variant had."""
    ours = encode.new_variant(variant)
    if not sends_stock:
        ours = {name: value for name, value in ours.items() if name not in _STOCK}
    ours["option_values"] = write_variants.chosen(variant, options)
    return {**kept, **ours}


def _give_back(
    client: Client, product_id: int, store_id: int, kept: Mapping[str, Any], *, sends_stock: bool
) -> Problem:
    """Write back stock and metafields, and read again until the stock agrees; what was kept, as a sentence."""
    stock = [] if sends_stock else [(int(location), int(quantity)) for location, quantity in kept.get("stock", ())]
    if stock:
        items = [
            {"location_id": location, "variant_id": store_id, "quantity": quantity} for location, quantity in stock
        ]
        try:
            client.put("/v3/inventory/adjustments/absolute", {"reason": "variant rebuilt", "items": items})
        except RefusedByStore as refusal:
            if not _level_agrees(client, store_id, stock):
                return Problem(
                    "stock_unproven", f"made anew; the store refused the stock that it had ({stock}): {refusal}"
                )
    held = {(one["namespace"], one["key"]) for one in reads.variant_metafields(client, product_id, store_id)}
    for one in kept.get("metafields", ()):
        if (one["namespace"], one["key"]) not in held:
            client.post(f"/v3/catalog/products/{product_id}/variants/{store_id}/metafields", one, repeatable=True)
    for _ in range(PROOFS):
        if not stock or _level_agrees(client, store_id, stock):
            told = f"stock {sum(quantity for _, quantity in stock)}, " if stock else ""
            metafields = len(kept.get("metafields", ()))
            return Problem("rebuilt", f"made anew; kept {told}{metafields} metafields and its other fields")
        client.rest(PROOF_SECONDS)
    return Problem("stock_unproven", f"made anew; its stock ({stock}) was written back and cannot be read yet")


def _level_agrees(client: Client, store_id: int, stock: Sequence[tuple[int, int]]) -> bool:
    levels = {location: quantity for _, location, quantity in reads.stock_of(client, [store_id])}
    return all(levels.get(location, 0) == quantity for location, quantity in stock)


def _without_orphans(
    client: Client, product_id: int, options: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """Remove values that were ours and no variant has any more; others' stay."""
    used = {
        (str(one.get("option_display_name")), str(one.get("label")))
        for row in reads.variants_of(client, product_id)
        for one in row.get("option_values") or ()
    }
    left: dict[str, Any] = {}
    for name, option in options.items():
        ours = set((before.get(name) or {}).get("values") or ())
        left[name] = {"id": option["id"], "values": dict(option["values"])}
        for label, value_id in option["values"].items():
            if label in ours and (name, label) not in used:
                client.remove(f"/v3/catalog/products/{product_id}/options/{option['id']}/values/{value_id}")
                left[name]["values"].pop(label)
    return left


def _plain(value: Any) -> Any:
    """A value that JSON can hold; the store keeps four decimals, which a float holds."""
    return float(value) if isinstance(value, Decimal) else value
