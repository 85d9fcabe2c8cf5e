"""A product's custom fields: those that are ours as the source says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from worker.bigcommerce import reads
from worker.bigcommerce.client import Client
from worker.catalog.items import Problem
from worker.catalog.sending import Applied
from worker.catalog.store import Relation
from worker.errors import RefusedByStore


def bring_forward(client: Client, applied: Applied, wanted: Sequence[tuple[str, str]]) -> Applied:
    """Ours as the source says: kept by name and value, changed by name, added, dropped; others' stay."""
    own, *rest = applied.relations
    path = f"/v3/catalog/products/{own.store_id}/custom-fields"
    held = [(str(name), str(value), int(store_id)) for name, value, store_id in own.parts.get("custom_fields") or ()]
    missing = list((Counter(wanted) - Counter((name, value) for name, value, _ in held)).elements())
    kept = [one for one in held if (one[0], one[1]) in set(wanted)]
    over = [one for one in held if one not in kept]
    problems = list(applied.problems)
    for name, value in missing:
        reused = next((one for one in over if one[0] == name), None)
        try:
            if reused is not None:
                over.remove(reused)
            kept.append((name, value, _sent_pair(client, path, name, value, reused[2] if reused else None)))
        except RefusedByStore as refusal:
            existing = _same_pair(client, own, name, value)
            if existing is None:
                problems.append(Problem("custom_field_refused", f"the store refused {name} = {value}: {refusal}", name))
            else:
                kept.append((name, value, existing))
    for _, _, store_id in over:
        client.remove(f"{path}/{store_id}")
    own = replace(own, parts={**own.parts, "custom_fields": [list(one) for one in kept]})
    return replace(applied, relations=(own, *rest), problems=tuple(problems))


def _sent_pair(client: Client, path: str, name: str, value: str, store_id: int | None) -> int:
    """Change the custom field of this id, or add one; one that somebody removed by hand is made again."""
    body = {"name": name, "value": value}
    try:
        if store_id is not None:
            client.put(f"{path}/{store_id}", body)
            return store_id
    except RefusedByStore as refusal:
        if refusal.status != 404:
            raise
    return int(client.post(path, body).data["id"])


def _same_pair(client: Client, own: Relation, name: str, value: str) -> int | None:
    """The pair is unique in its product: one that is there already is the one that was wanted."""
    for row in reads.custom_fields_of(client, own.store_id):
        if (row["name"], row["value"]) == (name, value):
            return int(row["id"])
    return None
