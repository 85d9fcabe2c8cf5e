"""The storefronts on which products are sold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from worker.bigcommerce import batches, trail
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.limits import PRODUCTS_PER_DELETE
from worker.catalog.calls import Call
from worker.catalog.changes import AssignStorefronts
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.errors import AnswerLost, RefusedByStore, WorkerError

ASSIGNMENTS = "/v3/catalog/products/channel-assignments"


def assign(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Put products on their storefronts, then take them off those of ours where they do not belong."""
    pairs = [(job, storefront) for job in jobs for storefront in _wanted(job)]
    troubles: dict[int, WorkerError] = {}
    refused: dict[int, list[Problem]] = {}
    calls: dict[int, tuple[Call, ...]] = {}

    def put(part: Sequence[tuple[Job, int]]) -> Answer:
        return client.put(ASSIGNMENTS, [{"product_id": _id(job), "channel_id": channel} for job, channel in part])

    too_many = partial(client.portions.narrow, "assignments")
    for portion in batches.in_portions(pairs, lambda: client.portions.assignments):
        for (job, storefront), answer in batches.send(portion, put, too_many=too_many):
            calls[job.pending_id] = trail.calls()
            if isinstance(answer, RefusedByStore):
                refused.setdefault(job.pending_id, []).append(_refused(job, storefront, "show it on", answer))
            elif isinstance(answer, WorkerError):
                troubles[job.pending_id] = answer
    off: dict[int, list[Job]] = {}
    for job in jobs:
        for storefront in _unwanted(job):
            off.setdefault(storefront, []).append(job)
    for storefront, there in off.items():
        for start in range(0, len(there), PRODUCTS_PER_DELETE):
            part = there[start : start + PRODUCTS_PER_DELETE]
            trail.begin()
            ids = ",".join(str(_id(job)) for job in part)
            try:
                client.delete(ASSIGNMENTS, {"product_id:in": ids, "channel_id:in": str(storefront)})
            except RefusedByStore as refusal:
                for job in part:
                    refused.setdefault(job.pending_id, []).append(_refused(job, storefront, "take it off", refusal))
            except WorkerError as trouble:
                troubles |= {job.pending_id: trouble for job in part}
            for job in part:
                calls[job.pending_id] = (*calls.get(job.pending_id, ()), *trail.calls())
    trail.begin()
    for job in jobs:
        assigned = _assigned(job, refused.get(job.pending_id, []), troubles.get(job.pending_id))
        yield replace(assigned, calls=calls.get(job.pending_id, ()))


def _refused(job: Job, storefront: int, what: str, refusal: RefusedByStore) -> Problem:
    named = job.storefront_names.get(storefront, "no name")
    text = f"the store refused to {what} storefront {storefront} ({named}): {refusal}"
    return Problem("assignment_refused", text, str(storefront))


def _assigned(job: Job, refused: Sequence[Problem], trouble: WorkerError | None) -> Applied:
    change, relation = job.change, job.relation
    assert isinstance(change, AssignStorefronts)
    assert relation is not None
    if trouble is not None:
        return Applied(job, trouble=trouble if not isinstance(trouble, AnswerLost) else AnswerLost(str(trouble)))
    sent = {} if refused else {Group.STOREFRONTS.value: change.fingerprint}
    others = {int(problem.field) for problem in refused if problem.field}
    # What was to be shown and was refused is not shown; what was to be taken off and was refused still is.
    shown = sorted({*change.storefronts} ^ others)
    relation = replace(
        relation, fingerprints={**relation.fingerprints, **sent}, parts={**relation.parts, "storefronts": shown}
    )
    return Applied(job, (relation,), tuple(refused))


def _wanted(job: Job) -> tuple[int, ...]:
    assert isinstance(job.change, AssignStorefronts)
    return tuple(one for one in job.change.storefronts if one not in job.change.left_alone)


def _unwanted(job: Job) -> list[int]:
    """Storefronts that we put it on, and the first one where the store itself put what we have just created."""
    assert isinstance(job.change, AssignStorefronts)
    assert job.relation is not None
    ours = set(job.relation.parts.get("storefronts") or ())
    if job.relation.created_here and Group.STOREFRONTS not in job.relation.fingerprints:
        # A product created by API may be shown on channel 1 by itself (API facts §6). Once it has been
        # assigned, whatever else shows it there is the merchant's own.
        ours.add(1)
    return sorted(ours - {*job.change.storefronts, *job.change.left_alone})


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id
