"""What a rebuilt variant had besides its fields, given back.

Settings of locations and prices of price lists are written; stock is written and read until it agrees, since the
store takes it in and shows it later (API facts §3.9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from worker.bigcommerce import batches, reads, write_stock
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.limits import PRICE_RECORDS_PER_BATCH, STOCK_ROWS_PER_BATCH
from worker.catalog.changes import ProveStock
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, StockLost, WorkerError

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two reads of stock that was given back, at the run's end; half a minute in all."""

Levels = dict[tuple[int, int], int]
"""(variant, location) -> how many there are."""


def prove(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Give rebuilt variants the stock that they had, and read it; what cannot be read yet is looked at again later.

    A new variant begins at 0. So a level that is neither 0 nor what was written has arrived, and somebody has
    changed it since: it is left as it is. Everything here is absolute and may be broken off and done again.
    """
    jobs = _furnished(client, jobs)
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
            yield Applied(job, problems=_kept(job, levels))
        elif not _proof(job).is_last:
            yield Applied(job, revised=replace(_proof(job), is_last=True))
        else:
            yield _lost(job, levels, words.get(job.pending_id))


def _proof(job: Job) -> ProveStock:
    assert isinstance(job.change, ProveStock)
    return job.change


def _own(job: Job) -> Relation:
    assert job.relation is not None
    return job.relation


def _furnished(client: Client, jobs: Sequence[Job]) -> list[Job]:
    """The jobs with settings and prices given back, and with the store's words where it refused some."""
    settings: dict[int, list[tuple[Job, dict[str, Any]]]] = {}
    prices: dict[int, list[tuple[Job, dict[str, Any]]]] = {}
    for job in jobs:
        for location, one in _proof(job).settings:
            settings.setdefault(location, []).append((job, {"identity": {"variant_id": _own(job).store_id}, **one}))
        for price_list, one in _proof(job).prices:
            prices.setdefault(price_list, []).append((job, {"variant_id": _own(job).store_id, **one}))
    refused: dict[int, str] = {}
    for location, parts in settings.items():
        path = f"/v3/inventory/locations/{location}/items"
        refused |= _sent(client, path, parts, STOCK_ROWS_PER_BATCH, lambda items: {"settings": items})
    for price_list, parts in prices.items():
        path = f"/v3/pricelists/{price_list}/records"
        refused |= _sent(client, path, parts, PRICE_RECORDS_PER_BATCH, lambda items: items)
    return [
        replace(job, change=replace(_proof(job), settings=(), prices=(), lost=refused.get(job.pending_id, "")))
        if _proof(job).settings or _proof(job).prices
        else job
        for job in jobs
    ]


def _sent(
    client: Client,
    path: str,
    parts: Sequence[tuple[Job, dict[str, Any]]],
    most: int,
    body: Callable[[list[dict[str, Any]]], Any],
) -> dict[int, str]:
    """Pending change -> why the store refused its part."""

    def call(part: Sequence[tuple[Job, dict[str, Any]]]) -> Answer:
        return client.put(path, body([one for _, one in part]))

    refused = {}
    for start in range(0, len(parts), most):
        for (job, _), answer in batches.send(parts[start : start + most], call):
            if isinstance(answer, RefusedByStore):
                refused[job.pending_id] = str(answer)
            elif isinstance(answer, WorkerError):
                raise answer
    return refused


def _look(client: Client, jobs: Sequence[Job]) -> tuple[list[Job], Levels]:
    """Those whose stock is not there yet, and the levels of all."""
    rows = reads.stock_of(client, [_own(job).store_id for job in jobs if _proof(job).stock])
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
        return write_stock.put(client, "variant made anew", items)

    for start in range(0, len(wanted), STOCK_ROWS_PER_BATCH):
        for (job, _, _), answer in batches.send(wanted[start : start + STOCK_ROWS_PER_BATCH], call):
            if isinstance(answer, RefusedByStore):
                refused[job.pending_id] = answer
            elif isinstance(answer, WorkerError):
                raise answer
    return refused


def _kept(job: Job, levels: Levels) -> tuple[Problem, ...]:
    proof = _proof(job)
    changed = [
        f"{now} by now at location {location}"
        for location, quantity in proof.stock
        if (now := levels.get((_own(job).store_id, location), 0)) != quantity
    ]
    since = f" (changed since: {', '.join(changed)})" if changed else ""
    stock = f"{in_words(proof.stock)}{since}, " if proof.stock else ""
    rebuilt = rebuilt_as(f"{stock}{proof.kept}", proof.words)
    lost = Problem("not_given_back", f"made anew, and the store did not take back what it had: {proof.lost}")
    return (lost, rebuilt) if proof.lost else (rebuilt,)


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
    levels = ", ".join(f"{quantity} at location {location}" for location, quantity in stock)
    return f"stock {levels}" if levels else ""
