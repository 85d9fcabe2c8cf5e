"""Stock sent through the inventory API.

Absolute, up to 2,000 figures a call, one call at a time. A product that is tracked as a whole is called by its own id,
one that is tracked by variant by its variants'; the store refuses the other (API facts §3.9).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, partly
from worker.bigcommerce.client import Answer, Client
from worker.catalog.changes import CreateProduct, CreateVariant, Fingerprints, SetStock
from worker.catalog.fields import Group
from worker.catalog.items import Problem, Product, Variant
from worker.catalog.sending import Applied, Job
from worker.catalog.store import DEFAULT_LOCATION, Relation
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


def left_out(answer: Answer, job: Job) -> tuple[SetStock, ...]:
    """The stock of what was just created, where the store saved all but that (207, API facts §3.3): it follows."""
    if not partly.lacks_stock(answer):
        return ()
    change = job.change
    if isinstance(change, CreateVariant):
        items: list[tuple[Product | Variant, Fingerprints]] = [(change.variant, change.fingerprints)]
        tracking, alone = None, False
    else:
        assert isinstance(change, CreateProduct)
        told = change.variant_fingerprints
        items = [
            (change.product, change.fingerprints),
            *((one, told.get(one.source_id, {})) for one in change.variants),
        ]
        tracking, alone = change.product.fields.get("inventory_tracking"), not change.variants
    return tuple(
        SetStock(
            ItemKind.PRODUCT if isinstance(item, Product) else ItemKind.VARIANT,
            item.source_id,
            level,
            DEFAULT_LOCATION,
            fingerprints[Group.STOCK],
            str(tracking) if tracking is not None else None,
            str(item.fields.get("sku")) if alone and tracking == "variant" else None,
        )
        for item, fingerprints in items
        if isinstance(level := item.fields.get("inventory_level"), int) and Group.STOCK in fingerprints
    )


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
