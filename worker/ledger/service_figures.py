"""What an alert looks at in the whole service, beside how fairly its slots are shared; as scheduler.

Of tenants' tables it is told counts alone, by one function that looks past row-level security.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.ledger import health
from worker.ledger.rests import Neighbour
from worker.ledger.session import Session
from worker.ledger.statement import text

BY_HAND = "by_hand"
"""Why a connector is off, where it was no trouble of ours: its tenant's own words stay out of the figures."""


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """How many there are now, of each."""

    processes: int
    resting: Mapping[str, int]
    """Stores and sources that nobody calls before their rest is over."""
    runs: Mapping[str, int]
    """Runs that have not ended, by state."""
    off: Mapping[str, int]
    """Connectors that are switched off, by the code of the reason."""


def read(session: Session, *, codes: Sequence[str]) -> ServiceFigures:
    """The figures; `codes` are the reasons that are told apart."""
    counts = session.execute(
        text("SELECT what, which, number FROM service_counts(CAST(:codes AS text[]))"), {"codes": list(codes)}
    ).all()
    stores, sources = session.execute(
        text("""
        SELECT (SELECT count(*) FROM store_turn WHERE not_before > now()),
          (SELECT count(*) FROM turn WHERE source_not_before > now())
        """)
    ).one()
    return ServiceFigures(
        health.workers(session).processes,
        {Neighbour.STORE.value: stores, Neighbour.SOURCE.value: sources},
        {row.which: row.number for row in counts if row.what == "run"},
        {row.which: row.number for row in counts if row.what == "off"},
    )
