"""A batch of jobs carried out in the store; the calls' own thread runs this.

Jobs of one batch are of one kind and action. Each job comes back with what
came of it; nothing here speaks SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from models.vocabulary import ItemKind
from worker.bigcommerce import reads, trail, write_stock
from worker.bigcommerce.client import Client
from worker.bigcommerce.items import assignments, disable, related, write_categories, write_products, write_variants
from worker.bigcommerce.items.category_attempt import carries_url
from worker.bigcommerce.limits import (
    CATEGORIES_PER_BATCH,
    IDS_PER_LOOKUP,
    METAFIELDS_PER_BATCH,
    PRODUCTS_PER_BATCH,
    STOCK_ROWS_PER_BATCH,
    VARIANTS_PER_BATCH,
)
from worker.bigcommerce.options import options_shown, prove, rebuild, relabel
from worker.bigcommerce.parts import metafields
from worker.bigcommerce.portions import Portions
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    ProveStock,
    PutMetafields,
    RebuildVariants,
    RelabelOptions,
    RelateProducts,
    SetStock,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.sending import Applied, Job
from worker.errors import AnswerLost, StoreUnwell


def batch_size(change: Change, portions: Portions) -> int:
    """How many changes of this kind go in one call, at most."""
    match change:
        case CreateCategory() | UpdateCategory():
            return portions.categories if change.category.fields.get("url") else CATEGORIES_PER_BATCH
        case UpdateProduct():
            return PRODUCTS_PER_BATCH
        case UpdateVariant():
            return VARIANTS_PER_BATCH
        case AssignStorefronts():
            return portions.assignments
        case RelateProducts():
            return PRODUCTS_PER_BATCH
        case PutMetafields():
            return max(1, METAFIELDS_PER_BATCH // max(1, len(change.metafields)))
        case SetStock():
            return STOCK_ROWS_PER_BATCH
        case ProveStock():
            return IDS_PER_LOOKUP
        case Disable(kind=ItemKind.CATEGORY):
            return CATEGORIES_PER_BATCH
        case Disable(kind=ItemKind.PRODUCT):
            return PRODUCTS_PER_BATCH
        case Disable():
            return VARIANTS_PER_BATCH
        case CreateVariant():
            return VARIANTS_PER_BATCH  # one call each, one after the other: those of a product share its options
        case CreateProduct() | ShowOptions() | RelabelOptions() | RebuildVariants():
            return 1
        case _:
            assert_never(change)


def size(job: Job, portions: Portions) -> int:
    """How many like this job go in one call: a category that keeps a URL which is not ours is sent without one."""
    if isinstance(job.change, CreateCategory | UpdateCategory) and not carries_url(job):
        return CATEGORIES_PER_BATCH
    return batch_size(job.change, portions)


def apply(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Carry out the jobs of one batch, all of the same kind of change.

    A store that is well, and yet fails at these, has trouble with one of them: they are halved until it stands alone.
    Of that one nobody knows what came: it is tried again, and left alone in the end (law 8).
    """
    failed = []
    trail.begin()
    for came in _carried_out(client, jobs):
        one = came if came.calls else replace(came, calls=trail.calls())
        if isinstance(one.trouble, StoreUnwell) and one.trouble.is_failure:
            failed.append(one)
        else:
            yield one
    if not failed or not reads.is_well(client):
        yield from failed
    elif len(failed) == 1:
        yield replace(failed[0], trouble=AnswerLost(str(failed[0].trouble)))
    else:
        middle = len(failed) // 2
        for half in (failed[:middle], failed[middle:]):
            yield from apply(client, [one.job for one in half])


def _alone(client: Client, jobs: Sequence[Job], do: Callable[[Client, Job], Applied]) -> Iterator[Applied]:
    """One after the other, each with its own calls."""
    for job in jobs:
        trail.begin()
        yield do(client, job)


def _carried_out(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    change = jobs[0].change
    match change:
        case CreateCategory():
            yield from write_categories.create(client, jobs)
        case UpdateCategory():
            yield from write_categories.update(client, jobs)
        case CreateProduct():
            yield from _alone(client, jobs, write_products.create)
        case UpdateProduct():
            yield from write_products.update(client, jobs)
        case ShowOptions():
            yield from _alone(client, jobs, options_shown.show)
        case RelabelOptions():
            yield from _alone(client, jobs, relabel.relabel)
        case RebuildVariants():
            yield from _alone(client, jobs, rebuild.rebuild)
        case AssignStorefronts():
            yield from assignments.assign(client, jobs)
        case SetStock():
            yield from write_stock.set_levels(client, jobs)
        case ProveStock():
            yield from prove.prove(client, jobs)
        case RelateProducts():
            yield from related.relate(client, jobs)
        case PutMetafields():
            yield from metafields.put(client, jobs)
        case CreateVariant():
            yield from _alone(client, jobs, write_variants.create)
        case UpdateVariant():
            yield from write_variants.update(client, jobs)
        case Disable(kind=ItemKind.CATEGORY):
            yield from disable.hide_categories(client, jobs)
        case Disable(kind=ItemKind.PRODUCT):
            yield from disable.disabled(write_products.hide(client, jobs))
        case Disable():
            yield from disable.disabled(write_variants.disable(client, jobs))
        case _:
            assert_never(change)
