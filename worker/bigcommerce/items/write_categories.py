"""Categories sent to the store's trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from worker.bigcommerce import batches, encode, reads, trail
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.items import step_aside
from worker.bigcommerce.limits import CATEGORIES_PER_BATCH, CATEGORIES_PER_BATCH_WITH_URL
from worker.catalog import pictures
from worker.catalog.changes import CreateCategory, UpdateCategory
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.items import Category, Problem
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
            yield _created(_Attempt(job), found, adopted=True)
        else:
            fresh.append(_Attempt(job))
    if fresh:
        yield from _create(client, fresh)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A category to be made or changed, and what is left out of it because the store refused it."""

    job: Job
    without: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    refused: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Source image id -> [url, reason]"""

    @property
    def body(self) -> encode.Body:
        if isinstance(self.job.change, UpdateCategory):
            whole = _changed(self.job)
        else:
            whole = encode.new_category(
                _category(self.job), tree_id=self.job.tree_id, parent_store_id=self.job.parent_store_id
            )
        return {name: value for name, value in whole.items() if name not in self.without}

    def lighter(self, reasons: Mapping[str, str]) -> _Attempt | None:
        """The same without what the store refused of it, if it can be sent without that."""
        name = next((one for one in _DISPENSABLE if one in self.body and one in reasons), None)
        if name is None:
            return None
        code, text = _DISPENSABLE[name]
        problem = Problem(code, f"{text}: {reasons[name]}", name)
        refused = self.refused
        if name == "image_url":
            refused = {one.source_id: (one.url, reasons[name]) for one in _category(self.job).images[:1]}
        return _Attempt(self.job, self.without | {name}, (*self.problems, problem), refused)

    def parts(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parts of its relation: which picture the store refused."""
        change = self.job.change
        if isinstance(change, UpdateCategory) and Group.IMAGES not in change.groups:
            return before
        return pictures.with_refused(before, self.refused)


_DISPENSABLE = {
    "url": ("url_refused", "the store refused the URL, the category has one of the store's own or the one it had"),
    "image_url": ("image_refused", "the store refused the picture, the category goes without it"),
}
"""What a category is sent without where the store refuses it, and how that is said."""


def _create(client: Client, attempts: Sequence[_Attempt]) -> Iterator[Applied]:
    """One call; what it made is told by place and name, not by position (API facts §7)."""
    trail.begin()
    try:
        answer = client.post(PATH, [attempt.body for attempt in attempts])
    except RefusedByStore as whole:
        yield from _refused(client, attempts, whole)
        return
    except WorkerError as trouble:
        yield from (Applied(attempt.job, trouble=trouble) for attempt in attempts)
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


def _refused(client: Client, attempts: Sequence[_Attempt], refusal: RefusedByStore) -> Iterator[Applied]:
    """Nothing was made: again without what the store says it refused, else halved until the guilty one stands alone."""
    # Its sentence names the place; one without a place is believed only of an item that stood alone.
    named = [_reasons(refusal, place, alone=len(attempts) == 1) for place in range(len(attempts))]
    lighter = [one.lighter(reasons) for one, reasons in zip(attempts, named, strict=True)]
    if any(lighter):
        yield from _create_in_portions(client, [again or one for again, one in zip(lighter, attempts, strict=True)])
    elif len(attempts) > 1:
        middle = len(attempts) // 2
        yield from _create(client, attempts[:middle])
        yield from _create(client, attempts[middle:])
    else:
        yield Applied(attempts[0].job, trouble=refusal)


def _create_in_portions(client: Client, attempts: Sequence[_Attempt]) -> Iterator[Applied]:
    """As many in a call as the store takes; those that have no URL any more go fewer at a time (API facts §2.5)."""
    addressed = [attempt for attempt in attempts if "url" in attempt.body]
    plain = [attempt for attempt in attempts if "url" not in attempt.body]
    for portion, most in ((addressed, CATEGORIES_PER_BATCH_WITH_URL), (plain, CATEGORIES_PER_BATCH)):
        for start in range(0, len(portion), most):
            yield from _create(client, portion[start : start + most])


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
    yield from _update(client, [_Attempt(job) for job in jobs])


