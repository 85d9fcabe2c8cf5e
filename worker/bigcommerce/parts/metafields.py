"""Metafields of products and variants, many items in one call.

A batch of metafields may succeed in part, which the store answers with a refusal (422, API facts §3.8): it is then
looked up what is there, and only the rest is sent again, each by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from models.vocabulary import ItemKind
from worker.bigcommerce import encode, reads
from worker.bigcommerce.client import Client
from worker.bigcommerce.limits import METAFIELDS_PER_BATCH
from worker.catalog import fingerprint
from worker.catalog.changes import PutMetafields
from worker.catalog.fields import Group
from worker.catalog.items import Metafield, Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError

PATHS = {ItemKind.PRODUCT: "/v3/catalog/products/metafields", ItemKind.VARIANT: "/v3/catalog/variants/metafields"}

Name = tuple[int, str, str]
"""(store id of the item, namespace, key): what makes a metafield unique among ours."""
Part = TypeVar("Part")


@dataclass(slots=True)
class _Desk:
    """What is wanted and what is known to be there, for all items of a batch."""

    path: str
    wanted: dict[Name, Metafield]
    known: dict[Name, tuple[int, str]]
    """Name -> (id in the store, mark of its content)."""
    problems: dict[int, list[Problem]] = field(default_factory=dict)

    def is_there(self, name: Name) -> bool:
        """Whether the store has it as it is wanted."""
        return name in self.known and self.known[name][1] == _mark(self.wanted[name])


def ours(relation: Relation) -> set[int]:
    """The store ids of the metafields that the source tells of this item."""
    return {int(store_id) for _, _, store_id, _ in relation.parts.get("metafields") or ()}


def put(client: Client, jobs: Sequence[Job]) -> Iterator[Applied]:
    """Give the items of these jobs, all of one kind, the metafields that they are to have."""
    changes = [_change(job) for job in jobs]
    desk = _Desk(
        PATHS[changes[0].kind],
        {
            (_relation(job).store_id, one.namespace, one.key): one
            for job, change in zip(jobs, changes, strict=True)
            for one in change.metafields
        },
        {name: held for job in jobs for name, held in _remembered(_relation(job)).items()},
    )
    trouble: WorkerError | None = None
    try:
        unsure = [_relation(job).store_id for job in jobs if job.unsure]
        if unsure:
            _look_up(client, desk, [name for name in desk.wanted if name[0] in unsure])
        _drop(client, desk, jobs)
        _write(client, desk)
    except WorkerError as met:
        trouble = met
    for job in jobs:
        yield _put(job, desk, trouble)


def _write(client: Client, desk: _Desk) -> None:
    """New ones in few calls, changed ones in few calls, and by itself what that could not bring about."""
    missing = [name for name in desk.wanted if not desk.is_there(name)]
    for names in _chunks([name for name in missing if name not in desk.known]):
        _send(client, desk, names)
    for names in _chunks([name for name in missing if name in desk.known and not desk.is_there(name)]):
        _send(client, desk, names)
    left = [name for name in missing if not desk.is_there(name)]
    if not left:
        return
    _look_up(client, desk, left)
    for name in left:
        refusal = None if desk.is_there(name) else _send(client, desk, [name])
        if refusal is not None:
            one = desk.wanted[name]
            text = f"the store refused the metafield {one.namespace}.{one.key}: {refusal}"
            desk.problems.setdefault(name[0], []).append(
                Problem("metafield_refused", text, f"{one.namespace}.{one.key}")
            )


def _send(client: Client, desk: _Desk, names: Sequence[Name]) -> RefusedByStore | None:
    """All of these names are new, or none is; what the answer shows is there. The refusal, if there is one."""
    bodies = [encode.metafield(desk.wanted[name], name[0]) for name in names]
    try:
        if names[0] in desk.known:
            changed = [{**body, "id": desk.known[name][0]} for name, body in zip(names, bodies, strict=True)]
            for body in changed:
                body.pop("resource_id")
            answer = client.put(desk.path, changed)
        else:
            # A repeat is refused, not doubled (API facts §7), and then looked up.
            answer = client.post(desk.path, bodies, repeatable=True)
    except RefusedByStore as refusal:
        return refusal
    ids = {(int(row["resource_id"]), str(row["namespace"]), str(row["key"])): int(row["id"]) for row in answer.data}
    desk.known |= {name: (ids[name], _mark(desk.wanted[name])) for name in names if name in ids}
    return None


def _look_up(client: Client, desk: _Desk, names: Sequence[Name]) -> None:
    """What of these names is there, whoever of us wrote it: namespace and key are ours by the profile."""
    ids = sorted({name[0] for name in names})
    there = {
        (int(row["resource_id"]), str(row["namespace"]), str(row["key"])): row
        for some in _chunks(ids)
        for row in reads.metafields_of(client, desk.path, some)
    }
    for name in names:
        desk.known.pop(name, None)
        if name in there:
            row = there[name]
            desk.known[name] = (int(row["id"]), fingerprint.of([str(row["value"]), str(row["permission_set"])]))


def _drop(client: Client, desk: _Desk, jobs: Sequence[Job]) -> None:
    """Ours that the source has emptied, or the profile names no more."""
    over = [name for name in desk.known if name not in desk.wanted]
    owners = {_relation(job).store_id: _relation(job) for job in jobs}
    for names in _chunks(over):
        try:
            client.delete(desk.path, body=[desk.known[name][0] for name in names])
        except RefusedByStore:
            # In part, mostly since one was gone already: which, is not said.
            for name in names:
                client.remove(f"{_owner_path(owners[name[0]])}/metafields/{desk.known[name][0]}")
        for name in names:
            desk.known.pop(name)


def _put(job: Job, desk: _Desk, trouble: WorkerError | None) -> Applied:
    """What came of one item: all that is known of it is remembered, whatever met the batch."""
    change, relation = _change(job), _relation(job)
    known = {name: held for name, held in desk.known.items() if name[0] == relation.store_id}
    names = [name for name in desk.wanted if name[0] == relation.store_id]
    problems = tuple(desk.problems.get(relation.store_id, ()))
    is_whole = all(map(desk.is_there, names)) and set(known) <= set(names)
    rows = [[namespace, key, *known[item, namespace, key]] for item, namespace, key in sorted(known)]
    sent = {Group.METAFIELDS.value: change.fingerprint} if is_whole else {}
    fingerprints = {group: value for group, value in relation.fingerprints.items() if group != Group.METAFIELDS}
    relation = replace(relation, fingerprints={**fingerprints, **sent}, parts={**relation.parts, "metafields": rows})
    return Applied(job, (relation,), problems, trouble=None if is_whole or problems else trouble)


def _remembered(relation: Relation) -> dict[Name, tuple[int, str]]:
    return {
        (relation.store_id, str(namespace), str(key)): (int(store_id), str(mark))
        for namespace, key, store_id, mark in relation.parts.get("metafields") or ()
    }


def _owner_path(relation: Relation) -> str:
    if relation.key.kind is ItemKind.VARIANT:
        return f"/v3/catalog/products/{relation.parent_store_id}/variants/{relation.store_id}"
    return f"/v3/catalog/products/{relation.store_id}"


def _mark(one: Metafield) -> str:
    return fingerprint.of([one.value, one.permission_set])


def _chunks(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    for start in range(0, len(parts), METAFIELDS_PER_BATCH):
        yield parts[start : start + METAFIELDS_PER_BATCH]


def _change(job: Job) -> PutMetafields:
    assert isinstance(job.change, PutMetafields)
    return job.change


def _relation(job: Job) -> Relation:
    assert job.relation is not None
    return job.relation
