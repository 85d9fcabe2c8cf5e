"""Stock sent through the inventory API.

Absolute, up to 2,000 figures a call, one call at a time. A product that is tracked as a whole is called by its own id,
one that is tracked by variant by its variants'; the store refuses the other (API facts §3.9).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches
from worker.bigcommerce.client import Answer, Client
from worker.catalog.changes import SetStock
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError

PATH = "/v3/inventory/adjustments/absolute"


def set_levels(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Set the stock of products and variants; what the store refuses is told of that item alone."""
    tracked = []
    for job in jobs:
        if _change(job).kind is ItemKind.VARIANT and _change(job).tracking == "product":
            text = "the store tracks its product as a whole, so the variant has no stock; map or set inventory_tracking"
            yield Applied(job, problems=(Problem("stock_not_tracked", text, "inventory_level"),))
        else:
            tracked.append(job)

    def call(part: Sequence[Job]) -> Answer:
        return put(client, "stock at the source", [_item(job) for job in part])

    for job, answer in batches.send(tracked, call) if tracked else ():
        if isinstance(answer, RefusedByStore):
            text = f"the store refused its stock of {_change(job).quantity}: {answer}"
            yield Applied(job, problems=(Problem("stock_refused", text, "inventory_level"),))
        elif isinstance(answer, WorkerError):
            yield Applied(job, trouble=answer)
        else:
            own = _own(job)
            sent = {**own.fingerprints, Group.STOCK.value: _change(job).fingerprint}
            yield Applied(job, (replace(own, fingerprints=sent),))


def _change(job: Job) -> SetStock:
    assert isinstance(job.change, SetStock)
    return job.change


def _item(job: Job) -> dict[str, Any]:
    change = _change(job)
    called = {"sku": change.sku} if change.sku is not None else {f"{change.kind.value}_id": _own(job).store_id}
    return {"location_id": change.location, **called, "quantity": change.quantity}


def _own(job: Job) -> Relation:
    assert job.relation is not None
    return job.relation


def put(client: Client, reason: str, items: Sequence[dict[str, Any]]) -> Answer:
    """Set these levels, for this reason."""
    return client.put(PATH, {"reason": reason, "items": list(items)})
