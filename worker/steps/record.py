"""The definitive log: the books are closed, and the run with them.

| what is checked                                     | what it would mean otherwise                     |
| --------------------------------------------------- | ------------------------------------------------ |
| what was announced has an outcome of this run       | an item was lost on its way                      |
| the counters are what a count item by item comes to | an outcome was booked twice, or not with its item |
| no storefront has more outcomes than items          | something was booked that the source does not have |
"""

from __future__ import annotations

from collections.abc import Sequence

from models.vocabulary import TROUBLE, Outcome, RunState
from worker.catalog.items import Key
from worker.errors import BooksDoNotClose
from worker.ledger import announced, runs, statuses
from worker.ledger.session import Session
from worker.steps import reading
from worker.steps.planned import Figures
from worker.steps.toolbox import Cursor, Save, Step, Toolbox

NAMED = 10
"""Items that a sentence about the books names."""


def record(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Derive what is unchanged, check that everything has its outcome, and end the run."""
    del cursor
    yield Save(None, lambda session: _close(tools, session))
    return True


def _close(tools: Toolbox, session: Session) -> None:
    booked = statuses.counters(session, tools.run_id)
    counted = statuses.tally(session, tools.connector_id, tools.run_id)
    trees = reading.trees(tools, session)
    shown = {(one, tree.storefront_id) for tree in trees.covered for one in (*tree.places, *tree.in_circle)}
    others = statuses.tally_of_known(session, tools.connector_id, tools.run_id, shown)
    figures = _unchanged(booked, others)
    if faults := _faults(tools, session, booked, figures):
        raise BooksDoNotClose("; ".join(faults))
    announced.clear(session, tools.connector_id)
    statuses.put(session, tools.tenant_id, tools.run_id, {**counted, **figures})
    statuses.counted_once_it_stands(session, figures)
    has_trouble = any(count for (_, _, outcome), count in counted.items() if outcome in TROUBLE)
    runs.advance(session, tools.run_id, RunState.COMPLETED_WITH_ERRORS if has_trouble else RunState.COMPLETED)


def _unchanged(booked: Figures, others: dict[tuple[str, int], int]) -> Figures:
    """Known minus those with another outcome."""
    return {
        (kind, storefront, Outcome.UNCHANGED.value): known - others.get((kind, storefront), 0)
        for (kind, storefront, figure), known in booked.items()
        if figure == "known"
    }


def _faults(tools: Toolbox, session: Session, booked: Figures, figures: Figures) -> list[str]:
    """Why the books do not close, in sentences that name the items."""

    def those(kind: str, storefront: int, outcome: str | None = None) -> str:
        found = statuses.some(session, tools.connector_id, tools.run_id, kind, storefront, outcome, limit=NAMED + 1)
        return f" ({in_words(found)})" if found else ""

    lost = announced.unaccounted(session, tools.connector_id, tools.run_id)
    faults = [f"planned, and without an outcome: {in_words(lost)}"] if lost else []
    counted = statuses.tally_of_run(session, tools.connector_id, tools.run_id)
    for kind, storefront, outcome, here, there in disagreements(booked, counted):
        items = those(kind, storefront, outcome)
        faults.append(f"{kind} {outcome}{_on(storefront)}: booked {here}, counted {there}{items}")
    for (kind, storefront, _), count in figures.items():
        if count < 0:
            items = those(kind, storefront)
            faults.append(f"{kind}{_on(storefront)}: {-count} more outcomes than items{items}")
    return faults


def disagreements(booked: Figures, counted: Figures) -> list[tuple[str, int, str, int, int]]:
    """(kind, storefront, outcome, booked, counted) where the counters that moved with each save differ from a count."""
    places = {place for place in (*booked, *counted) if place[2] in set(Outcome) - {Outcome.UNCHANGED}}
    return [
        (*place, booked.get(place, 0), counted.get(place, 0))
        for place in sorted(places)
        if booked.get(place, 0) != counted.get(place, 0)
    ]


def in_words(keys: Sequence[Key]) -> str:
    """The first of these items by name, and how many more there are."""
    told = ", ".join(f"{one.kind} {one.source_id}{_on(one.storefront_id)}" for one in keys[:NAMED])
    return told + (f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else "")


def _on(storefront: int) -> str:
    return f" on storefront {storefront}" if storefront else ""
