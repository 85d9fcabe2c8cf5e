"""Stock sent through the inventory API: absolute, up to 2,000 figures a call, one call at a time.

A product that is tracked as a whole is called by its own id, one that is tracked by variant by its variants'; the
store refuses the other (API facts §3.9). What it takes it writes later: a read right after may show the old level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, reads
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.limits import STOCK_ROWS_PER_BATCH
from worker.catalog.changes import ProveStock, SetStock
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, StockLost, WorkerError

PATH = "/v3/inventory/adjustments/absolute"
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two reads of stock that was given back, at the run's end; half a minute in all."""

Levels = dict[tuple[int, int], int]
"""(variant, location) -> how many there are."""


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
        return _put(client, "stock at the source", [_item(job) for job in part])

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


def _put(client: Client, reason: str, items: Sequence[dict[str, Any]]) -> Answer:
    return client.put(PATH, {"reason": reason, "items": list(items)})


def prove(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Give rebuilt variants the stock that they had, and read it; what cannot be read yet is looked at again later.

    A new variant begins at 0. So a level that is neither 0 nor what was written has arrived, and somebody has
    changed it since: it is left as it is. Everything here is absolute and may be broken off and done again.
    """
    missing, levels = _look(client, jobs)
    words = _give(client, missing, levels) if missing else {}
    if missing:
        missing, levels = _look(client, jobs)
    for pause in PAUSES if any(_proof(job).is_last for job in missing) else ():
        if not missing:
            break
        client.rest(pause)
        missing, levels = _look(client, jobs)
    open_still = {job.pending_id for job in missing}
    for job in jobs:
        if job.pending_id not in open_still:
            yield Applied(job, problems=(_kept(job, levels),))
        elif not _proof(job).is_last:
            yield Applied(job, revised=replace(_proof(job), is_last=True))
        else:
            yield _lost(job, levels, words.get(job.pending_id))


def _proof(job: Job) -> ProveStock:
    assert isinstance(job.change, ProveStock)
    return job.change


def _look(client: Client, jobs: Sequence[Job]) -> tuple[list[Job], Levels]:
    """Those whose stock is not there yet, and the levels of all."""
    rows = reads.stock_of(client, [_own(job).store_id for job in jobs])
    levels = {(variant, location): quantity for variant, location, quantity in rows}
    return [job for job in jobs if list(_open(job, levels))], levels


def _open(job: Job, levels: Levels) -> Iterator[tuple[int, int]]:
    """(location, quantity) of what was not written yet: it is still at the 0 of a new variant."""
    for location, quantity in _proof(job).stock:
        if quantity and not levels.get((_own(job).store_id, location)):
            yield location, quantity


def _give(client: Client, jobs: Sequence[Job], levels: Levels) -> dict[int, RefusedByStore]:
    """Write what is open; the store's words where it refused some of a job's."""
    wanted = [(job, location, quantity) for job in jobs for location, quantity in _open(job, levels)]
    refused = {}

    def call(part: Sequence[tuple[Job, int, int]]) -> Answer:
        items = [
            {"location_id": location, "variant_id": _own(job).store_id, "quantity": quantity}
            for job, location, quantity in part
        ]
        return _put(client, "variant made anew", items)

    for start in range(0, len(wanted), STOCK_ROWS_PER_BATCH):
        for (job, _, _), answer in batches.send(wanted[start : start + STOCK_ROWS_PER_BATCH], call):
            if isinstance(answer, RefusedByStore):
                refused[job.pending_id] = answer
            elif isinstance(answer, WorkerError):
                raise answer
    return refused


def _kept(job: Job, levels: Levels) -> Problem:
    proof = _proof(job)
    changed = [
        f"{now} by now at location {location}"
        for location, quantity in proof.stock
        if (now := levels.get((_own(job).store_id, location), 0)) != quantity
    ]
    since = f" (changed since: {', '.join(changed)})" if changed else ""
    return rebuilt_as(f"{in_words(proof.stock)}{since}, {proof.kept}", proof.words)


def rebuilt_as(kept: str, words: str) -> Problem:
    """What a rebuild came to: what was kept, and the store's words where not all of what the source says was taken."""
    if words:
        return Problem("rebuilt_in_part", f"made anew; kept {kept}; not all was taken, the rest follows: {words}")
    return Problem("rebuilt", f"made anew; kept {kept}")


def _lost(job: Job, levels: Levels, refusal: RefusedByStore | None) -> Applied:
    """The stock of the source is told again where that is what got lost."""
    own, proof = _own(job), _proof(job)
    had = "; ".join(
        f"{quantity} at location {location}, where the store says {levels.get((own.store_id, location), 0)}"
        for location, quantity in _open(job, levels)
    )
    because = f"; the store refused it: {refusal}" if refusal else ""
    untold = {group: value for group, value in own.fingerprints.items() if group != Group.STOCK}
    trouble = StockLost(f"made anew with {proof.kept}, but its stock did not come back: it had {had}{because}")
    return Applied(job, (replace(own, fingerprints=untold),), trouble=trouble)


def in_words(stock: Sequence[tuple[int, int]]) -> str:
    """A stock by location, as it stands in a status."""
    return "stock " + ", ".join(f"{quantity} at location {location}" for location, quantity in stock)
