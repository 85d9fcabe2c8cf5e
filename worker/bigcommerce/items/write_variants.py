"""Variants sent to the store: updated by fifty, created one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, encode, partly, reads, write_stock
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.items import step_aside
from worker.bigcommerce.options import product_options
from worker.bigcommerce.parts import pictures_sent
from worker.catalog import pictures
from worker.catalog.changes import CreateVariant, UpdateVariant
from worker.catalog.fields import Group
from worker.catalog.items import Image, Key, Problem, Variant
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PATH = "/v3/catalog/variants"


def update(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Update variants, those of several products in one call; one that gives a value up goes alone."""
    bodies = {job.pending_id: _changes(job) for job in jobs}
    together = [job for job in jobs if bodies[job.pending_id] and not _gives_up(bodies[job.pending_id])]

    def call(part: Sequence[Job]) -> Answer:
        return client.put(PATH, [{"id": _id(job), **bodies[job.pending_id]} for job in part])

    # Where nothing but a remark is new, the status alone is told.
    yield from (_updated(job, ()) for job in jobs if not bodies[job.pending_id])

    def call_alone(part: Sequence[Job]) -> Answer:
        return client.put(_path(part[0]), bodies[part[0].pending_id])

    answers = [batches.send(together, call)] if together else []
    answers += [batches.send([job], call_alone) for job in jobs if _gives_up(bodies[job.pending_id])]
    for job, answer in chain.from_iterable(answers):
        sends_image = "image_url" in bodies[job.pending_id]
        if sends_image and isinstance(answer, RefusedByStore) and pictures_sent.is_about_images(answer):
            yield _without_image(client, job, answer)
        elif isinstance(answer, WorkerError) and step_aside.is_needed(job, answer):
            put = partial(client.put, _path(job))
            yield step_aside.step_aside(job, put, bodies[job.pending_id], answer)
        elif isinstance(answer, WorkerError):
            yield Applied(job, trouble=answer)
        else:
            yield _updated(job, ())


def _gives_up(body: encode.Body) -> bool:
    """Whether a field becomes null, which the batch does not know (API facts §4.2)."""
    return None in body.values()


def _without_image(client: Client, job: Job, refusal: RefusedByStore) -> Applied:
    """The same without its picture; where it was to be taken away, the old one stays."""
    change = job.change
    assert isinstance(change, UpdateVariant)
    images = change.variant.images[:1]
    left = Problem("image_refused", f"the store did not take the old picture away: {refusal}", "images")
    notes = tuple(pictures.refused(one, refusal) for one in images) or (left,)
    body = {name: value for name, value in _changes(job).items() if name != "image_url"}
    if body:
        try:
            client.put(_path(job), body)
        except WorkerError as trouble:
            return Applied(job, trouble=trouble)
    return _updated(job, notes, _refusals(images, refusal))


def _refusals(images: Sequence[Image], refusal: RefusedByStore) -> dict[str, tuple[str, str]]:
    return {one.source_id: (one.url, str(refusal)) for one in images}


def _updated(
    job: Job, problems: tuple[Problem, ...], refused: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> Applied:
    change, relation = job.change, job.relation
    assert isinstance(change, UpdateVariant)
    assert relation is not None
    relation = replace(
        relation,
        fingerprints={
            **relation.fingerprints,
            **{group: value for group, value in change.fingerprints.items() if group in change.groups},
        },
        enabled=change.variant.fields.get("enabled") is not False,
        parts=pictures.with_refused(relation.parts, refused) if Group.IMAGES in change.groups else relation.parts,
    )
    return Applied(job, (relation,), problems)


def _changes(job: Job) -> encode.Body:
    change = job.change
    assert isinstance(change, UpdateVariant)
    body = encode.changed_variant(change.variant, change.groups)
    if job.relation is not None and not job.relation.enabled and "purchasing_disabled" not in body:
        body["purchasing_disabled"] = change.variant.fields.get("enabled") is False
    return body


def disable(client: Client, jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer | WorkerError]]:
    """Make variants that are gone at the source not purchasable."""

    def call(part: Sequence[Job]) -> Answer:
        return client.put(PATH, [{"id": _id(job), "purchasing_disabled": True} for job in part])

    yield from batches.send(jobs, call)


def create(client: Client, job: Job) -> Applied:
    """Add a variant to its product; options and values that the product lacks are made first."""
    change, product = job.change, job.parent
    assert isinstance(change, CreateVariant)
    assert product is not None
    path = f"/v3/catalog/products/{product.store_id}"
    try:
        if job.unsure and (found := _look_up(client, job)):
            return _created(job, found, product, adopted=True)
        options = product_options.with_values(client, product.store_id, change.options, [change.variant])
        body = encode.new_variant(change.variant)
        body["option_values"] = product_options.chosen(change.variant, options)
        try:
            answer, refused = _posted(client, f"{path}/variants", body)
        except RefusedByStore as refusal:
            found = _look_up(client, job) if refusal.status == 409 and job.unsure else None
            if found is None:
                return Applied(job, trouble=refusal)
            return _created(job, found, product, adopted=True)
        own = product_options.ours(options, product.parts.get("options") or {}, [change.variant])
        product = replace(product, parts={**product.parts, "options": own})
        following = write_stock.left_out(answer, job)
        told = partly.problems(answer, stock_follows=bool(following))
        made = replace(_created(job, answer.data, product), following=following, problems=told)
        return made if refused is None else _made_without_image(made, change.variant, refused)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)


def _made_without_image(made: Applied, variant: Variant, refused: RefusedByStore) -> Applied:
    own, *rest = made.relations
    own = replace(own, parts=pictures.with_refused({}, _refusals(variant.images[:1], refused)))
    problems = tuple(pictures.refused(one, refused) for one in variant.images[:1])
    return replace(made, relations=(own, *rest), problems=(*made.problems, *problems))


def _posted(client: Client, path: str, body: encode.Body) -> tuple[Answer, RefusedByStore | None]:
    """The variant that the body makes; without its picture, and with the reason, where the store refuses that one."""
    try:
        return client.post(path, body), None
    except RefusedByStore as refusal:
        if "image_url" not in body or not pictures_sent.is_about_images(refusal):
            raise
        bare = {name: value for name, value in body.items() if name != "image_url"}
        return client.post(path, bare), refusal


def _created(job: Job, row: Any, product: Relation, *, adopted: bool = False) -> Applied:
    change = job.change
    assert isinstance(change, CreateVariant)
    own = Relation(
        Key(ItemKind.VARIANT, change.source_id),
        int(row["id"]),
        product.store_id,
        created_here=True,
        enabled=change.variant.fields.get("enabled") is not False,
        fingerprints=change.fingerprints,
    )
    return Applied(job, (own, product), adopted=adopted)


def _look_up(client: Client, job: Job) -> Any | None:
    """The variant of this SKU in its product, unless another item is linked to it."""
    change, product = job.change, job.parent
    assert isinstance(change, CreateVariant)
    assert product is not None
    wanted = key(str(change.variant.fields.get("sku")))
    rows = (row for row in reads.variants_of(client, product.store_id) if key(row.get("sku")) == wanted)
    return next((row for row in rows if int(row["id"]) not in job.taken), None)


def _path(job: Job) -> str:
    assert job.parent is not None
    return f"/v3/catalog/products/{job.parent.store_id}/variants/{_id(job)}"


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id
