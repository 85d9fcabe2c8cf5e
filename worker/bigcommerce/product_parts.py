"""What hangs on a product: pictures, custom fields, options, storefronts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.bigcommerce import batches, decode, encode, gallery, reads
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.limits import ASSIGNMENTS_PER_BATCH, PRODUCTS_PER_DELETE
from worker.catalog import fingerprint, pictures
from worker.catalog.changes import AssignStorefronts, CreateProduct, ShowOptions, UpdateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import AnswerLost, RefusedByStore, WorkerError

GROUPS = frozenset({Group.IMAGES, Group.CUSTOM_FIELDS})
"""What hangs on a product and is sent by calls of its own."""

ASSIGNMENTS = "/v3/catalog/products/channel-assignments"


def bring_forward(client: Client, applied: Applied) -> Applied:
    """Pictures and custom fields of an updated product, where they are among what changed."""
    change = applied.job.change
    assert isinstance(change, UpdateProduct)
    if Group.IMAGES in change.groups:
        # What the store refused of them is remembered as such, so the group counts as sent all the same.
        applied = gallery.send(
            client, applied, change.product.images, spared=change.product.spared, again=change.tries_pictures_again
        )
        applied = _told(applied, Group.IMAGES) if applied.trouble is None else applied
    if Group.CUSTOM_FIELDS in change.groups and applied.trouble is None:
        try:
            after = _custom_fields(client, applied, change.product.custom_fields)
        except WorkerError as trouble:
            return replace(applied, trouble=trouble)
        took_all = after.trouble is None and len(after.problems) == len(applied.problems)
        applied = _told(after, Group.CUSTOM_FIELDS) if took_all else after
    return applied


def _told(applied: Applied, group: Group) -> Applied:
    """The group counts as sent."""
    change = applied.job.change
    assert isinstance(change, UpdateProduct)
    own, *rest = applied.relations
    own = replace(own, fingerprints={**own.fingerprints, group.value: change.fingerprints[group]})
    return replace(applied, relations=(own, *rest))


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


def _custom_fields(client: Client, applied: Applied, wanted: Sequence[tuple[str, str]]) -> Applied:
    """Ours as the source says: kept by name and value, changed by name, added, dropped; others' stay."""
    own, *rest = applied.relations
    path = f"/v3/catalog/products/{own.store_id}/custom-fields"
    held = [(str(name), str(value), int(store_id)) for name, value, store_id in own.parts.get("custom_fields") or ()]
    missing = list((Counter(wanted) - Counter((name, value) for name, value, _ in held)).elements())
    kept = [one for one in held if (one[0], one[1]) in set(wanted)]
    over = [one for one in held if one not in kept]
    problems = list(applied.problems)
    for name, value in missing:
        reused = next((one for one in over if one[0] == name), None)
        try:
            if reused is not None:
                over.remove(reused)
            kept.append((name, value, _sent_pair(client, path, name, value, reused[2] if reused else None)))
        except RefusedByStore as refusal:
            existing = _same_pair(client, own, name, value)
            if existing is None:
                problems.append(Problem("custom_field_refused", f"the store refused {name} = {value}: {refusal}", name))
            else:
                kept.append((name, value, existing))
    for _, _, store_id in over:
        client.remove(f"{path}/{store_id}")
    own = replace(own, parts={**own.parts, "custom_fields": [list(one) for one in kept]})
    return replace(applied, relations=(own, *rest), problems=tuple(problems))


def _sent_pair(client: Client, path: str, name: str, value: str, store_id: int | None) -> int:
    """Change the custom field of this id, or add one; one that somebody removed by hand is made again."""
    body = {"name": name, "value": value}
    try:
        if store_id is not None:
            client.put(f"{path}/{store_id}", body)
            return store_id
    except RefusedByStore as refusal:
        if refusal.status != 404:
            raise
    return int(client.post(path, body).data["id"])


def _same_pair(client: Client, own: Relation, name: str, value: str) -> int | None:
    """The pair is unique in its product: one that is there already is the one that was wanted."""
    for row in reads.custom_fields_of(client, own.store_id):
        if (row["name"], row["value"]) == (name, value):
            return int(row["id"])
    return None


