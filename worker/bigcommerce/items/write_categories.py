"""Categories sent to the store's trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from worker.bigcommerce import batches, encode, reads, trail
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.items import step_aside
from worker.bigcommerce.items.category_attempt import Attempt, category_of
from worker.bigcommerce.limits import CATEGORIES_PER_BATCH
from worker.catalog.changes import CreateCategory, UpdateCategory
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PATH = "/v3/catalog/trees/categories"


def create(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Create categories of one level; those that an earlier slice may have made are looked up first."""
    fresh = []
    for job in jobs:
        try:
            found = _look_up(client, job) if job.unsure else None
        except WorkerError as trouble:
            yield Applied(job, trouble=trouble)
            continue
        if found is not None:
            yield _created(Attempt(job), found, adopted=True)
        else:
            fresh.append(Attempt(job))
    if fresh:
        yield from _create(client, fresh)


def _create(client: Client, attempts: Sequence[Attempt]) -> Iterator[Applied]:
    """One call; what it made is told by place and name, not by position (API facts §7)."""
    trail.begin()
    try:
        answer = client.post(PATH, [attempt.body for attempt in attempts])
    except RefusedByStore as whole:
        yield from _refused(client, attempts, whole)
        return
    except WorkerError as trouble:
        yield from (Applied(attempt.job, trouble=trouble, revised=attempt.kept(trouble)) for attempt in attempts)
        return
    made = _by_place(answer)
    left = []
    for place, attempt in enumerate(attempts):
        found = made.get(_place(attempt.job))
        if found is not None:
            yield _created(attempt, found)
        else:
            left.append((place, attempt))
    refusal = RefusedByStore(answer.status, answer.title, answer.errors, answer.body)
    lighter = [again for place, one in left if (again := one.lighter(_reasons(refusal, place, alone=True))) is not None]
    yield from _create_in_portions(client, lighter)
    retried = {again.job.pending_id for again in lighter}
    for _, attempt in left:
        if attempt.job.pending_id in retried:
            continue
        if len(attempts) == 1:
            yield Applied(attempt.job, trouble=refusal)
        else:
            # 207: the others were made; alone, this one gets its own reason.
            yield from _create(client, [attempt])


def _refused(client: Client, attempts: Sequence[Attempt], refusal: RefusedByStore) -> Iterator[Applied]:
    """Nothing was made: again without what the store says it refused, else halved until the guilty one stands alone."""
    # Its sentence names the place; one without a place is believed only of an item that stood alone.
    named = [_reasons(refusal, place, alone=len(attempts) == 1) for place in range(len(attempts))]
    lighter = [one.lighter(reasons) for one, reasons in zip(attempts, named, strict=True)]
    if any(lighter):
        yield from _create_in_portions(client, [again or one for again, one in zip(lighter, attempts, strict=True)])
    elif len(attempts) > 1:
        middle = len(attempts) // 2
        is_taken = True
        for one in chain(_create(client, attempts[:middle]), _create(client, attempts[middle:])):
            is_taken = is_taken and one.trouble is None
            yield one
        if is_taken or refusal.status == batches.TOO_LARGE:
            client.portions.narrow("categories", len(attempts))
    else:
        yield Applied(attempts[0].job, trouble=refusal)


def _create_in_portions(client: Client, attempts: Sequence[Attempt]) -> Iterator[Applied]:
    """As many in a call as the store takes; those that have no URL any more go fewer at a time (API facts §2.5)."""
    addressed = [attempt for attempt in attempts if "url" in attempt.body]
    plain = [attempt for attempt in attempts if "url" not in attempt.body]
    for portion in batches.in_portions(addressed, lambda: client.portions.categories):
        yield from _create(client, portion)
    for portion in batches.in_portions(plain, lambda: CATEGORIES_PER_BATCH):
        yield from _create(client, portion)


def _reasons(refusal: RefusedByStore, place: int, *, alone: bool) -> dict[str, str]:
    """Field -> what the store says of it for the item at this place (`"1.url": "..."`, API facts §3.1)."""
    mine = {}
    for name, reason in refusal.errors.items():
        at, _, field = name.rpartition(".")
        if at == str(place) or at.endswith(f".{place}") or (alone and not at):
            mine[field] = reason
    return mine


