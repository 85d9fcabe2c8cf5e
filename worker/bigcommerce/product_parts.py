"""What hangs on a product: pictures, custom fields, options, storefronts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.bigcommerce import batches, decode, encode, product_options, reads
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.limits import ASSIGNMENTS_PER_BATCH, PRODUCTS_PER_DELETE
from worker.catalog import fingerprint, pictures
from worker.catalog.changes import AssignStorefronts, CreateProduct, ShowOptions, UpdateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Image, Problem
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
        applied = _told(applied, _pictures(client, applied, change.product.images), Group.IMAGES)
    if Group.CUSTOM_FIELDS in change.groups and applied.trouble is None:
        try:
            after = _custom_fields(client, applied, change.product.custom_fields)
        except WorkerError as trouble:
            return replace(applied, trouble=trouble)
        applied = _told(applied, after, Group.CUSTOM_FIELDS)
    return applied


def _told(before: Applied, after: Applied, group: Group) -> Applied:
    """The group counts as sent only where the store took all of it."""
    change = after.job.change
    assert isinstance(change, UpdateProduct)
    if after.trouble is not None or len(after.problems) > len(before.problems):
        return after
    own, *rest = after.relations
    own = replace(own, fingerprints={**own.fingerprints, group.value: change.fingerprints[group]})
    return replace(after, relations=(own, *rest))


def is_about_images(refusal: RefusedByStore) -> bool:
    """Whether the store refused a picture."""
    told = f"{refusal.title} {' '.join(refusal.errors)} {' '.join(refusal.errors.values())} {refusal.body}"
    return "image" in told.casefold()


def add_pictures(client: Client, applied: Applied) -> Applied:
    """The pictures of a product that was made without them, one by one; a refused one is a problem of its own."""
    change = applied.job.change
    assert isinstance(change, CreateProduct)
    before = len(applied.problems)
    applied = _pictures(client, applied, change.product.images)
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


def _pictures(client: Client, applied: Applied, wanted: Sequence[Image]) -> Applied:
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
                client.put(f"{path}/{reused[2]}", {"name": name, "value": value})
                kept.append((name, value, reused[2]))
            else:
                answer = client.post(path, {"name": name, "value": value})
                kept.append((name, value, int(answer.data["id"])))
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
        known = product_options.without_orphans(client, relation.store_id, known, change.options)
        strange = _strange_values(client, relation)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    for place, option in enumerate(change.options):
        name = decode.option_named(known, option.name)
        held = known.get(name)
        if held is None:
            problems.append(Problem("option_missing", f"the store has no option {option.name} of this product"))
            continue
        others = strange.get(held["id"], ())
        values = {str(one["label"]): int(one["id"]) for one in others} | held["values"]
        body = encode.shown_option(product_options.there(option, values), place, values, others)
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
