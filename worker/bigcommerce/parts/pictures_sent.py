"""Items whose picture the store refuses: made without, and the rest follows."""

from __future__ import annotations

from dataclasses import replace

from worker.bigcommerce.client import Client
from worker.bigcommerce.parts import gallery
from worker.catalog import pictures
from worker.catalog.changes import CreateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied
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
    applied = gallery.send(client, applied, change.product.images)
    own, *variants = applied.relations
    trouble = applied.trouble
    untold = {own.key} if trouble is not None else set()
    of_variants: dict[int, tuple[Problem, ...]] = {}
    wanted = {variant.source_id: variant.images[0] for variant in change.variants if variant.images}
    for place, relation in enumerate(variants):
        one = wanted.get(relation.key.source_id)
        if one is None:
            continue
        try:
            if trouble is not None:
                untold.add(relation.key)
                continue
            client.put(f"/v3/catalog/products/{own.store_id}/variants/{relation.store_id}", {"image_url": one.url})
        except RefusedByStore as refusal:
            of_variants[relation.key.source_id] = (pictures.refused(one, refusal),)
            refused = {one.source_id: (one.url, str(refusal))}
            variants[place] = replace(relation, parts=pictures.with_refused(relation.parts, refused))
        except WorkerError as met:
            trouble = met
            untold.add(relation.key)
    problems = applied.problems
    if trouble is not None:
        # The product is made, and stands in the books as such; its pictures follow as an update.
        text = f"sent without all of its pictures, they follow: {trouble}"
        problems = (*problems, Problem("picture_missing", text, "images"))
    relations = tuple(_without_images(one) if one.key in untold else one for one in (own, *variants))
    return replace(applied, relations=relations, problems=problems, of_variants=of_variants, trouble=None)


def _without_images(relation: Relation) -> Relation:
    told = {group: value for group, value in relation.fingerprints.items() if group != Group.IMAGES}
    return replace(relation, fingerprints=told)
