"""Names and SKUs that go round: of items that wait for each other's, one takes a makeshift first.

The store takes no name or SKU twice, not for a moment (API facts §4.1). What is given up in a chain is free at the
second try; in a circle nobody can begin, until one of them has let go of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from worker.bigcommerce.answer import Answer
from worker.bigcommerce.encode import Body
from worker.catalog.sending import Applied, Job
from worker.errors import RefusedByStore, WorkerError

_ROOM = 30
"""Characters of the wanted name or SKU that its makeshift keeps: a category's name takes 50."""


def is_needed(job: Job, answer: object) -> bool:
    """Whether the item met a name or SKU that is taken by one of ours which itself waits in this run."""
    return job.waits_for_ours and isinstance(answer, RefusedByStore) and answer.is_taken


def step_aside(job: Job, put: Callable[[Body], Answer], body: Body, refusal: WorkerError) -> Applied:
    """Let go of the item's own name and SKU; the change itself is tried once more, behind the others.

    `put` sends these fields of the item alone; `body` is what was refused.
    """
    assert job.relation is not None
    made: Body = {
        name: f"{str(body[name])[:_ROOM]} ~{job.relation.store_id}" for name in ("name", "sku") if name in body
    }
    met = Applied(job, trouble=refusal)
    if not made:
        return met
    try:
        put(made)
    except RefusedByStore:
        return met
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)
    return replace(met, stepped_aside=True)
