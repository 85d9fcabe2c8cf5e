"""The pictures of a product: ours as the source says, others' as they are.

Nobody but the store fetches a picture, and every upload is a call: what is there stays, what moved is moved
without a new upload, what vanished at the source is removed. Where the store refuses a picture, the product
goes without it, says so, and the picture is not sent again under the same URL but by a forced refresh.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from worker.bigcommerce import decode, encode, reads
from worker.bigcommerce.client import Client
from worker.catalog import pictures
from worker.catalog.items import Image, Problem
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation
from worker.errors import RefusedByStore, WorkerError


def send(
    client: Client, applied: Applied, wanted: Sequence[Image], *, spared: Collection[str] = (), again: bool = True
) -> Applied:
    """The product with these pictures, and with what it has of those that are spared.

    `again` = those that were refused before are tried once more.
    Trouble midway keeps what was done: the relation that comes back holds it beside the trouble.
    """
    own, *rest = applied.relations
    walk = _Walk(client, f"/v3/catalog/products/{own.store_id}/images", own.parts, again=again)
    trouble: WorkerError | None = None
    try:
        walk.find(applied.job, own, wanted)
        for one in wanted:
            walk.put(one)
        walk.remove_the_rest(spared)
    except WorkerError as met:
        trouble = met
    own = replace(own, parts=walk.parts(own.parts, finished=trouble is None))
    problems = (*applied.problems, *walk.problems)
    return replace(applied, relations=(own, *rest), problems=problems, trouble=trouble)


@dataclass(slots=True)
class _Walk:
    """The pictures of one product, brought forward one after the other."""

    client: Client
    path: str
    before: Mapping[str, Any]
    """The parts that the relation had."""
    again: bool
    known: dict[str, list[Any]] = field(init=False)
    over: dict[str, list[Any]] = field(init=False)
    """Ours in the store that the walk has not come to; what is left at its end has vanished at the source."""
    kept: dict[str, list[Any]] = field(default_factory=dict)
    refused: dict[str, Sequence[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    place: int = -1
    """Where the last picture stands."""
    found: dict[str, list[Any]] = field(default_factory=dict)
    """Source image id -> the picture that an earlier slice or run made of it without hearing of it."""
    unnamed: list[int] = field(default_factory=list)
    """Pictures of an earlier slice that cannot be told by a file's name."""

    def __post_init__(self) -> None:
        self.known = dict(self.before.get("images") or {})
        self.over = dict(self.known)

    def find(self, job: Job, own: Relation, wanted: Sequence[Image]) -> None:
        """What was under way when an earlier slice or run died: there, and not known as ours (law 3)."""
        ours = {held[0] for held in self.known.values()}
        before = {store_id for store_id, _ in job.images_before}
        free: list[Sequence[Any]] = [one for one in job.images_before if one[0] not in ours]
        missing = [one for one in wanted if self.known.get(one.source_id, [None, None])[1] != one.url]
        if job.unsure:
            rows = decode.parts({"images": reads.images_of(self.client, own.store_id)})["images"]
            fresh = [row for row in rows if row[0] not in ours | before]
            free += fresh
            named = pictures.held_by(missing, fresh)
            self.unnamed = sorted({row[0] for row in fresh} - {held[0] for held in named.values()})
        self.found = pictures.held_by(missing, free)

    def put(self, one: Image) -> None:
        """The next picture: as it is, moved, added, or left out where it was refused."""
        held = self.known.get(one.source_id)
        if held is not None and held[1] == one.url:
            self.over.pop(one.source_id)
            if self._stays(one, held):
                return
            # A merchant removed it by hand: it is made again.
        elif not self.again and self._refused_before().get(one.source_id, [None])[0] == one.url:
            self.refused[one.source_id] = self._refused_before()[one.source_id]
            self.problems += pictures.still_refused([one], self.before)
            self._old_one_stays(one)
            return
        elif one.source_id in self.found and self._stays(one, self.found[one.source_id]):
            return
        try:
            store_id = self._made(one)
        except RefusedByStore as refusal:
            self.refused[one.source_id] = (one.url, str(refusal))
            self.problems.append(pictures.refused(one, refusal))
            self._old_one_stays(one)
        else:
            self.place += 1
            self.kept[one.source_id] = pictures.remembered(one, store_id, self.place)

    def _made(self, one: Image) -> int:
        if self.unnamed and not pictures.has_name(one):
            return self.unnamed.pop(0)
        body = encode.image(one, self.place + 1, is_first=not self.kept)
        return int(self.client.post(self.path, body).data["id"])

    def _stays(self, one: Image, held: list[Any]) -> bool:
        """Move it behind the one before it, and describe it, where it is not; False = it is not there any more."""
        place = pictures.place_of(held)
        body: encode.Body = {}
        if place is None or place <= self.place:
            place = self.place + 1
            body["sort_order"] = place
        if not self.kept and one.source_id != self._first():
            body["is_thumbnail"] = True
        if pictures.description_of(held) != one.description:
            body["description"] = one.description
        now = pictures.remembered(one, held[0], place)
        try:
            if body:
                self.client.put(f"{self.path}/{held[0]}", body)
        except RefusedByStore as refusal:
            if refusal.status == 404:
                return False
            text = f"the store refused to move or describe the picture {one.source_id}: {refusal}"
            self.problems.append(Problem("image_refused", text, "images"))
            now = held
        self.kept[one.source_id] = now
        self.place = max(self.place, place)
        return True

    def _first(self) -> str | None:
        """Which of ours was the thumbnail so far."""
        places = {one: (pictures.place_of(held) or 0, held[0]) for one, held in self.known.items()}
        return min(places, key=lambda one: places[one], default=None)

    def _old_one_stays(self, one: Image) -> None:
        """The picture that a refused one was to replace is better than none."""
        if one.source_id in self.over:
            held = self.kept[one.source_id] = self.over.pop(one.source_id)
            self.place = max(self.place, pictures.place_of(held) or 0)

    def _refused_before(self) -> Mapping[str, Any]:
        return self.before.get("refused_images") or {}

    def remove_the_rest(self, spared: Collection[str]) -> None:
        """Ours that vanished at the source, or were replaced."""
        for source_id, held in list(self.over.items()):
            if source_id in spared:
                self.kept[source_id] = self.over.pop(source_id)
                continue
            self.client.remove(f"{self.path}/{held[0]}")
            self.over.pop(source_id)

    def parts(self, before: Mapping[str, Any], *, finished: bool) -> dict[str, Any]:
        """What is remembered of the pictures after the walk."""
        refused = self.refused if finished else {**self._refused_before(), **self.refused}
        # What is still to be removed stays known under a key of its own, so that the next attempt removes it.
        left = {one if one not in self.kept else f"{one}/old": held for one, held in self.over.items()}
        return {**pictures.with_refused(before, refused), "images": self.kept if finished else {**left, **self.kept}}
