"""Variants sent to the store: updated by fifty, created one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, decode, encode, product_parts, reads
from worker.bigcommerce.client import Answer, Client
from worker.catalog import pictures
from worker.catalog.changes import CreateVariant, UpdateVariant
from worker.catalog.fields import Group
from worker.catalog.items import Image, Key, Option, Problem, Variant
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, WorkerError

PATH = "/v3/catalog/variants"


def update(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Update variants, those of several products in one call."""

    def call(part: Sequence[Job]) -> Answer:
        return client.put(PATH, [{"id": _id(job), **_changes(job)} for job in part])

    for job, answer in batches.send(jobs, call):
        sends_image = "image_url" in _changes(job)
        if sends_image and isinstance(answer, RefusedByStore) and product_parts.is_about_images(answer):
            yield _without_image(client, job, answer)
        elif isinstance(answer, WorkerError):
            yield Applied(job, trouble=answer)
        else:
            yield _updated(job, ())


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
            client.put(PATH, [{"id": _id(job), **body}])
        except WorkerError as trouble:
            return Applied(job, trouble=trouble)
    return _updated(job, notes, _refusals(images, refusal))


def parts_without(variant: Variant, refusal: RefusedByStore | None) -> dict[str, Any]:
    """The parts of a new variant's relation, where the store may have refused its picture."""
    return pictures.with_refused({}, _refusals(variant.images[:1], refusal) if refusal is not None else {})


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
        options = with_values(client, product.store_id, change.options, [change.variant])
        body = encode.new_variant(change.variant)
        body["option_values"] = chosen(change.variant, options)
        try:
            row, refused = posted(client, f"{path}/variants", body)
        except RefusedByStore as refusal:
            found = _look_up(client, job) if refusal.status == 409 and job.unsure else None
            if found is None:
                return Applied(job, trouble=refusal)
            return _created(job, found, product, adopted=True)
        product = replace(product, parts={**product.parts, "options": options})
        made = _created(job, row, product)
        if refused is None:
            return made
        own, *rest = made.relations
        own = replace(own, parts=parts_without(change.variant, refused))
        problems = tuple(pictures.refused(one, refused) for one in change.variant.images[:1])
        return replace(made, relations=(own, *rest), problems=problems)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)


def posted(client: Client, path: str, body: encode.Body) -> tuple[Any, RefusedByStore | None]:
    """The variant that the body makes; without its picture, and with the reason, where the store refuses that one."""
    try:
        return client.post(path, body).data, None
    except RefusedByStore as refusal:
        if "image_url" not in body or not product_parts.is_about_images(refusal):
            raise
        bare = {name: value for name, value in body.items() if name != "image_url"}
        return client.post(path, bare).data, refusal


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


def with_values(
    client: Client, product_id: int, wanted: Sequence[Option], variants: Sequence[Variant]
) -> dict[str, Any]:
    """The product's options by name (id, and ids of the values by label), all that these variants need among them."""
    path = f"/v3/catalog/products/{product_id}/options"
    options: dict[str, Any] = {
        str(row["display_name"]): {
            "id": int(row["id"]),
            "values": {str(value["label"]): int(value["id"]) for value in row["option_values"]},
        }
        for row in reads.options_of(client, product_id)
    }
    for place, option in enumerate(wanted):
        used = {value.label for variant in variants for value in variant.options if value.option == option.name}
        name = decode.option_named(options, option.name)
        if name not in options:
            answer = client.post(path, encode.shown_option(option, place, {}))
            options[name] = {
                "id": int(answer.data["id"]),
                "values": {str(value["label"]): int(value["id"]) for value in answer.data["option_values"]},
            }
        for order, (label, colors) in enumerate(option.values):
            if label in used and label not in options[name]["values"]:
                body: encode.Body = {"label": label, "sort_order": order}
                if colors:
                    body["value_data"] = {"colors": list(colors)}
                answer = client.post(f"{path}/{options[name]['id']}/values", body)
                options[name]["values"][label] = int(answer.data["id"])
    return options


def chosen(variant: Variant, options: Mapping[str, Any]) -> list[dict[str, int]]:
    """The variant's option values as ids of the store."""
    held = [(options[decode.option_named(options, value.option)], value.label) for value in variant.options]
    return [{"option_id": option["id"], "id": option["values"][label]} for option, label in held]


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id
