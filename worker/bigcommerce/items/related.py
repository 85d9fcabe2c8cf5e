"""Related products, told once all of them are in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from worker.bigcommerce import batches
from worker.bigcommerce.client import Answer, Client
from worker.catalog.changes import RelateProducts
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PRODUCTS = "/v3/catalog/products"
AUTOMATIC = [-1]
"""The store chooses related products by category (API facts §3.3)."""


def relate(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Tell the store the lists that differ from its own, ten products a call."""
    told = [job for job in jobs if not _stands(job)]

    def put(part: Sequence[Job]) -> Answer:
        return client.put(PRODUCTS, [{"id": _id(job), "related_products": _wanted(job)} for job in part])

    yield from (_related(job, None) for job in jobs if _stands(job))
    for job, answer in batches.send(told, put) if told else ():
        if isinstance(answer, WorkerError) and not _is_about_the_list(answer):
            yield Applied(job, trouble=answer)
        else:
            yield _related(job, answer if isinstance(answer, RefusedByStore) else None)


def _stands(job: Job) -> bool:
    """Whether there is nothing to tell: the store has the list, or there is none and never was one of ours."""
    if not job.related and not _told_before(job):
        return True
    return not job.unsure and job.related_before is not None and list(job.related_before) == _wanted(job)


def _is_about_the_list(answer: WorkerError) -> bool:
    """A refused list costs the product that list alone; a product that is gone (404) is another matter."""
    return isinstance(answer, RefusedByStore) and answer.status != 404


def _related(job: Job, refusal: RefusedByStore | None) -> Applied:
    change, relation = job.change, job.relation
    assert isinstance(change, RelateProducts)
    assert relation is not None
    problems = []
    if job.unrelated:
        text = f"sent without related products that are not in the store; they follow: {', '.join(job.unrelated)}"
        problems.append(Problem("related_missing", text, "related_products"))
    if refusal is not None:
        text = f"the store refused the related products: {refusal}"
        problems.append(Problem("related_refused", text, "related_products"))
    # What lacks somebody is not all that the source says: it counts as sent when it is whole.
    sent = {} if problems else {Group.RELATED.value: change.fingerprint}
    kept = {group: value for group, value in relation.fingerprints.items() if group != Group.RELATED}
    ids = _told_before(job) if refusal is not None else job.related
    parts = {**relation.parts, "related": {"ids": list(ids), "missing": [key(one) for one in job.unrelated]}}
    return Applied(job, (replace(relation, fingerprints={**kept, **sent}, parts=parts),), tuple(problems))


def _told_before(job: Job) -> tuple[int, ...]:
    assert job.relation is not None
    return tuple((job.relation.parts.get("related") or {}).get("ids") or ())


def _wanted(job: Job) -> list[int]:
    return list(job.related) or AUTOMATIC


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id