def _update(client: Client, attempts: Sequence[_Attempt]) -> Iterator[Applied]:
    """One call; what is refused of a category that stands alone is left out of it, where that can be."""

    def call(part: Sequence[_Attempt]) -> Answer:
        return client.put(PATH, [attempt.body for attempt in part])

    bare = [attempt for attempt in attempts if len(attempt.body) == 1]  # its id: nothing is left to be put
    yield from (_updated(client, attempt) for attempt in bare)
    full = [attempt for attempt in attempts if len(attempt.body) > 1]
    for attempt, answer in batches.send(full, call) if full else ():
        refusal = answer if isinstance(answer, WorkerError) else _partly(answer)
        if refusal is None:
            yield _updated(client, attempt)
        elif not isinstance(refusal, RefusedByStore):
            yield Applied(attempt.job, trouble=refusal)
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


def _updated(client: Client, attempt: _Attempt) -> Applied:
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


def hide(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Hide categories that are gone at the source."""

    def call(part: Sequence[Job]) -> Answer:
        return client.put(
            PATH, [{"category_id": job.relation.store_id, "is_visible": False} for job in part if job.relation]
        )

    for job, answer in batches.send(jobs, call):
        if isinstance(answer, Answer) and answer.status == 207:
            partly = RefusedByStore(answer.status, answer.title, answer.errors, answer.body)
            yield from hide(client, [job]) if len(jobs) > 1 else [Applied(job, trouble=partly)]
        else:
            yield from disabled(iter([(job, answer)]))


def disabled(answers: Iterator[tuple[Job, Answer | WorkerError]]) -> Iterator[Applied]:
    """The jobs as disabled; one whose store item is gone already counts as done."""
    for job, answer in answers:
        if isinstance(answer, WorkerError) and not (isinstance(answer, RefusedByStore) and answer.status == 404):
            yield Applied(job, trouble=answer)
        else:
            relation = job.relation
            assert relation is not None
            yield Applied(
                job,
                (
                    Relation(
                        relation.key,
                        relation.store_id,
                        relation.parent_store_id,
                        relation.created_here,
                        False,
                        {name: value for name, value in relation.fingerprints.items() if name != "visibility"},
                        relation.parts,
                    ),
                ),
            )


def _category(job: Job) -> Category:
    assert isinstance(job.change, CreateCategory | UpdateCategory)
    return job.change.category


def _changed(job: Job) -> encode.Body:
    assert isinstance(job.change, UpdateCategory)
    assert job.relation is not None
    moved = None if job.relation.parent_store_id == job.parent_store_id else job.parent_store_id
    body = encode.changed_category(
        job.change.category, job.change.groups, store_id=job.relation.store_id, parent_store_id=moved
    )
    if not job.relation.enabled and "is_visible" not in body:
        # It was disabled when it was gone, or shown elsewhere; it is back.
        body["is_visible"] = job.change.category.fields.get("is_visible") is not False
    return body


def _place(job: Job) -> tuple[int, int, str | None]:
    name = _category(job).fields.get("name")
    return (job.tree_id, job.parent_store_id, key(str(name)))


def _by_place(answer: Answer) -> dict[tuple[int, int, str | None], Mapping[str, Any]]:
    return {
        (int(row.get("tree_id") or 0), int(row.get("parent_id") or 0), key(row["name"])): row
        for row in answer.data or ()
    }


def _look_up(client: Client, job: Job) -> Mapping[str, Any] | None:
    """The category of this name at this place, if an earlier slice made it (law 3)."""
    name = str(_category(job).fields.get("name"))
    rows = reads.categories_named(client, tree_id=job.tree_id, parent_id=job.parent_store_id, name=name)
    return next((row for row in rows if key(row["name"]) == key(name)), None)


def _created(attempt: _Attempt, row: Mapping[str, Any], *, adopted: bool = False) -> Applied:
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
