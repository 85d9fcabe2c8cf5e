"""What the log of slices says: how soon connectors were claimed again, and who had how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine, text

from sandbox.chaos.figures import Figures
from sandbox.chaos.platform import Hit
from worker.ledger.fairness import jain
from worker.ledger.session import as_tenant

SHORTEST_WINDOW = 5.0
"""Seconds in which all are backlogged; a shorter time says nothing about shares."""


def recoveries(found: Figures, engine: Engine, hits: Iterable[Hit]) -> None:
    """For each hit, the seconds until a slice of that connector began again."""
    for hit in hits:
        with as_tenant(engine, hit.tenant_id) as session:
            seconds = session.scalar(
                text(
                    "SELECT min(extract(epoch FROM started_at)) - :at FROM slice_log"
                    " WHERE connector_id = :connector AND epoch > :epoch"
                ),
                {"connector": hit.connector_id, "epoch": hit.epoch, "at": hit.at},
            )
        who = f"connector {hit.connector_id}, hit by {hit.by},"
        found.recovered(None if seconds is None else max(0.0, float(seconds)), hit.bound, who)


def fairness(engine: Engine, weights: Mapping[int, float]) -> float | None:
    """Jain's index of the slot-seconds by weight, while each of these tenants (id -> weight) had its first run to do.

    None where that was for too short a time.
    """
    slices: dict[int, list[tuple[float, float]]] = {}
    ends = []
    for tenant_id in weights:
        with as_tenant(engine, tenant_id) as session:
            ends.append(session.scalar(text("SELECT extract(epoch FROM ended_at) FROM run ORDER BY id LIMIT 1")))
            # A slice that was killed has no end: its worker was gone by the time of its successor.
            rows = session.execute(
                text(
                    "SELECT extract(epoch FROM started_at), extract(epoch FROM coalesce(ended_at,"
                    " lead(started_at) OVER (PARTITION BY connector_id ORDER BY epoch), now())) FROM slice_log"
                )
            )
            slices[tenant_id] = [(float(began), float(ended)) for began, ended in rows]
    if None in ends or not all(slices.values()):
        return None
    began = max(min(start for start, _ in held) for held in slices.values())
    ended = min(float(end) for end in ends)
    if ended - began < SHORTEST_WINDOW:
        return None
    return jain(
        sum(max(0.0, min(end, ended) - max(start, began)) for start, end in slices[tenant_id]) / weight
        for tenant_id, weight in weights.items()
    )
