"""A product's pictures: added, moved, removed; others' stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.bigcommerce import encode, reads
from worker.bigcommerce.client import Client
from worker.catalog import pictures
from worker.catalog.changes import CreateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Image, Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError


def is_about_images(refusal: RefusedByStore) -> bool:
    """Whether the store refused a picture."""
    told = f"{refusal.title} {' '.join(refusal.errors)} {' '.join(refusal.errors.values())} {refusal.body}"
    return "image" in told.casefold()


def add_pictures(client: Client, applied: Applied) -> Applied:
    """The pictures of a product that was made without them, one by one; a refused one is a problem of its own."""
    change = applied.job.change
    assert isinstance(change, CreateProduct)
    before = len(applied.problems)
    applied = bring_forward(client, applied, change.product.images)
    own, *variants = applied.relations
    problems, trouble = list(applied.problems), applied.trouble
    wanted = {variant.source_id: variant.images[0] for variant in change.variants if variant.images}
    untold = {own.key} if trouble is not None or len(problems) > before else set()
    for relation in variants:
        one = wanted.get(relation.key.source_id)
        if one is None:
            continue
        untold.add(relation.key)
        try:
            if trouble is None:
                path = f"/v3/catalog/products/{own.store_id}/variants/{relation.store_id}"
                client.put(path, {"image_url": one.url})
                untold.discard(relation.key)
        except RefusedByStore as refusal:
            problems.append(_refused_picture(one, refusal))
        except WorkerError as met:
            trouble = met
    if trouble is not None:
        # The product is made, and stands in the books as such; its pictures follow as an update.
        problems.append(
            Problem("picture_missing", f"sent without all of its pictures, they follow: {trouble}", "images")
        )
    relations = tuple(_without_images(one) if one.key in untold else one for one in (own, *variants))
    return replace(applied, relations=relations, problems=tuple(problems), trouble=None)


def _without_images(relation: Relation) -> Relation:
    told = {group: value for group, value in relation.fingerprints.items() if group != Group.IMAGES}
    return replace(relation, fingerprints=told)


def bring_forward(client: Client, applied: Applied, wanted: Sequence[Image]) -> Applied:
    """Ours as the source says: new ones added, moved ones moved, vanished ones removed; others' stay.

    Trouble midway keeps what was done: the relation that comes back holds it beside the trouble. What was
    under way when an earlier slice died is found by its id (law 3).
    """
    own, *rest = applied.relations
    path = f"/v3/catalog/products/{own.store_id}/images"
    known: dict[str, Any] = dict(own.parts.get("images") or {})
    problems = list(applied.problems)
    order_changed = list(known) != [one.source_id for one in wanted if one.source_id in known]
    kept: dict[str, Any] = {}
    over = dict(known)
    trouble: WorkerError | None = None
    try:
        unclaimed = _unclaimed(client, applied.job, own, known) if applied.job.unsure else []
        lost = _lost(applied.job, known, wanted)
        for place, one in enumerate(wanted):
            held = known.get(one.source_id)
            try:
                if held is None or held[1] != one.url:
                    if one.source_id in lost:
                        found = lost[one.source_id]
                    elif unclaimed:
                        found = unclaimed.pop(0)
                    else:
                        found = int(client.post(path, encode.image(one, place)).data["id"])
                    kept[one.source_id] = [found, one.url]
                else:
                    if order_changed:
                        client.put(f"{path}/{held[0]}", {"sort_order": place, "is_thumbnail": place == 0})
                    kept[one.source_id] = held
                    over.pop(one.source_id)
            except RefusedByStore as refusal:
                problems.append(_refused_picture(one, refusal))
        for source_id, (store_id, _) in list(over.items()):
            client.remove(f"{path}/{store_id}")
            over.pop(source_id)
    except WorkerError as met:
        trouble = met
    # What is still to be removed stays known under a key of its own, so that the next attempt removes it.
    left = {source_id if source_id not in kept else f"{source_id}/old": held for source_id, held in over.items()}
    own = replace(own, parts={**own.parts, "images": {**left, **kept} if trouble else kept})
    return replace(applied, relations=(own, *rest), problems=tuple(problems), trouble=trouble)


def _unclaimed(client: Client, job: Job, own: Relation, known: Mapping[str, Any]) -> list[int]:
    """Pictures that are neither ours so far nor were there at the last read: an earlier slice's, its answer lost."""
    ours = {held[0] for held in known.values()} | {store_id for store_id, _ in job.images_before}
    return sorted(int(row["id"]) for row in reads.images_of(client, own.store_id) if int(row["id"]) not in ours)


def _lost(job: Job, known: Mapping[str, Any], wanted: Sequence[Image]) -> dict[str, int]:
    """Pictures that an earlier run made without hearing of it: there at the last read, under the file's name."""
    ours = {held[0] for held in known.values()}
    free = [one for one in job.images_before if one[0] not in ours]
    missing = [one for one in wanted if one.source_id not in known]
    return {source_id: held[0] for source_id, held in pictures.held_by(missing, free).items()}


def _refused_picture(one: Image, refusal: RefusedByStore) -> Problem:
    return Problem("image_refused", f"the store refused the picture {one.source_id} ({one.url}): {refusal}", "images")
