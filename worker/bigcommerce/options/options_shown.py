"""How a product's options are shown: their display types and the order of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from worker.bigcommerce import decode, encode, reads
from worker.bigcommerce.client import Client
from worker.bigcommerce.options import product_options
from worker.catalog import fingerprint
from worker.catalog.changes import ShowOptions
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError


def show(client: Client, job: Job) -> Applied:
    """Give the product's options their display types, one call an option.

    Where a slice ends between two of them, those that were shown are marked, and not sent a second time.
    """
    change, relation = job.change, job.relation
    assert isinstance(change, ShowOptions)
    assert relation is not None
    known = dict(relation.parts.get("options") or {})
    problems = []
    try:
        known = product_options.without_orphans(client, relation.store_id, known, change.options)
        strange = _strange_values(client, relation)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    for place, option in enumerate(change.options):
        name = decode.option_named(known, option.name)
        held = known.get(name)
        if held is None:
            problems.append(Problem("option_missing", f"the store has no option {option.name} of this product"))
            continue
        others = strange.get(held["id"], ())
        values = {str(one["label"]): int(one["id"]) for one in others} | held["values"]
        body = encode.shown_option(product_options.there(option, values), place, values, others)
        mark = fingerprint.of([held["id"], body])
        if held.get("shown") == mark:
            continue
        try:
            client.put(f"/v3/catalog/products/{relation.store_id}/options/{held['id']}", body)
        except RefusedByStore as refusal:
            text = f"option {option.name} keeps its display: {refusal}"
            problems.append(Problem("option_refused", text, option.name))
        except WorkerError as trouble:
            return Applied(job, (replace(relation, parts={**relation.parts, "options": known}),), trouble=trouble)
        else:
            known[name] = {**held, "shown": mark}
    sent = {Group.OPTIONS.value: change.fingerprint} if not problems else {}
    unmarked = {name: {"id": held["id"], "values": held["values"]} for name, held in known.items()}
    shown = replace(
        relation, fingerprints={**relation.fingerprints, **sent}, parts={**relation.parts, "options": unmarked}
    )
    return Applied(job, (shown,), tuple(problems))


def _strange_values(client: Client, relation: Relation) -> dict[int, list[Mapping[str, Any]]]:
    """Option id -> all its values, where others may have added some; none for what we have just made ourselves."""
    if relation.created_here and Group.OPTIONS not in relation.fingerprints:
        return {}
    return {int(row["id"]): list(row["option_values"]) for row in reads.options_of(client, relation.store_id)}
