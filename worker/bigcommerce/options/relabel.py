"""Option values renamed in place: every variant keeps its id, SKU, stock and picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from worker.bigcommerce import decode
from worker.bigcommerce.client import Client
from worker.bigcommerce.options import product_options
from worker.catalog.changes import RelabelOptions
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.errors import RefusedByStore, WorkerError


def relabel(client: Client, job: Job) -> Applied:
    """Rename values until each has its label; what was done before a cut is known by the values' ids."""
    change, product = job.change, job.relation
    assert isinstance(change, RelabelOptions)
    assert product is not None
    known = dict(product.parts.get("options") or {})
    try:
        options = product_options.held(client, product.store_id)
        for asked in dict.fromkeys(one.option for one in change.relabels):
            name = decode.option_named(options, asked)
            if name not in options:
                raise RefusedByStore(404, f"the store has no option {asked} of this product")
            wanted = _wanted(change, asked, options[name], known.get(name) or {"values": {}})
            _rename(client, product.store_id, options[name], wanted)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    renamed = {(one.option.casefold(), one.new.casefold()) for one in change.relabels}
    own = product_options.value_ids(known)
    for name, option in options.items():
        called = {label: (name.casefold(), label.casefold()) for label in option["values"]}
        if values := {label: i for label, i in option["values"].items() if i in own or called[label] in renamed}:
            known[name] = {"id": option["id"], "values": values}
    product = replace(product, parts={**product.parts, "options": known})
    told = "; ".join(f"{one.option} '{one.old}' is called '{one.new}' now" for one in change.relabels)
    note = Problem("relabelled", f"kept its id, SKU and stock: {told}")
    variants = [
        replace(relation, fingerprints={**relation.fingerprints, Group.OPTIONS.value: change.fingerprints[source_id]})
        for source_id, relation in job.siblings.items()
        if source_id in change.fingerprints
    ]
    moved = [
        source_id
        for source_id, relation in job.siblings.items()
        if relation.fingerprints.get(Group.OPTIONS) != change.fingerprints.get(source_id)
    ]
    return Applied(job, (product, *variants), notes=dict.fromkeys(moved, note))


def _wanted(change: RelabelOptions, option: str, held: Mapping[str, Any], known: Mapping[str, Any]) -> dict[int, str]:
    """Value id -> its new label. The ids are those from before: the labels in the store may be half changed."""
    there = set(held["values"].values())
    found = {}
    for one in change.relabels:
        value_id = known["values"].get(one.old, held["values"].get(one.old))
        if one.option == option and value_id in there:
            found[value_id] = one.new
    return found


def _rename(client: Client, product_id: int, option: dict[str, Any], wanted: Mapping[int, str]) -> None:
    """Give these values their labels, each when its label is free: chains from their end, circles over a third label.

    A value that is in the way and that no variant uses gives way.
    """
    path = f"/v3/catalog/products/{product_id}/options/{option['id']}/values"
    labels: dict[int, str] = {value_id: label for label, value_id in option["values"].items()}

    def call(value_id: int, label: str) -> None:
        client.put(f"{path}/{value_id}", {"label": label})
        labels[value_id] = label

    while still := {value_id: label for value_id, label in wanted.items() if labels[value_id] != label}:
        holder = {label.casefold(): value_id for value_id, label in labels.items()}
        free = next((one for one, label in still.items() if holder.get(label.casefold(), one) == one), None)
        if free is not None:
            call(free, still[free])
            continue
        in_the_way = next((one for label in still.values() if (one := holder[label.casefold()]) not in still), None)
        if in_the_way is None:
            circled = next(iter(still))
            call(circled, f"{labels[circled][:200]} ({circled})")
        elif in_the_way in product_options.used_ids(client, product_id):
            text = f"the label '{labels[in_the_way]}' is that of another value, which variants have"
            raise RefusedByStore(409, text)
        else:
            client.remove(f"{path}/{in_the_way}")
            del labels[in_the_way]
    option["values"] = {label: value_id for value_id, label in labels.items()}
