"""A product's videos: ours as the source says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from worker.bigcommerce import encode, reads
from worker.bigcommerce.client import Client
from worker.catalog.items import Problem
from worker.catalog.sending import Applied
from worker.errors import RefusedByStore, WorkerError


def bring_forward(client: Client, applied: Applied, wanted: Sequence[str]) -> Applied:
    """New ones added, vanished ones removed, one by one; a refused one is a problem of its own.

    A video that is there already is taken as sent: so one that an earlier slice added without hearing of it is
    not added twice (law 3). Trouble midway keeps what was done.
    """
    own, *rest = applied.relations
    path = f"/v3/catalog/products/{own.store_id}/videos"
    held = {str(video): int(store_id) for video, store_id in own.parts.get("videos") or ()}
    if not held and not wanted:
        return applied
    problems = list(applied.problems)
    trouble: WorkerError | None = None
    try:
        if applied.job.unsure or applied.job.parts_before is None:
            present = [(str(row["video_id"]), int(row["id"])) for row in reads.videos_of(client, own.store_id)]
        else:
            present = [(str(video), int(store_id)) for video, store_id in applied.job.parts_before["videos"]]
        there = {store_id for _, store_id in present}
        held = {video: store_id for video, store_id in held.items() if store_id in there}
        for video, store_id in present:
            if video in wanted:
                held.setdefault(video, store_id)
        for place, video in enumerate(wanted):
            if video in held:
                continue
            try:
                held[video] = int(client.post(path, encode.video(video, place)).data["id"])
            except RefusedByStore as refusal:
                problems.append(Problem("video_refused", f"the store refused the video {video}: {refusal}", "videos"))
        for video in [one for one in held if one not in wanted]:
            client.remove(f"{path}/{held[video]}")
            held.pop(video)
    except WorkerError as met:
        trouble = met
    own = replace(own, parts={**own.parts, "videos": [[video, store_id] for video, store_id in held.items()]})
    return replace(applied, relations=(own, *rest), problems=tuple(problems), trouble=trouble)
