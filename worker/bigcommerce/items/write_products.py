"""Products sent to the store: created whole, updated by ten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, decode, encode, partly, reads, trail, write_stock
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.items import step_aside
from worker.bigcommerce.parts import pictures_sent, product_parts
from worker.catalog import bulk_pricing, pictures
from worker.catalog.changes import CreateProduct, UpdateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Key, Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PATH = "/v3/catalog/products"
LAG_SECONDS = 2.0
"""A read by SKU may lag a little behind a create (API facts §7): look twice before creating again."""


def create(client: Client, job: Job) -> Applied:
    """Create a product with everything inline; one that an earlier slice may have made is looked up first."""
    _creation(job)
    if job.unsure:
        found = _look_up(client, job) or _look_again(client, job)
        if found is not None:
            return _adopted(client, job, found)
    try:
        answer = client.post(PATH, _body(job))
    except RefusedByStore as refusal:
        return _refused(client, job, refusal)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    return _made(client, job, answer)


def _refused(client: Client, job: Job, refusal: RefusedByStore, without: frozenset[Group] = frozenset()) -> Applied:
    """A refused picture, rule or video does not fail its product: it is made without them, then each is tried."""
    change = _creation(job)
    if refusal.status == 409 and job.unsure:
        found = _look_up(client, job) or _look_again(client, job)
        if found is not None:
            return _adopted(client, job, found)
    if _is_about_the_url(refusal) and change.product.fields.get("url") and (job.attempts or refusal.status != 409):
        # Nobody has given it up meanwhile. A refused URL does not fail its product (decision 0007).
        text = f"the store refused the URL {change.product.fields['url']} and made one of its own: {refusal}"
        applied = create(client, replace(job, change=_without_url(change), unsure=False))
        return replace(applied, job=job, problems=(Problem("url_refused", text, "url"), *applied.problems))
    has_images = change.product.images or any(variant.images for variant in change.variants)
    has_parts = change.product.bulk_rules or change.product.videos
    if pictures_sent.is_about_images(refusal) and has_images and Group.IMAGES not in without:
        without |= {Group.IMAGES}
    elif product_parts.is_about_parts(refusal) and has_parts and Group.VIDEOS not in without:
        without |= {Group.VIDEOS, Group.BULK_PRICING}
    else:
        return Applied(job, trouble=refusal)
    with_images, with_parts = Group.IMAGES not in without, Group.VIDEOS not in without
    try:
        answer = client.post(PATH, _body(job, with_images=with_images, with_parts=with_parts))
    except RefusedByStore as again:
        return _refused(client, job, again, without)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    applied = _made(client, job, answer)
    applied = applied if with_images else pictures_sent.add_pictures(client, applied)
    return applied if with_parts else product_parts.complete(client, applied)


def _is_about_the_url(refusal: RefusedByStore) -> bool:
    return refusal.status in (409, 422) and any("url" in name and "image" not in name for name in refusal.errors)


def _without_url(change: CreateProduct) -> CreateProduct:
    fields = {name: value for name, value in change.product.fields.items() if name != "url"}
    return replace(change, product=replace(change.product, fields=fields))


def _made(client: Client, job: Job, answer: Answer) -> Applied:
    """The product that the store has just made; stock that it left out follows."""
    following = write_stock.left_out(answer, job)
    made = _created(client, job, _row(answer), partly.problems(answer, stock_follows=bool(following)))
    return replace(made, following=following)


def _created(
    client: Client, job: Job, raw: Mapping[str, Any], problems: tuple[Problem, ...], *, adopted: bool = False
) -> Applied:
    """The product and its variants with their ids in the store."""
    change = _creation(job)
    expected = {
        "variants": change.variants,
        "bulk_pricing_rules": change.product.bulk_rules,
        "videos": change.product.videos,
    }
    if any(wanted and name not in raw for name, wanted in expected.items()):
        # The answer's shape is not promised (API facts §3.3): read again where it lacks what was sent.
        raw = reads.product(client, int(raw["id"]))
    own_parts = decode.parts(raw)
    by_place = zip(change.product.images, own_parts["images"], strict=False)
    parts = {
        # What was just made stands in the order that was sent; what is adopted may lack a picture in the middle.
        "images": pictures.held_by(change.product.images, own_parts["images"])
        if adopted
        else {one.source_id: pictures.remembered(one, held[0], place) for place, (one, held) in enumerate(by_place)},
        "custom_fields": own_parts["custom_fields"],
        "bulk_rules": [
            one for one in own_parts["bulk_rules"] if bulk_pricing.from_row(one)[1] in change.product.bulk_rules
        ],
        "videos": [one for one in own_parts["videos"] if one[0] in (change.product.videos or ())],
        "options": own_parts["options"],
        "storefronts": [],
    }
    product_id = int(raw["id"])
    fingerprints = {group: value for group, value in change.fingerprints.items() if group not in _LATER}
    fingerprints[Group.CATEGORIES] = job.categories_sent()
    own = Relation(
        Key(ItemKind.PRODUCT, job.change.source_id),
        product_id,
        None,
        created_here=True,
        enabled=change.product.fields.get("is_visible") is not False,
        fingerprints=fingerprints,
        parts=parts,
    )
    by_sku = {key(one.get("sku")): int(one["id"]) for one in raw.get("variants") or ()}
    variants = [
        Relation(
            Key(ItemKind.VARIANT, variant.source_id),
            by_sku[sku],
            product_id,
            created_here=True,
            enabled=variant.fields.get("enabled") is not False,
            fingerprints=change.variant_fingerprints.get(variant.source_id, {}),
        )
        for variant in change.variants
        if (sku := key(str(variant.fields.get("sku")))) in by_sku
    ]
    return Applied(job, (own, *variants), problems, adopted=adopted)


_LATER = frozenset({Group.STOREFRONTS, Group.OPTIONS})
"""Groups that other changes send once the product is there."""


def _adopted(client: Client, job: Job, found: Mapping[str, Any]) -> Applied:
    """The product that an earlier slice made; what it lacks of what was sent is completed at once."""
    applied = _created(client, job, found, (), adopted=True)
    change = _creation(job)
    parts, product = applied.relations[0].parts, change.product
    if len(parts["images"]) != len(product.images):
        applied = pictures_sent.add_pictures(client, applied)
    if len(parts["bulk_rules"]) != len(product.bulk_rules) or len(parts["videos"]) != len(product.videos or ()):
        applied = product_parts.complete(client, applied)
    return applied


def update(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Update products by ten, then what hangs on each of them."""
    bodies = {job.pending_id: _changes(job) for job in jobs}
    for job, answer in _put(client, [job for job in jobs if bodies[job.pending_id]], bodies):
        if not isinstance(answer, WorkerError):
            yield _updated(client, job, partly.problems(answer))
        elif step_aside.is_needed(job, answer):
            put = partial(client.put, f"{PATH}/{_id(job)}")
            yield step_aside.step_aside(job, put, bodies[job.pending_id], answer)
        else:
            yield Applied(job, trouble=answer)
    for job in jobs:
        if not bodies[job.pending_id]:
            trail.begin()
            yield _updated(client, job, ())


