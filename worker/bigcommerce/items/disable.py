"""Items that are gone at the source: hidden, and their relations remember it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from worker.bigcommerce import batches
from worker.bigcommerce.client import Answer, Client
from worker.bigcommerce.items.write_categories import PATH
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError


def hide_categories(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Hide categories that are gone at the source."""

    def call(part: Sequence[Job]) -> Answer:
        return client.put(
            PATH, [{"category_id": job.relation.store_id, "is_visible": False} for job in part if job.relation]
        )

    for job, answer in batches.send(jobs, call):
        if isinstance(answer, Answer) and answer.status == 207:
            partly = RefusedByStore(answer.status, answer.title, answer.errors, answer.body)
            yield from hide_categories(client, [job]) if len(jobs) > 1 else [Applied(job, trouble=partly)]
        else:
            yield from disabled(iter([(job, answer)]))


def disabled(answers: Iterator[tuple[Job, Answer | WorkerError]]) -> Iterator[Applied]:
    """The jobs as disabled; one whose store item is gone already counts as done."""
    for job, answer in answers:
        if isinstance(answer, WorkerError) and not (isinstance(answer, RefusedByStore) and answer.status == 404):
            yield Applied(job, trouble=answer)
        else:
            relation = job.relation
            assert relation is not None
            yield Applied(
                job,
                (
                    Relation(
                        relation.key,
                        relation.store_id,
                        relation.parent_store_id,
                        relation.created_here,
                        False,
                        {name: value for name, value in relation.fingerprints.items() if name != "visibility"},
                        relation.parts,
                    ),
                ),
            )