def update(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Update categories; `PUT` answers without rows (API facts §3.1)."""
    yield from _update(client, [Attempt(job) for job in jobs])


def _update(client: Client, attempts: Sequence[Attempt]) -> Iterator[Applied]:
    """One call; what is refused of a category that stands alone is left out of it, where that can be."""

    def call(part: Sequence[Attempt]) -> Answer:
        return client.put(PATH, [attempt.body for attempt in part])

    yield from (_updated(client, attempt) for attempt in attempts if attempt.is_empty)
    full = [attempt for attempt in attempts if not attempt.is_empty]
    too_many = partial(client.portions.narrow, "categories")
    for attempt, answer in batches.send(full, call, too_many=too_many) if full else ():
        refusal = answer if isinstance(answer, WorkerError) else _partly(answer)
        if refusal is None:
            yield _updated(client, attempt)
        elif not isinstance(refusal, RefusedByStore):
            yield Applied(attempt.job, trouble=refusal, revised=attempt.kept(refusal))
        elif len(full) > 1 and refusal.status == 207:
            yield from _update(client, [attempt])
        elif (lighter := attempt.lighter(_reasons(refusal, 0, alone=True))) is not None:
            yield from _update(client, [lighter])
        elif step_aside.is_needed(attempt.job, refusal):
            yield step_aside.step_aside(attempt.job, partial(_put_alone, client, attempt.job), attempt.body, refusal)
        else:
            yield Applied(attempt.job, trouble=refusal)


def _put_alone(client: Client, job: Job, fields: encode.Body) -> Answer:
    assert job.relation is not None
    return client.put(PATH, [{"category_id": job.relation.store_id, **fields}])


def _partly(answer: Answer) -> RefusedByStore | None:
    """207: some of them were changed, and the answer names those that were not."""
    return RefusedByStore(answer.status, answer.title, answer.errors, answer.body) if answer.status == 207 else None


def _updated(client: Client, attempt: Attempt) -> Applied:
    job, change = attempt.job, attempt.job.change
    assert isinstance(change, UpdateCategory)
    assert job.relation is not None
    if Group.IMAGES in change.groups and not change.category.images:
        try:
            client.remove(f"/v3/catalog/categories/{job.relation.store_id}/image")
        except WorkerError as trouble:
            return Applied(job, trouble=trouble)
    relation = Relation(
        job.relation.key,
        job.relation.store_id,
        job.parent_store_id,
        job.relation.created_here,
        change.category.fields.get("is_visible") is not False,
        {**job.relation.fingerprints, **change.fingerprints},
        attempt.parts(job.relation.parts),
    )
    return Applied(job, (relation,), attempt.problems)


def _place(job: Job) -> tuple[int, int, str | None]:
    name = category_of(job).fields.get("name")
    return (job.tree_id, job.parent_store_id, key(str(name)))


def _by_place(answer: Answer) -> dict[tuple[int, int, str | None], Mapping[str, Any]]:
    return {
        (int(row.get("tree_id") or 0), int(row.get("parent_id") or 0), key(row["name"])): row
        for row in answer.data or ()
    }


def _look_up(client: Client, job: Job) -> Mapping[str, Any] | None:
    """The category of this name at this place, if an earlier slice made it (law 3)."""
    name = str(category_of(job).fields.get("name"))
    rows = reads.categories_named(client, tree_id=job.tree_id, parent_id=job.parent_store_id, name=name)
    return next((row for row in rows if key(row["name"]) == key(name)), None)


def _created(attempt: Attempt, row: Mapping[str, Any], *, adopted: bool = False) -> Applied:
    job, change = attempt.job, attempt.job.change
    assert isinstance(change, CreateCategory)
    relation = Relation(
        key_of(change),
        int(row["category_id"]),
        job.parent_store_id,
        created_here=True,
        enabled=change.category.fields.get("is_visible") is not False,
        fingerprints=change.fingerprints,
        parts=attempt.parts({}),
    )
    return Applied(job, (relation,), attempt.problems, adopted=adopted)
