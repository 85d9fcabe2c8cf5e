"""What hangs on a product and is sent beside it, part by part."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from worker.bigcommerce.client import Client
from worker.bigcommerce.parts import bulk_rules, custom_fields, gallery, videos
from worker.catalog.changes import CreateProduct, UpdateProduct
from worker.catalog.fields import Group
from worker.catalog.items import Problem
from worker.catalog.sending import Applied
from worker.errors import RefusedByStore, WorkerError

GROUPS = frozenset({Group.IMAGES, Group.CUSTOM_FIELDS, Group.BULK_PRICING, Group.VIDEOS})
"""What hangs on a product and is sent by calls of its own."""


def bring_forward(client: Client, applied: Applied) -> Applied:
    """The parts of an updated product that are among what changed."""
    change = applied.job.change
    assert isinstance(change, UpdateProduct)
    if Group.IMAGES in change.groups:
        # What the store refused of them is remembered as such, so the group counts as sent all the same.
        after = gallery.send(
            client, applied, change.product.images, spared=change.product.spared, again=change.tries_pictures_again
        )
        applied = _sent(after, Group.IMAGES) if after.trouble is None else after
    if Group.CUSTOM_FIELDS in change.groups and applied.trouble is None:
        try:
            after = custom_fields.bring_forward(client, applied, change.product.custom_fields)
        except WorkerError as trouble:
            return replace(applied, trouble=trouble)
        applied = _told(applied, after, Group.CUSTOM_FIELDS)
    if Group.BULK_PRICING in change.groups and applied.trouble is None:
        after = bulk_rules.bring_forward(client, applied, change.product.bulk_rules)
        applied = _told(applied, after, Group.BULK_PRICING)
    if Group.VIDEOS in change.groups and applied.trouble is None:
        applied = _told(applied, videos.bring_forward(client, applied, change.product.videos or ()), Group.VIDEOS)
    return applied


def is_about_parts(refusal: RefusedByStore) -> bool:
    """Whether the store refused a bulk pricing rule or a video."""
    told = f"{refusal.title} {' '.join(refusal.errors)} {' '.join(refusal.errors.values())} {refusal.body}".casefold()
    return "bulk" in told or "video" in told


def complete(client: Client, applied: Applied) -> Applied:
    """Bulk pricing rules and videos of a product that is there without all of them, as far as the store takes them.

    The product is made, and stands in the books as such: whatever is still missing follows as an update.
    """
    change = applied.job.change
    assert isinstance(change, CreateProduct)
    product = change.product
    for group, bring in (
        (Group.BULK_PRICING, partial(bulk_rules.bring_forward, wanted=product.bulk_rules)),
        (Group.VIDEOS, partial(videos.bring_forward, wanted=product.videos or ())),
    ):
        before = len(applied.problems)
        if applied.trouble is None:
            applied = bring(client, applied)
        if applied.trouble is not None or len(applied.problems) > before:
            own, *rest = applied.relations
            told = {one: value for one, value in own.fingerprints.items() if one != group}
            applied = replace(applied, relations=(replace(own, fingerprints=told), *rest))
    if applied.trouble is None:
        return applied
    text = f"sent without all of its bulk pricing rules and videos, they follow: {applied.trouble}"
    return replace(applied, problems=(*applied.problems, Problem("part_missing", text)), trouble=None)


def _told(before: Applied, after: Applied, group: Group) -> Applied:
    """The group counts as sent only where the store took all of it."""
    took_all = after.trouble is None and len(after.problems) == len(before.problems)
    return _sent(after, group) if took_all else after


def _sent(applied: Applied, group: Group) -> Applied:
    """The group counts as sent."""
    change = applied.job.change
    assert isinstance(change, UpdateProduct)
    own, *rest = applied.relations
    own = replace(own, fingerprints={**own.fingerprints, group.value: change.fingerprints[group]})
    return replace(applied, relations=(own, *rest))