def hide(client: Client, jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer | WorkerError]]:
    """Hide products that are gone at the source."""
    yield from _put(client, jobs, {job.pending_id: {"is_visible": False} for job in jobs})


def _put(
    client: Client, jobs: Sequence[Job], bodies: Mapping[int, encode.Body]
) -> Iterator[tuple[Job, Answer | WorkerError]]:
    def call(part: Sequence[Job]) -> Answer:
        if len(part) == 1:
            return client.put(f"{PATH}/{_id(part[0])}", bodies[part[0].pending_id])
        return client.put(PATH, [{"id": _id(job), **bodies[job.pending_id]} for job in part])

    for job, answer in batches.send(jobs, call) if jobs else ():
        if isinstance(answer, Answer) and answer.status == 207 and len(jobs) > 1:
            # Saved in part, and a batch does not say which: alone, each gets its own answer.
            yield from _put(client, [job], bodies)
        else:
            yield job, answer


def _updated(client: Client, job: Job, problems: tuple[Problem, ...]) -> Applied:
    change, relation = job.change, job.relation
    assert isinstance(change, UpdateProduct)
    assert relation is not None
    sent = {
        group: value
        for group, value in change.fingerprints.items()
        if group in change.groups and group not in _LATER | product_parts.GROUPS
    }
    if Group.CATEGORIES in change.groups:
        sent[Group.CATEGORIES] = job.categories_sent()
    visible = change.product.fields.get("is_visible")
    relation = replace(
        relation,
        fingerprints={**relation.fingerprints, **sent},
        enabled=visible is not False if Group.VISIBILITY in change.groups or visible is None else relation.enabled,
    )
    return product_parts.bring_forward(client, Applied(job, (relation,), problems))


def _changes(job: Job) -> encode.Body:
    change = job.change
    assert isinstance(change, UpdateProduct)
    body = encode.changed_product(
        change.product, change.groups, category_ids=job.category_ids if Group.CATEGORIES in change.groups else None
    )
    if job.relation is not None and not job.relation.enabled and "is_visible" not in body:
        # It was disabled when it was gone; it is back.
        body["is_visible"] = change.product.fields.get("is_visible") is not False
    return body


def _body(job: Job, *, with_images: bool = True, with_parts: bool = True) -> encode.Body:
    change = _creation(job)
    return encode.new_product(
        change.product,
        change.variants,
        category_ids=job.category_ids or (),
        with_images=with_images,
        with_parts=with_parts,
    )


def _look_up(client: Client, job: Job) -> Mapping[str, Any] | None:
    """The product of this SKU; by name only where the store's SKU is empty (law 3). Never one of another item."""
    product = _creation(job).product
    sku, name = str(product.fields.get("sku")), str(product.fields.get("name"))
    by_sku = (row for row in reads.products_by_sku(client, [sku]) if key(row.get("sku")) == key(sku))
    by_name = (
        row for row in reads.products_by_name(client, name) if key(row.get("name")) == key(name) and not row.get("sku")
    )
    for found in (by_sku, by_name):
        for row in found:
            if int(row["id"]) not in job.taken:
                return reads.product(client, int(row["id"]))
    return None


def _look_again(client: Client, job: Job) -> Mapping[str, Any] | None:
    client.rest(LAG_SECONDS)
    return _look_up(client, job)


def _row(answer: Answer) -> Mapping[str, Any]:
    data = answer.data[0] if isinstance(answer.data, list) else answer.data
    assert isinstance(data, Mapping)
    return data


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id


def _creation(job: Job) -> CreateProduct:
    assert isinstance(job.change, CreateProduct)
    return job.change
