"""The definitive log: the books are closed, and the run with them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from models.vocabulary import TROUBLE, ItemKind, Outcome, RunState
from worker.errors import BooksDoNotClose
from worker.ledger import runs, statuses
from worker.steps import reading
from worker.steps.planned import Figures
from worker.steps.toolbox import Cursor, Save, Step, Toolbox


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
    wrong = disagreements(booked, statuses.tally_of_run(session, tools.connector_id, tools.run_id))
    negative = [place for place, count in figures.items() if count < 0]
    if wrong or negative:
        raise BooksDoNotClose(
            "; ".join([*wrong, *(f"{kind} of storefront {at}: more outcomes than items" for kind, at, _ in negative)])
        )
    statuses.put(session, tools.tenant_id, tools.run_id, {**counted, **figures})
    has_trouble = any(count for (_, _, outcome), count in counted.items() if outcome in TROUBLE)
    runs.advance(session, tools.run_id, RunState.COMPLETED_WITH_ERRORS if has_trouble else RunState.COMPLETED)


def _unchanged(booked: Figures, others: dict[tuple[str, int], int]) -> Figures:
    """Known minus those with another outcome."""
    return {
        (kind, storefront, Outcome.UNCHANGED.value): known - others.get((kind, storefront), 0)
        for (kind, storefront, figure), known in booked.items()
        if figure == "known"
    }


def disagreements(booked: Figures, counted: Figures) -> list[str]:
    """Where the counters that moved with each save differ from a count item by item, in sentences."""
    wrong = []
    for kind in ItemKind:
        for outcome in Outcome:
            places = {at for k, at, figure in (*booked, *counted) if k == kind and figure == outcome}
            for at in sorted(places):
                here = booked.get((kind.value, at, outcome.value), 0)
                there = counted.get((kind.value, at, outcome.value), 0)
                if here != there and outcome is not Outcome.UNCHANGED:
                    wrong.append(f"{kind} {outcome} on storefront {at}: booked {here}, counted {there}")
    return wrong
