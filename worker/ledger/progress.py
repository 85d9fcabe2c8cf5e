"""Where a run stands just now: what is planned, and how much of it is still to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.vocabulary import Action, Phase, RunState
from worker.ledger import register
from worker.ledger.register import Entry
from worker.ledger.session import Session
from worker.ledger.statement import text

_ACTIONS = frozenset(action.value for action in Action)


@dataclass(frozen=True, slots=True)
class Part:
    """Planned changes of one kind and action, and how many of them are still to be sent."""

    kind: str
    action: str
    planned: int
    left: int

    @property
    def done(self) -> int:
        """How many are dealt with, well or badly."""
        return self.planned - self.left


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands just now."""

    entry: Entry
    parts: tuple[Part, ...]
    """Empty before all is planned."""
    seen: Mapping[str, int]
    """Kind -> items that the reading under way has brought so far."""


def of(session: Session, run_id: int) -> Progress | None:
    """Where the run stands: what is planned, and how much of it is still to be sent."""
    entry = register.run(session, run_id)
    if entry is None:
        return None
    if entry.phase is Phase.PREPARATION and entry.state is not RunState.PREPARED:
        return Progress(entry, (), _seen(session, entry))
    planned: dict[tuple[str, str], int] = {}
    for kind, by_storefront in entry.counters.items():
        for figures in by_storefront.values():
            for figure, count in figures.items():
                if figure.removeprefix("to_") in _ACTIONS:
                    place = (kind, figure.removeprefix("to_"))
                    planned[place] = planned.get(place, 0) + count
    left = _left(session, entry) if planned and entry.state is not RunState.UNCHANGED else {}
    return Progress(entry, tuple(Part(*at, n, min(n, left.get(at, 0))) for at, n in sorted(planned.items())), {})


def _left(session: Session, entry: Entry) -> dict[tuple[str, str], int]:
    """(kind, action) -> changes still to be sent; a product that is to be created brings its fit variants."""
    rows = session.execute(
        text("""
        SELECT kind, action, sum(count) FROM (
          SELECT kind, action, count(*) AS count FROM pending_change
          WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run) GROUP BY 1, 2
          UNION ALL
          SELECT 'variant', 'create', count(*) FROM source_item v
          WHERE v.connector_id = (SELECT :connector) AND v.kind = (SELECT 'variant') AND NOT v.gone
            AND v.refused IS NULL AND v.parent_id IN (SELECT source_id FROM pending_change
              WHERE connector_id = (SELECT :connector) AND run_id = (SELECT :run) AND kind = (SELECT 'product')
                AND action = 'create')
        ) c GROUP BY 1, 2
        """),
        {"connector": entry.connector_id, "run": entry.id},
    )
    return {(row[0], row[1]): int(row[2]) for row in rows}


def _seen(session: Session, entry: Entry) -> dict[str, int]:
    pages = {"read_source": "source_page", None: "source_page", "read_store": "store_page"}.get(entry.step)
    if pages is None:
        return {}
    rows = session.execute(
        text(
            f"SELECT kind, sum(cardinality(seen)) FROM {pages} WHERE connector_id = (SELECT :id)"  # noqa: S608 constant
            " GROUP BY 1 ORDER BY 1"
        ),
        {"id": entry.connector_id},
    )
    return {row[0]: int(row[1]) for row in rows}
