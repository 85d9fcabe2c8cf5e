"""What hangs on a product and is sent beside it, part by part."""

from __future__ import annotations

from dataclasses import replace

from worker.bigcommerce import custom_fields, pictures_sent
from worker.bigcommerce.client import Client
from worker.catalog.changes import UpdateProduct
from worker.catalog.fields import Group
from worker.catalog.sending import Applied
from worker.errors import WorkerError

GROUPS = frozenset({Group.IMAGES, Group.CUSTOM_FIELDS})
"""What hangs on a product and is sent by calls of its own."""


def bring_forward(client: Client, applied: Applied) -> Applied:
    """Pictures and custom fields of an updated product, where they are among what changed."""
    change = applied.job.change
    assert isinstance(change, UpdateProduct)
    if Group.IMAGES in change.groups:
        applied = _told(applied, pictures_sent.bring_forward(client, applied, change.product.images), Group.IMAGES)
    if Group.CUSTOM_FIELDS in change.groups and applied.trouble is None:
        try:
            after = custom_fields.bring_forward(client, applied, change.product.custom_fields)
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
