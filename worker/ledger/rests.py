"""Neighbours that are unwell, and until when they are left in peace; as scheduler.

A store rests for all connectors that share it (`store_turn`), a source for its one connector (`turn`). Dispatch lets
nobody pass to a neighbour that rests. What is written here is fenced by the turn of the slice that has met the trouble.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from worker.ledger.session import Session
from worker.ledger.statement import text


class Neighbour(StrEnum):
    """Whom a connector calls."""

    STORE = "store"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Ended:
    """A rest that somebody has ended."""

    neighbour: Neighbour
    until: datetime
    """Till when it would have lasted."""
    failures: int
    """how often in a row it had failed"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a neighbour's failures in a row and the end of its rest are kept."""

    table: str
    failures: str
    not_before: str
    where: str


_MINE = "connector_id = :id AND epoch = :epoch AND state = 'running'"
_PLACES = {
    Neighbour.STORE: _Place(
        "store_turn",
        "failures",
        "not_before",
        f"store_hash = (SELECT store_hash FROM turn WHERE {_MINE})",  # noqa: S608 constant
    ),
    Neighbour.SOURCE: _Place("turn", "source_failures", "source_not_before", _MINE),
}


def count_failure(
    session: Session, neighbour: Neighbour, connector_id: int, epoch: int, *, is_first: bool
) -> int | None:
    """One more slice has failed by it; how many in a row, or None if the turn is lost. The row is held till commit."""
    at = _PLACES[neighbour]
    found = session.scalar(
        text(
            f"UPDATE {at.table} SET {at.failures} = CASE WHEN :first THEN 1 ELSE {at.failures} + 1 END"  # noqa: S608
            f" WHERE {at.where} RETURNING {at.failures}"
        ),
        {"id": connector_id, "epoch": epoch, "first": is_first},
    )
    return None if found is None else int(found)


def rest(session: Session, neighbour: Neighbour, connector_id: int, epoch: int, *, seconds: float) -> datetime:
    """Nobody is dispatched to it for so long; until when that is."""
    at = _PLACES[neighbour]
    until: datetime = session.execute(
        text(
            f"UPDATE {at.table} SET {at.not_before} = now() + make_interval(secs => :seconds)"  # noqa: S608 constants
            f" WHERE {at.where} RETURNING {at.not_before}"
        ),
        {"id": connector_id, "epoch": epoch, "seconds": seconds},
    ).scalar_one()
    return until


def heal(session: Session, neighbour: Neighbour, connector_id: int, epoch: int) -> None:
    """It has served a slice: its failures begin anew."""
    at = _PLACES[neighbour]
    session.execute(
        text(f"UPDATE {at.table} SET {at.failures} = 0 WHERE {at.failures} > 0 AND {at.where}"),  # noqa: S608 constants
        {"id": connector_id, "epoch": epoch},
    )


def resting(session: Session, connector_id: int) -> list[Ended]:
    """The connector's neighbours that rest just now, the store first."""
    found = []
    for neighbour, at in _PLACES.items():
        row = session.execute(
            text(
                f"SELECT {at.not_before}, {at.failures} FROM {at.table}"  # noqa: S608 constants
                f" WHERE {_OF_CONNECTOR[neighbour]} AND {at.not_before} > now()"
            ),
            {"id": connector_id},
        ).one_or_none()
        if row is not None:
            found.append(Ended(neighbour, row[0], row[1]))
    return found


def end(session: Session, neighbour: Neighbour, connector_id: int) -> None:
    """Somebody says that it is well: it is called again from now on, and its failures are counted anew."""
    at = _PLACES[neighbour]
    session.execute(
        text(
            f"UPDATE {at.table} SET {at.not_before} = '-infinity', {at.failures} = 0"  # noqa: S608 constants
            f" WHERE {_OF_CONNECTOR[neighbour]}"
        ),
        {"id": connector_id},
    )


_OF_CONNECTOR = {
    Neighbour.STORE: "store_hash = (SELECT store_hash FROM turn WHERE connector_id = :id)",
    Neighbour.SOURCE: "connector_id = :id",
}