def show(client: Client, job: Job) -> Applied:
    """Give the product's options their display types, one call an option.

    Where a slice ends between two of them, those that were shown are marked, and not sent a second time.
    """
    change, relation = job.change, job.relation
    assert isinstance(change, ShowOptions)
    assert relation is not None
    known = dict(relation.parts.get("options") or {})
    problems = []
    try:
        strange = _strange_values(client, relation)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    for place, option in enumerate(change.options):
        name = decode.option_named(known, option.name)
        held = known.get(name)
        if held is None:
            problems.append(Problem("option_missing", f"the store has no option {option.name} of this product"))
            continue
        body = encode.shown_option(option, place, held["values"], strange.get(held["id"], ()))
        mark = fingerprint.of([held["id"], body])
        if held.get("shown") == mark:
            continue
        try:
            client.put(f"/v3/catalog/products/{relation.store_id}/options/{held['id']}", body)
        except RefusedByStore as refusal:
            text = f"option {option.name} keeps its display: {refusal}"
            problems.append(Problem("option_refused", text, option.name))
        except WorkerError as trouble:
            return Applied(job, (replace(relation, parts={**relation.parts, "options": known}),), trouble=trouble)
        else:
            known[name] = {**held, "shown": mark}
    sent = {Group.OPTIONS.value: change.fingerprint} if not problems else {}
    unmarked = {name: {"id": held["id"], "values": held["values"]} for name, held in known.items()}
    shown = replace(
        relation, fingerprints={**relation.fingerprints, **sent}, parts={**relation.parts, "options": unmarked}
    )
    return Applied(job, (shown,), tuple(problems))


def _strange_values(client: Client, relation: Relation) -> dict[int, list[Mapping[str, Any]]]:
    """Option id -> all its values, where others may have added some; none for what we have just made ourselves."""
    if relation.created_here and Group.OPTIONS not in relation.fingerprints:
        return {}
    return {int(row["id"]): list(row["option_values"]) for row in reads.options_of(client, relation.store_id)}


def assign(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Put products on their storefronts, then take them off those of ours where they do not belong."""
    pairs = [(job, storefront) for job in jobs for storefront in _wanted(job)]
    troubles: dict[int, WorkerError] = {}
    refused: dict[int, list[Problem]] = {}

    def put(part: Sequence[tuple[Job, int]]) -> Answer:
        return client.put(ASSIGNMENTS, [{"product_id": _id(job), "channel_id": channel} for job, channel in part])

    for start in range(0, len(pairs), ASSIGNMENTS_PER_BATCH):
        for (job, storefront), answer in batches.send(pairs[start : start + ASSIGNMENTS_PER_BATCH], put):
            if isinstance(answer, RefusedByStore):
                text = f"the store refused to show it on storefront {storefront}: {answer}"
                refused.setdefault(job.pending_id, []).append(Problem("assignment_refused", text, str(storefront)))
            elif isinstance(answer, WorkerError):
                troubles[job.pending_id] = answer
    off: dict[int, list[Job]] = {}
    for job in jobs:
        for storefront in _unwanted(job):
            off.setdefault(storefront, []).append(job)
    for storefront, there in off.items():
        for start in range(0, len(there), PRODUCTS_PER_DELETE):
            part = there[start : start + PRODUCTS_PER_DELETE]
            ids = ",".join(str(_id(job)) for job in part)
            try:
                client.delete(ASSIGNMENTS, {"product_id:in": ids, "channel_id:in": str(storefront)})
            except WorkerError as trouble:
                troubles |= {job.pending_id: trouble for job in part}
    for job in jobs:
        yield _assigned(job, refused.get(job.pending_id, []), troubles.get(job.pending_id))


def _assigned(job: Job, refused: Sequence[Problem], trouble: WorkerError | None) -> Applied:
    change, relation = job.change, job.relation
    assert isinstance(change, AssignStorefronts)
    assert relation is not None
    if trouble is not None:
        return Applied(job, trouble=trouble if not isinstance(trouble, AnswerLost) else AnswerLost(str(trouble)))
    sent = {} if refused else {Group.STOREFRONTS.value: change.fingerprint}
    shown = [one for one in change.storefronts if str(one) not in {problem.field for problem in refused}]
    relation = replace(
        relation, fingerprints={**relation.fingerprints, **sent}, parts={**relation.parts, "storefronts": shown}
    )
    return Applied(job, (relation,), tuple(refused))


def _wanted(job: Job) -> tuple[int, ...]:
    assert isinstance(job.change, AssignStorefronts)
    return job.change.storefronts


def _unwanted(job: Job) -> list[int]:
    """Storefronts that we put it on, and the first one where the store itself put what we created."""
    assert job.relation is not None
    ours = set(job.relation.parts.get("storefronts") or ())
    if job.relation.created_here and not ours:
        ours.add(1)  # a product created by API may be shown on channel 1 by itself (API facts §6)
    return sorted(ours - set(_wanted(job)))


def _id(job: Job) -> int:
    assert job.relation is not None
    return job.relation.store_id
