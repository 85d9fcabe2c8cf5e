"""Times that Postgres could not be asked, by what of this process had asked."""

from __future__ import annotations

from prometheus_client import Counter

TROUBLES = Counter("connector_database_troubles", "Times that the database was unwell", ["where"], registry=None)
METRICS = (TROUBLES,)

SLICE, RELEASE, PACEMAKER, POSTMAN, DOOR, FIGURES = "slice", "release", "pacemaker", "postman", "door", "figures"

for _where in (SLICE, RELEASE, PACEMAKER, POSTMAN, DOOR, FIGURES):
    TROUBLES.labels(_where)


def unwell(where: str) -> None:
    """It could not be asked there."""
    TROUBLES.labels(where).inc()
